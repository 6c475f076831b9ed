// SPDX-License-Identifier: Apache-2.0

#include "services/s3/bucket_access.h"

#include "model/errors.h"
#include "services/s3/request.h"

namespace gust::s3 {
namespace {

// Without the Endpoint that AWS names here: it would lead away from this server. Clients go by the region.
model::ApiError elsewhere(const Bucket& bucket) {
  model::ApiError e = model::api_error("PermanentRedirect",
                                       "The bucket you are attempting to access must be addressed using the specified "
                                       "endpoint. Please send all future requests to this endpoint.",
                                       301);
  e.members.set("Bucket", bucket.name);
  e.members.set("Region", bucket.region);
  e.headers.emplace_back("x-amz-bucket-region", bucket.region);
  return e;
}

bool is_account(std::string_view text) { return text.size() == 12 && text.find_first_not_of("0123456789") == text.npos; }

}  // namespace

Access access_of(const model::Call& call) {
  Access access;
  access.bucket = call.input["Bucket"].as_string();
  access.account = call.identity.account;
  access.region = call.identity.region;
  access.anonymous = call.anonymous;
  if (const Value* owner = call.input.find("ExpectedBucketOwner")) access.expected_owner = owner->as_string();
  return access;
}

Result<std::optional<Bucket>> open_bucket(store::View& view, const Access& access, Problem& problem) {
  if (access.expected_owner && !is_account(*access.expected_owner)) {
    problem = model::api_error("InvalidBucketOwnerAWSAccountID",
                               "The value of the expected bucket owner parameter must be an AWS account ID.");
    return std::optional<Bucket>();
  }
  std::optional<Bucket> bucket = TRY(read_bucket(view, access.bucket));
  if (!bucket) {
    problem = model::no_such_bucket(access.bucket);
  } else if (!access.region.empty() && !access.anonymous && access.region != bucket->region) {
    problem = elsewhere(*bucket);
  } else if ((!access.anonymous && bucket->account != access.account) ||
             (access.expected_owner && *access.expected_owner != bucket->account)) {
    problem = access_denied();
  }
  if (problem) bucket.reset();
  return bucket;
}

}  // namespace gust::s3
