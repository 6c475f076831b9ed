// SPDX-License-Identifier: Apache-2.0

#pragma once

// Amazon DynamoDB's API: tables with a hash and perhaps a range key, their items and secondary indexes, Query and Scan. On
// workers: reads block, writes are parsed there and handed to the store as mutations that are answered after their commit.
// Every read is strongly consistent, of global indexes too; ConsistentRead changes only what ConsumedCapacity says.
//
// Limits: items of 400 KB, pages of 1 MB and 50 000 items, batches of 100 reads and 25 writes, 5 local and 20 global indexes
// a table, 2 500 tables per account and region. Not built, refused by name: everything that handler() does not list, streams,
// time to live, resource policies, index keys of several attributes. Throughput and encryption settings are kept and shown;
// nothing is throttled by them. The 10 GB of an item collection are not a limit.

#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "model/service.h"
#include "os/clock.h"
#include "services/dynamodb/expression.h"
#include "services/dynamodb/index_build.h"
#include "services/dynamodb/page_request.h"
#include "services/dynamodb/table.h"
#include "services/dynamodb/table_cache.h"
#include "services/dynamodb/table_removal.h"
#include "services/dynamodb/table_statistics.h"
#include "store/store.h"

namespace gust::dynamodb {

class DynamoDbService : public model::Service {
 public:
  // Both must outlive this and everything that was committed.
  DynamoDbService(store::Store& store, const Clock& clock);

  // Goes on with the removal of what was deleted and the filling of new indexes. Blocking; once, before serving.
  Result<> load();

  std::string_view id() const override { return "dynamodb"; }
  bool implements(std::string_view operation) const override;
  std::vector<std::string_view> without_effect() const override;
  void call(model::Call call, model::Responder responder) override;

 private:
  using Problem = std::optional<model::ApiError>;
  using Read = Api<Value> (DynamoDbService::*)(const model::Call&);
  using Write = void (DynamoDbService::*)(model::Call&, const model::Responder&);
  struct Handler {
    std::string_view name;
    Read read = nullptr;  // one of the two
    Write write = nullptr;
  };
  static const Handler* handler(std::string_view operation);

  // dynamodb_service.cc
  Api<std::unique_ptr<store::View>> view();
  Api<std::shared_ptr<const Table>> table_of(store::View& view, const TableName& name, const model::Identity& identity);

  // tables.cc
  void create_table(model::Call& call, const model::Responder& responder);
  void delete_table(model::Call& call, const model::Responder& responder);
  void update_table(model::Call& call, const model::Responder& responder);
  Api<Value> describe_table(const model::Call& call);
  Api<Value> describe_continuous_backups(const model::Call& call);
  Api<Value> describe_contributor_insights(const model::Call& call);
  Api<Value> describe_kinesis_streaming_destination(const model::Call& call);
  Api<Value> describe_endpoints(const model::Call& call);
  Api<Value> describe_limits(const model::Call& call);
  Api<Value> describe_time_to_live(const model::Call& call);
  Api<Value> list_tables(const model::Call& call);
  Api<Value> list_tags_of_resource(const model::Call& call);
  void tag_resource(model::Call& call, const model::Responder& responder);
  void untag_resource(model::Call& call, const model::Responder& responder);
  Api<Table> existing(const model::Call& call, std::string_view member);
  void forget(const Keys& keys);
  void change_tags(model::Call& call, std::function<Problem(Pairs&)> change, const model::Responder& responder);

  // items.cc
  Api<Value> get_item(const model::Call& call);
  void put_item(model::Call& call, const model::Responder& responder);
  void delete_item(model::Call& call, const model::Responder& responder);
  void update_item(model::Call& call, const model::Responder& responder);
  template <class Operation>
  void commit_write(const model::Call& call, Api<std::shared_ptr<Operation>> read, const model::Responder& responder);
  Api<Value> metrics_of(const TableName& name, const Item& item, const model::Identity& identity);

  // pages.cc
  Api<Value> page(const model::Call& call, PageVerb verb);
  Api<Value> query(const model::Call& call);
  Api<Value> scan(const model::Call& call);

  // batches.cc
  Api<Value> batch_get_item(const model::Call& call);
  Api<Value> batch_metrics(const model::Call& call);
  void batch_write_item(model::Call& call, const model::Responder& responder);

  store::Store& store_;
  const Clock& clock_;
  TableStatistics statistics_;
  TableRemoval removal_;
  IndexBuild builds_;
  const std::shared_ptr<TableCache> tables_ = std::make_shared<TableCache>();  // mutations that wait have it too
};

}  // namespace gust::dynamodb
