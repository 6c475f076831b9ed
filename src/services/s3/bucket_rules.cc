// SPDX-License-Identifier: Apache-2.0

// What the gateway asks a bucket about strangers, per request of a browser: so parsed documents are remembered.

#include "base/log.h"
#include "services/s3/bucket.h"
#include "services/s3/bucket_documents.h"
#include "services/s3/bucket_policy.h"
#include "services/s3/cors.h"
#include "services/s3/document_rows.h"

namespace gust::s3 {
namespace {

constexpr size_t kRemembered = 1 << 20;  // bytes of text; then all are forgotten
constexpr size_t kOverhead = 256;        // of a bucket without documents

size_t text_size(const Value& value) {
  size_t n = value.as_string().size();
  for (const Value& v : value.as_list()) n += text_size(v) + 16;
  for (const auto& [name, v] : value.as_map()) n += text_size(v) + 16;
  return n;
}

}  // namespace

struct BucketDocuments::Rules {
  std::vector<CorsRule> cors;
  std::optional<BucketPolicy> policy;
  bool restricted = true;  // RestrictPublicBuckets: a public policy lets no stranger in
  size_t bytes = kOverhead;

  static Result<std::shared_ptr<Rules>> read(store::View& view, std::string_view bucket) {
    auto rules = std::make_shared<Rules>();
    rules->bytes += bucket.size();  // a stranger's request may name anything
    if (const auto cors = TRY(read_document(view, bucket, kCors))) {
      rules->cors = cors_rules(*cors);
      rules->bytes += text_size(*cors);
    }
    if (const auto text = TRY(read_document(view, bucket, kPolicy))) {
      auto policy = BucketPolicy::parse(text->as_string(), bucket);
      if (policy) rules->policy = std::move(*policy);
      rules->bytes += text_size(*text);
    }
    if (const auto block = TRY(read_document(view, bucket, kPublicAccess))) {
      rules->restricted = (*block)["RestrictPublicBuckets"].as_bool();
    }
    return rules;
  }
};

BucketDocuments::~BucketDocuments() = default;

std::shared_ptr<const BucketDocuments::Rules> BucketDocuments::rules(std::string_view bucket) {
  uint64_t seen = 0;
  {
    const std::lock_guard lock(mutex_);
    if (const auto it = remembered_.find(bucket); it != remembered_.end()) return it->second;
    seen = changes_;
  }
  auto read = [&]() -> Result<std::shared_ptr<Rules>> {
    auto view = TRY(store_.read());
    return Rules::read(*view, bucket);
  }();
  if (!read) {
    log::warning("s3", "rules of a bucket cannot be read", {{"bucket", std::string(bucket)}, {"error", read.error().message}});
    return nullptr;
  }
  const std::lock_guard lock(mutex_);
  // A change since then may be missing in what was read: good for this request, but not for later ones.
  if (seen != changes_) return std::move(*read);
  if (remembered_bytes_ + (*read)->bytes > kRemembered) {
    remembered_.clear();
    remembered_bytes_ = 0;
  }
  if (remembered_.emplace(bucket, *read).second) remembered_bytes_ += (*read)->bytes;
  return std::move(*read);
}

void BucketDocuments::forget(std::string_view bucket) {
  const std::lock_guard lock(mutex_);
  ++changes_;
  const auto it = remembered_.find(bucket);
  if (it == remembered_.end()) return;
  remembered_bytes_ -= it->second->bytes;
  remembered_.erase(it);
}

std::optional<model::CorsHeaders> BucketDocuments::cors(const model::CorsRequest& request) {
  const auto found = rules(request.bucket);
  return found ? cors_headers(found->cors, request) : std::nullopt;
}

model::CorsRefusal BucketDocuments::why_refused(std::string_view bucket) {
  // Buckets come without notice, so whether there is one is not remembered.
  const auto there = [&]() -> Result<bool> {
    auto view = TRY(store_.read());
    return TRY(read_bucket(*view, bucket)).has_value();
  }();
  if (there && !*there) return model::CorsRefusal::NoBucket;
  const auto found = rules(bucket);
  return found && found->cors.empty() ? model::CorsRefusal::NotEnabled : model::CorsRefusal::NoRule;
}

bool BucketDocuments::anybody_may(std::string_view action, std::string_view bucket, std::string_view key) {
  const auto found = rules(bucket);
  return found && !found->restricted && found->policy && found->policy->lets_anybody(action, bucket, key);
}

}  // namespace gust::s3
