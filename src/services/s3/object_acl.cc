// SPDX-License-Identifier: Apache-2.0

// GetObjectAcl and PutObjectAcl in the minimal form of bucket_acl.h: the owner has full control, nobody else anything.

#include "model/errors.h"
#include "services/s3/bucket_acl.h"
#include "services/s3/request.h"
#include "services/s3/s3_service.h"

namespace gust::s3 {

Problem S3Service::acl_problem(const model::Call& call) {
  const auto check = [&]() -> Result<Problem> {
    auto view = TRY(parts_.store.read());
    return check_acl(*view, call.input["Bucket"].as_string(),
                     {call.input, call.operation, call.identity.account, AclUse::WithObject});
  };
  auto checked = check();
  return checked ? std::move(*checked) : Problem(model::from_error("s3", checked.error()));
}

void S3Service::put_object_acl(model::Call& call, const model::Responder& responder) {
  if (Problem problem = check_key(call.input["Key"].as_string())) return responder.error(std::move(*problem));
  const auto check = [&](Problem& problem) -> Result<> {
    auto view = TRY(parts_.store.read());
    const auto opened = TRY(open(*view, access_of(call), call.input, problem));
    if (!opened) return {};
    problem = TRY(check_acl(*view, opened->bucket.name, {call.input, call.operation, opened->bucket.account, AclUse::PutList}));
    return {};
  };
  Problem problem;
  if (const auto checked = check(problem); !checked) problem = model::from_error("s3", checked.error());
  if (problem) return responder.error(std::move(*problem));
  responder.reply(model::Reply{});  // what may be put is what is there
}

Result<S3Service::Answer> S3Service::get_object_acl(const model::Call& call) {
  Problem problem = check_key(call.input["Key"].as_string());
  if (problem) return no(problem);
  auto view = TRY(parts_.store.read());
  const auto opened = TRY(open(*view, access_of(call), call.input, problem));
  if (!opened) return no(problem);
  model::Reply reply;
  reply.output = acl_of(opened->bucket.account);
  return Answer(std::move(reply));
}

}  // namespace gust::s3
