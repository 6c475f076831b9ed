// SPDX-License-Identifier: Apache-2.0

#pragma once

// The configuration documents of a bucket that are kept and given back: policy, encryption, ownership controls, public access
// block, CORS, tagging, lifecycle, ACL; and what tools only ask for (website, logging, replication, object lock ...) with S3's
// own answer for "there is none". One row of Space::Meta per document (document_rows.h), removed with the bucket. Documents
// are checked as S3 checks them before they are kept. Here, too, is what the gateway asks about strangers (BucketRules).
//
// With an effect: CORS, policy and public access block (on who did not sign), ownership controls (on ACLs). Kept without one,
// because deployment tools put and compare them: encryption (nothing is encrypted at rest) and lifecycle (nothing expires).
// Refused by name: documents that would have an effect and have none here.
//
// Thread-safe; the store must outlive it.

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "model/bucket_rules.h"
#include "model/service.h"
#include "services/s3/bucket_access.h"
#include "store/store.h"

namespace gust::s3 {

class BucketDocuments : public model::BucketRules {
 public:
  explicit BucketDocuments(store::Store& store);
  ~BucketDocuments() override;

  static bool implements(std::string_view operation);
  void call(model::Call call, model::Responder responder);  // on a worker; writes answer after their commit

  // Inside CreateBucket's mutation. Empty: what every new bucket has (encryption AES256, BucketOwnerEnforced, public access
  // blocked), for which no row is written.
  static Result<> create(store::Transaction& transaction, std::string_view bucket, std::string_view object_ownership);
  // Inside CreateBucket's mutation, where it was given tags (checked: tag_set.h).
  static Result<> tag(store::Transaction& transaction, std::string_view bucket, const Value& tag_set);
  // Inside DeleteBucket's mutation; after its commit and before its answer: forget().
  static Result<> erase_all(store::Transaction& transaction, std::string_view bucket);
  void forget(std::string_view bucket);

  // Rules are read once and remembered, up to 1 MiB of documents' text in all.
  std::optional<model::CorsHeaders> cors(const model::CorsRequest& request) override;
  model::CorsRefusal why_refused(std::string_view bucket) override;
  bool anybody_may(std::string_view action, std::string_view bucket, std::string_view key) override;

 private:
  struct Rules;
  struct Put;
  std::shared_ptr<const Rules> rules(std::string_view bucket);  // null: the store failed
  void put(model::Call& call, const model::Responder& responder);
  void erase(model::Call& call, const model::Responder& responder);
  void write(std::string bucket, store::Mutation mutation, std::shared_ptr<Problem> problem, const model::Responder& responder,
             model::Reply reply);

  store::Store& store_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const Rules>, std::less<>> remembered_;
  size_t remembered_bytes_ = 0;
  uint64_t changes_ = 0;  // what was read before a change is not remembered after it
};

}  // namespace gust::s3
