// SPDX-License-Identifier: Apache-2.0

#pragma once

// The configuration documents of a bucket that are kept and given back: policy, encryption, ownership controls, public access
// block, CORS, tagging, and what tools only ask for (lifecycle, website, logging, replication, object lock ...) with S3's own
// answer for "there is none". One row of Space::Meta per document under (bucket, name), removed with the bucket. Documents are
// checked as S3 checks them before they are kept. Here, too, is what the gateway asks about strangers (BucketRules).
//
// Thread-safe; the store must outlive it.

#include <memory>
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
  explicit BucketDocuments(store::Store& store) : store_(store) {}

  static bool implements(std::string_view operation);
  void call(model::Call call, model::Responder responder);  // on a worker; writes answer after their commit

  // Inside DeleteBucket's mutation.
  static Result<> erase_all(store::Transaction& transaction, std::string_view bucket);
  // Inside CreateBucket's mutation: what every new bucket has (encryption AES256, BucketOwnerEnforced, public access blocked).
  static Result<> create(store::Transaction& transaction, std::string_view bucket, std::string_view object_ownership);

  std::optional<model::CorsHeaders> cors(const model::CorsRequest& request) override;
  bool anybody_may(std::string_view action, std::string_view bucket, std::string_view key) override;

 private:
  store::Store& store_;
};

}  // namespace gust::s3
