// SPDX-License-Identifier: Apache-2.0

#pragma once

// The parts of CreateTable's and UpdateTable's input that both have: attribute definitions, key schemas, indexes, throughput,
// encryption, tags. What is not built is refused by name. Errors: ValidationException in DynamoDB's words.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/dynamodb/table.h"

namespace gust::dynamodb {

// AttributeDefinitions.
class Definitions {
 public:
  static Api<Definitions> read(const Value& list);
  const KeyAttribute* find(std::string_view name) const;
  size_t size() const { return attributes_.size(); }
  std::string text() const;  // "[a, b]"
  void add(const KeyAttribute& attribute);
  const std::vector<KeyAttribute>& attributes() const { return attributes_; }

 private:
  std::vector<KeyAttribute> attributes_;
};

std::optional<model::ApiError> read_key_schema(const Value& schema, const Definitions& definitions, Keys& keys);

// An element of LocalSecondaryIndexes or GlobalSecondaryIndexes, or GlobalSecondaryIndexUpdate.Create; without storage number.
Api<Index> read_index(const Value& element, Index::Kind kind, const Definitions& definitions, const Table& table);
std::optional<model::ApiError> check_index_limits(const Table& table);
// Every definition is part of a key.
std::optional<model::ApiError> check_all_used(const Definitions& definitions, const Table& table);

// ProvisionedThroughput (where not null), OnDemandThroughput and WarmThroughput of a table, an index or an update of one.
std::optional<model::ApiError> read_throughput(const Value& input, bool on_demand, Throughput& throughput);

// SSESpecification: the key's ARN, empty where encryption with a key of KMS is not asked for. A table that names none has a
// key of its own id.
Api<std::string> read_encryption(const Value& specification, const Table& table);

// StreamSpecification.StreamEnabled and the like.
std::optional<model::ApiError> refuse_unbuilt_settings(std::string_view operation, const Value& input);

// Adds the Tags member; of equal keys the last counts. ValidationException beyond 50 tags.
std::optional<model::ApiError> add_tags(Pairs& tags, const Value& list);
Value render_tags(const Pairs& tags);

}  // namespace gust::dynamodb
