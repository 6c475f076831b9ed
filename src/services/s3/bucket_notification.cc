// SPDX-License-Identifier: Apache-2.0

// PutBucketNotificationConfiguration and GetBucketNotificationConfiguration.

#include "model/errors.h"
#include "services/s3/s3_service.h"

namespace gust::s3 {
namespace {

model::ApiError not_authorized(const std::string& function_arn) {
  model::ApiError e = model::api_error("InvalidArgument", "Unable to validate the following destination configurations");
  e.members.set("ArgumentName1", function_arn + ", null");
  e.members.set("ArgumentValue1", "Not authorized to invoke function [" + function_arn + "]");
  return e;
}

}  // namespace

// S3 sends its test event (s3:TestEvent) to topics and queues only, so functions get none.
void S3Service::put_bucket_notification(model::Call& call, const model::Responder& responder) {
  Problem problem;
  const auto found = look_up(call, problem);
  if (!found) return responder.error(model::from_error("s3", found.error()));
  if (!*found) return responder.error(std::move(*problem));
  auto notifications = parse_notifications(call.input["NotificationConfiguration"], (*found)->region);
  if (!notifications) return responder.error(std::move(notifications.error()));
  const bool validate = !call.input["SkipDestinationValidation"].as_bool();
  auto change = [this, validate, access = access_of(call), wanted = std::move(*notifications)](store::Transaction& transaction,
                                                                                               Effects& effects) -> Result<> {
    auto bucket = TRY(open_bucket(transaction, access, effects.problem));
    if (!bucket) return {};
    for (const Notification& n : wanted) {
      if (!validate) break;
      if (TRY(parts_.policy.may_invoke(transaction, n.function_arn, "s3.amazonaws.com", bucket->arn(), bucket->account)))
        continue;
      effects.problem = not_authorized(n.function_arn);
      return {};
    }
    bucket->notifications = wanted;
    return transaction.put(store::Space::Meta, bucket_key(bucket->name), encode(*bucket));
  };
  write(std::move(change), responder, [] { return model::Reply{}; });
}

Result<S3Service::Answer> S3Service::get_bucket_notification(const model::Call& call) {
  Problem problem;
  const auto bucket = TRY(look_up(call, problem));
  if (!bucket) return no(problem);
  model::Reply reply;
  reply.output = render_notifications(bucket->notifications);
  return Answer(std::move(reply));
}

}  // namespace gust::s3
