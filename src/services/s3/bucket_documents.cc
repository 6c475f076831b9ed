// SPDX-License-Identifier: Apache-2.0

#include "services/s3/bucket_documents.h"

#include <utility>

#include "model/errors.h"
#include "services/s3/bucket_acl.h"
#include "services/s3/bucket_policy.h"
#include "services/s3/document_kinds.h"
#include "services/s3/document_rows.h"

namespace gust::s3 {
namespace {

using model::api_error;
using model::ApiError;
using Answer = tl::expected<model::Reply, ApiError>;

constexpr std::string_view kOthers[] = {"GetBucketPolicyStatus", "GetBucketAcl", "PutBucketAcl"};

ApiError not_there(std::string_view code, std::string_view text, std::string_view bucket) {
  ApiError e = api_error(code, std::string(text), 404);
  e.members.set("BucketName", bucket);
  return e;
}

Answer reply(Value output) {
  model::Reply r;
  r.output = std::move(output);
  return r;
}

// What the operation asks for and no bucket here can have.
Problem refuse_effect(const model::Call& call) {
  if (call.operation == "PutBucketLogging" && call.input["BucketLoggingStatus"].has("LoggingEnabled")) {
    return model::not_implemented("s3", "PutBucketLogging with LoggingEnabled");
  }
  if (call.operation == "PutBucketRequestPayment" &&
      call.input["RequestPaymentConfiguration"]["Payer"].as_string() != "BucketOwner") {
    return model::not_implemented("s3", "PutBucketRequestPayment with Payer=Requester");
  }
  return std::nullopt;
}

Result<Answer> read_one(store::View& view, const DocumentKind& d, const std::string& bucket) {
  auto document = TRY(read_document(view, bucket, d.name));
  if (!document && d.fallback != nullptr) document = d.fallback();
  if (!document || document->is_null()) return Answer(tl::unexpected(not_there(d.code, d.text, bucket)));
  return reply(d.output == Output::IsDocument ? std::move(*document) : one(d.member, std::move(*document)));
}

Result<Answer> policy_status(store::View& view, const std::string& bucket) {
  auto got = TRY(read_one(view, *find_kind(&DocumentKind::get, "GetBucketPolicy"), bucket));
  if (!got) return got;
  const auto policy = BucketPolicy::parse(got->output["Policy"].as_string(), bucket);
  return reply(one("PolicyStatus", one("IsPublic", policy && policy->is_public())));
}

Result<Answer> read(store::View& view, const model::Call& call) {
  Problem problem;
  const auto bucket = TRY(open_bucket(view, access_of(call), problem));
  if (!bucket) return Answer(tl::unexpected(std::move(*problem)));
  if (const DocumentKind* d = find_kind(&DocumentKind::get, call.operation)) return read_one(view, *d, bucket->name);
  if (const Absent* absent = find_absent(call.operation)) {
    if (absent->output == nullptr) return Answer(tl::unexpected(not_there(absent->code, absent->text, bucket->name)));
    if (Problem p = refuse_effect(call)) return Answer(tl::unexpected(std::move(*p)));
    return reply(absent->output());
  }
  if (call.operation == "GetBucketPolicyStatus") return policy_status(view, bucket->name);
  if (call.operation == "GetBucketAcl") return reply(acl_of(bucket->account));
  // PutBucketAcl: the only list that can be put is the one that is there.
  const AclRequest request{call.input, call.operation, bucket->account, AclUse::PutList};
  if (Problem p = TRY(check_acl(view, bucket->name, request))) return Answer(tl::unexpected(std::move(*p)));
  return reply(Value::map());
}

// As AWS tells a caller of the same account.
ApiError public_policy_blocked(const model::Identity& identity, const std::string& bucket) {
  return api_error("AccessDenied",
                   "User: " + identity.principal_arn +
                       " is not authorized to perform: s3:PutBucketPolicy on resource: \"arn:aws:s3:::" + bucket +
                       "\" because public policies are blocked by the BlockPublicPolicy block public access setting.",
                   403);
}

}  // namespace

BucketDocuments::BucketDocuments(store::Store& store) : store_(store) {}

bool BucketDocuments::implements(std::string_view operation) {
  for (const std::string_view other : kOthers) {
    if (other == operation) return true;
  }
  for (auto verb : {&DocumentKind::put, &DocumentKind::get, &DocumentKind::erase}) {
    if (find_kind(verb, operation) != nullptr) return true;
  }
  return find_absent(operation) != nullptr;
}

void BucketDocuments::call(model::Call call, model::Responder responder) {
  if (!implements(call.operation)) return responder.error(model::not_implemented("s3", call.operation));
  if (find_kind(&DocumentKind::put, call.operation) != nullptr) return put(call, responder);
  if (find_kind(&DocumentKind::erase, call.operation) != nullptr) return erase(call, responder);
  Result<Answer> answer = [&]() -> Result<Answer> {
    auto view = TRY(store_.read());
    return read(*view, call);
  }();
  if (!answer) return responder.error(model::from_error("s3", answer.error()));
  if (!*answer) return responder.error(std::move(answer->error()));
  responder.reply(std::move(**answer));
}

struct BucketDocuments::Put {
  const DocumentKind& document;
  Access access;
  model::Identity identity;
  tl::expected<Value, ApiError> accepted;
  bool is_public = false;  // a policy

