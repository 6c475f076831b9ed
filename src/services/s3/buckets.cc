// SPDX-License-Identifier: Apache-2.0

// Operations on buckets themselves.

#include "base/ids.h"
#include "model/errors.h"
#include "services/s3/request.h"
#include "services/s3/s3_service.h"
#include "services/s3/tag_set.h"
#include "store/key.h"

namespace gust::s3 {
namespace {

using model::ApiError;
constexpr std::string_view kDefaultRegion = "us-east-1";
constexpr size_t kMaxBuckets = 10'000;  // of one page of ListBuckets
constexpr size_t kScan = 1000;

ApiError about_bucket(std::string_view code, std::string message, int status, std::string_view bucket) {
  ApiError e = model::api_error(code, std::move(message), status);
  e.members.set("BucketName", bucket);
  return e;
}

constexpr std::string_view kEnforced = "BucketOwnerEnforced";

Problem check_ownership(const Value& input) {
  const std::string_view ownership = input["ObjectOwnership"].as_string();
  if (ownership.empty() || ownership == kEnforced || ownership == "BucketOwnerPreferred" || ownership == "ObjectWriter") {
    return std::nullopt;
  }
  return model::invalid_argument("Invalid x-amz-object-ownership header: " + std::string(ownership), "x-amz-object-ownership",
                                 ownership);
}

Problem check_creation(std::string_view operation, const Value& input) {
  if (auto e = refuse(operation, input,
                      {{"ObjectLockEnabledForBucket", "x-amz-bucket-object-lock-enabled", "false"},
                       {"BucketNamespace", "x-amz-bucket-namespace", "global"}})) {
    return e;
  }
  const Value& configuration = input["CreateBucketConfiguration"];
  if (auto e = refuse(operation, configuration, {{"Location", "Location"}, {"Bucket", "Bucket"}})) return e;
  if (auto e = check_tags(configuration["Tags"], Tagged::Bucket)) return e;
  if (auto e = check_ownership(input)) return e;
  if (!asks_for_acl(input)) return std::nullopt;
  if (input["ObjectOwnership"].as_string(kEnforced) != kEnforced) {
    return model::not_implemented("s3", std::string(operation) + " with x-amz-acl");
  }
  return model::api_error("InvalidBucketAclWithObjectOwnership",
                          "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting");
}

// The bucket's region and what GetBucketLocation will answer.
std::optional<ApiError> choose_region(const Value& input, std::string_view endpoint_region, Bucket& bucket) {
  if (endpoint_region.empty()) endpoint_region = kDefaultRegion;
  const std::string_view wanted = input["CreateBucketConfiguration"]["LocationConstraint"].as_string();
  const std::string_view region = wanted == "EU" ? "eu-west-1" : wanted;
  // us-east-1 is the global endpoint too: from there buckets can be made anywhere.
  if (endpoint_region != kDefaultRegion && region != endpoint_region) {
    const std::string shown = wanted.empty() ? "unspecified" : std::string(wanted);
    return model::api_error("IllegalLocationConstraintException",
                            "The " + shown +
                                " location constraint is incompatible for the region specific endpoint this "
                                "request was sent to.");
  }
  bucket.region = region.empty() ? kDefaultRegion : region;
  bucket.location = wanted;
  return std::nullopt;
}

}  // namespace

void S3Service::create_bucket(model::Call& call, const model::Responder& responder) {
  Bucket bucket;
  bucket.name = call.input["Bucket"].as_string();
  bucket.account = call.identity.account;
  bucket.created_ms = parts_.clock.unix_ms();
  bucket.id = new_id(16);
  if (!is_bucket_name(bucket.name)) {
    return responder.error(about_bucket("InvalidBucketName", "The specified bucket is not valid.", 400, bucket.name));
  }
  if (auto e = check_creation(call.operation, call.input)) return responder.error(std::move(*e));
  if (auto e = choose_region(call.input, call.identity.region, bucket)) return responder.error(std::move(*e));
  auto change = [bucket, ownership = std::string(call.input["ObjectOwnership"].as_string()),
                 tags = call.input["CreateBucketConfiguration"]["Tags"]](store::Transaction& transaction,
                                                                         Effects& effects) -> Result<> {
    const auto there = TRY(read_bucket(transaction, bucket.name));
    if (there && there->account != bucket.account) {
      effects.problem = about_bucket("BucketAlreadyExists",
                                     "The requested bucket name is not available. The bucket namespace is "
                                     "shared by all users of the system. Please select a different name and try again.",
                                     409, bucket.name);
    } else if (there && bucket.region != kDefaultRegion) {
      effects.problem = about_bucket("BucketAlreadyOwnedByYou",
                                     "Your previous request to create the named bucket succeeded and "
                                     "you already own it.",
                                     409, bucket.name);
    }
    if (there) return {};
    TRY(BucketDocuments::create(transaction, bucket.name, ownership));
    if (tags.size() > 0) TRY(BucketDocuments::tag(transaction, bucket.name, tags));
    return transaction.put(store::Space::Meta, bucket_key(bucket.name), encode(bucket));
  };
  write(std::move(change), responder, [name = bucket.name] {
    model::Reply reply;
    reply.output.set("Location", "/" + name);
    return reply;
  });
}

// Unfinished uploads do not keep a bucket: they end with it, after the answer.
void S3Service::delete_bucket(model::Call& call, const model::Responder& responder) {
  auto change = [access = access_of(call)](store::Transaction& transaction, Effects& effects) -> Result<> {
    const auto bucket = TRY(open_bucket(transaction, access, effects.problem));
    if (!bucket) return {};
    for (const std::string& rows : {object_prefix(bucket->name), versions_prefix(bucket->name)}) {
      if (TRY(transaction.scan(store::Space::Object, rows, store::prefix_end(rows), 1)).empty()) continue;
      std::string message = "The bucket you tried to delete is not empty";
      if (bucket->versioned()) message += ". You must delete all versions in the bucket.";
      effects.problem = about_bucket("BucketNotEmpty", std::move(message), 409, bucket->name);
      return {};
    }
    for (const std::string& rows : {uploads_prefix(*bucket), all_parts_prefix(*bucket)}) {
      if (TRY(transaction.scan(store::Space::Object, rows, store::prefix_end(rows), 1)).empty()) continue;
      TRY(Garbage::note_uploads(transaction, rows, effects.leftovers));
    }
    TRY(BucketDocuments::erase_all(transaction, bucket->name));
    return transaction.erase(store::Space::Meta, bucket_key(bucket->name));
  };
  write(std::move(change), responder, [this, name = std::string(call.input["Bucket"].as_string())] {
    documents_.forget(name);
    return model::Reply{};
  });
}

Result<S3Service::Answer> S3Service::head_bucket(const model::Call& call) {
  Problem problem;
  const auto bucket = TRY(look_up(call, problem));
  if (!bucket) return no(problem);
  model::Reply reply;
  reply.output.set("BucketRegion", bucket->region);
  reply.output.set("AccessPointAlias", false);
  return Answer(std::move(reply));
}

// Of buckets of every region, from wherever it is asked.
Result<S3Service::Answer> S3Service::get_bucket_location(const model::Call& call) {
  Problem problem;
  auto view = TRY(parts_.store.read());
  Access access = access_of(call);
  access.region.clear();
  const auto bucket = TRY(open_bucket(*view, access, problem));
  if (!bucket) return no(problem);
  model::Reply reply;
  if (!bucket->location.empty()) reply.output.set("LocationConstraint", bucket->location);
  return Answer(std::move(reply));
}

Result<S3Service::Answer> S3Service::list_buckets(const model::Call& call) {
  std::string from = bucket_prefix();
  if (const Value* token = call.input.find("ContinuationToken")) {
    const auto position = parse_token(token->as_string());
    if (!position) return Answer(tl::unexpected(position.error()));
    from = bucket_key(position->after) + '\0';
  }
  model::Reply reply;
  if (call.input.has("Prefix")) reply.output.set("Prefix", call.input["Prefix"]);
  reply.output.set("Owner", Value::map()).set("ID", canonical_user(call.identity.account));
  TRY(collect_buckets(call, std::move(from), reply.output));
  return Answer(std::move(reply));
}

Result<> S3Service::collect_buckets(const model::Call& call, std::string from, Value& output) {
  const Value& input = call.input;
  const std::string_view prefix = input["Prefix"].as_string(), region = input["BucketRegion"].as_string();
  const auto limit = static_cast<size_t>(input["MaxBuckets"].as_int(kMaxBuckets));
  // AWS tells the region only where a parameter was given.
  const bool with_region = input.size() > 0;
  Value buckets = Value::list();
  std::string last;
  for (bool more = true; more;) {
    auto view = TRY(parts_.store.read());
    const auto rows = TRY(view->scan(store::Space::Meta, from, store::prefix_end(bucket_prefix()), kScan));
    more = !rows.empty();
    for (const store::Row& row : rows) {
      store::KeyReader reader(std::string_view(row.key).substr(bucket_prefix().size()));
      const std::string name = TRY(reader.text());
      const Bucket bucket = TRY(decode_bucket(name, row.value));
      if (bucket.account != call.identity.account || !bucket.name.starts_with(prefix)) continue;
      if (!region.empty() && bucket.region != region) continue;
      if (buckets.size() == limit) {
        output.set("ContinuationToken", make_token({last, false}));
        more = false;
        break;
      }
      Value v = Value::map();
      v.set("Name", bucket.name);
      v.set("CreationDate", Timestamp{whole_seconds(bucket.created_ms)});
      if (with_region) v.set("BucketRegion", bucket.region);
      buckets.push(std::move(v));
      last = bucket.name;
    }
    if (more) from = rows.back().key + '\0';
  }
  output.set("Buckets", std::move(buckets));
  return {};
}

}  // namespace gust::s3
