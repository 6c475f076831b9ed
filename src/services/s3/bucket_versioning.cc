// SPDX-License-Identifier: Apache-2.0

// PutBucketVersioning and GetBucketVersioning.

#include "model/errors.h"
#include "services/s3/request.h"
#include "services/s3/s3_service.h"

namespace gust::s3 {
namespace {

tl::expected<Versioning, model::ApiError> parse(std::string_view operation, const Value& input) {
  const Value& configuration = input["VersioningConfiguration"];
  if (auto e = refuse(operation, input, {{"MFA", "x-amz-mfa"}})) return tl::unexpected(std::move(*e));
  if (auto e = refuse(operation, configuration, {{"MFADelete", "MfaDelete", "Disabled"}})) return tl::unexpected(std::move(*e));
  const std::string_view status = configuration["Status"].as_string();
  if (status == "Enabled") return Versioning::Enabled;
  if (status == "Suspended") return Versioning::Suspended;
  if (!status.empty()) return tl::unexpected(model::malformed_xml());
  return tl::unexpected(model::api_error("IllegalVersioningConfigurationException", "The Versioning element must be specified"));
}

}  // namespace

void S3Service::put_bucket_versioning(model::Call& call, const model::Responder& responder) {
  const auto wanted = parse(call.operation, call.input);
  if (!wanted) return responder.error(wanted.error());
  auto change = [access = access_of(call), wanted = *wanted](store::Transaction& transaction, Effects& effects) -> Result<> {
    auto bucket = TRY(open_bucket(transaction, access, effects.problem));
    if (!bucket) return {};
    bucket->versioning = wanted;
    return transaction.put(store::Space::Meta, bucket_key(bucket->name), encode(*bucket));
  };
  write(std::move(change), responder, [] { return model::Reply{}; });
}

Result<S3Service::Answer> S3Service::get_bucket_versioning(const model::Call& call) {
  Problem problem;
  const auto bucket = TRY(look_up(call, problem));
  if (!bucket) return no(problem);
  model::Reply reply;
  if (bucket->versioned()) {
    reply.output.set("Status", bucket->versioning == Versioning::Enabled ? "Enabled" : "Suspended");
  }
  return Answer(std::move(reply));
}

}  // namespace gust::s3