  Result<> run(store::Transaction& transaction, Problem& problem) const {
    problem.reset();
    const auto bucket = TRY(open_bucket(transaction, access, problem));
    if (!bucket) return {};
    if (!accepted) {
      problem = accepted.error();
      return {};
    }
    if (is_public) {
      const auto block = TRY(read_document(transaction, bucket->name, kPublicAccess));
      if (!block || (*block)["BlockPublicPolicy"].as_bool()) {
        problem = public_policy_blocked(identity, bucket->name);
        return {};
      }
    }
    return write_document(transaction, bucket->name, document.name, *accepted);
  }
};

void BucketDocuments::put(model::Call& call, const model::Responder& responder) {
  const DocumentKind& d = *find_kind(&DocumentKind::put, call.operation);
  Access access = access_of(call);
  auto change = std::make_shared<Put>(Put{d, access, call.identity, d.accept(call, call.input[d.member])});
  model::Reply answer;
  answer.status = d.put_status;
  if (change->accepted && d.name == kPolicy) {
    const auto policy = BucketPolicy::parse(change->accepted->as_string(), access.bucket);
    change->is_public = policy && policy->is_public();
  }
  if (change->accepted && d.name == kLifecycle) answer.output.set(kMinimumSize, (*change->accepted)[kMinimumSize]);
  auto problem = std::make_shared<Problem>();
  auto mutation = [change, problem](store::Transaction& transaction) { return change->run(transaction, *problem); };
  write(std::move(access.bucket), std::move(mutation), problem, responder, std::move(answer));
}

void BucketDocuments::erase(model::Call& call, const model::Responder& responder) {
  const DocumentKind& d = *find_kind(&DocumentKind::erase, call.operation);
  Access access = access_of(call);
  std::string name = access.bucket;
  auto problem = std::make_shared<Problem>();
  auto mutation = [&d, access = std::move(access), problem](store::Transaction& transaction) -> Result<> {
    problem->reset();
    const auto bucket = TRY(open_bucket(transaction, access, *problem));
    if (!bucket) return {};
    // Encryption cannot be off: what is deleted is the owner's choice of it.
    if (d.fallback == nullptr || d.name == kEncryption) return erase_document(transaction, bucket->name, d.name);
    return write_document(transaction, bucket->name, d.name, Value());
  };
  write(std::move(name), std::move(mutation), problem, responder, {});
}

void BucketDocuments::write(std::string bucket, store::Mutation mutation, std::shared_ptr<Problem> problem,
                            const model::Responder& responder, model::Reply reply) {
  store_.commit(std::move(mutation), [this, bucket = std::move(bucket), problem = std::move(problem), responder,
                                      reply = std::move(reply)](Result<> done) mutable {
    if (!done) return responder.error(model::from_error("s3", done.error()));
    if (*problem) return responder.error(std::move(**problem));
    forget(bucket);
    responder.reply(std::move(reply));
  });
}

Result<> BucketDocuments::create(store::Transaction& transaction, std::string_view bucket, std::string_view object_ownership) {
  if (object_ownership.empty() || object_ownership == "BucketOwnerEnforced") return {};
  return write_document(transaction, bucket, kOwnership, ownership_controls(object_ownership));
}

Result<> BucketDocuments::tag(store::Transaction& transaction, std::string_view bucket, const Value& tag_set) {
  return write_document(transaction, bucket, kTagging, tagging(tag_set));
}

Result<> BucketDocuments::erase_all(store::Transaction& transaction, std::string_view bucket) {
  return erase_documents(transaction, bucket);
}

}  // namespace gust::s3
