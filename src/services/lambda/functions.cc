// SPDX-License-Identifier: Apache-2.0

// Operations on functions themselves.

#include "base/encoding.h"
#include "base/ids.h"
#include "model/errors.h"
#include "services/lambda/lambda_service.h"
#include "store/key.h"

namespace gust::lambda {
namespace {

using model::ApiError;
constexpr size_t kPage = 50;  // ListFunctions: AWS's page

std::optional<ApiError> check_revision(const Record& record, std::string_view wanted) {
  if (wanted.empty() || wanted == record.revision_id) return std::nullopt;
  return model::api_error("PreconditionFailedException",
                          "The Revision Id provided does not match the latest Revision Id. Call the "
                          "GetFunction/GetAlias API to retrieve the latest Revision Id",
                          412);
}

void touch(Record& record, const std::string& revision, int64_t now_ms) {
  record.revision_id = revision;
  record.modified_ms = now_ms;
  ++record.epoch;
}

ApiError code_problem(const Error& error) {
  if (error.code == Errc::TooLarge) return model::invalid_parameter_value("Unzipped size must be smaller than 262144000 bytes");
  if (error.code == Errc::Invalid) {
    return model::invalid_parameter_value("Could not unzip uploaded file. Please check your file, then try to upload again.");
  }
  return model::from_error("lambda", error);
}

std::optional<ApiError> refuse_code(std::string_view operation, const Value& code) {
  for (const char* member : {"S3Bucket", "S3Key", "S3ObjectVersion", "S3ObjectStorageMode", "ImageUri", "SourceKMSKeyArn"}) {
    if (code.has(member)) return model::not_implemented("lambda", std::string(operation) + " with " + member);
  }
  if (code["ZipFile"].as_string().empty()) return model::invalid_parameter_value("Please provide a source for function code.");
  return std::nullopt;
}

model::Reply configuration_reply(const Record& record, Moment moment, CodeState state = CodeState::Ready) {
  model::Reply reply;
  reply.output = render_configuration(record, moment, state);
  return reply;
}

ApiError already_exists(std::string_view name) {
  return model::resource_conflict("Function already exist: " + std::string(name));
}

}  // namespace

// Keeps and unpacks ZipFile; `then` gets its hash and size, on any thread.
void LambdaService::with_code(const Value& code, const model::Responder& responder,
                              std::function<void(std::string, uint64_t)> then) {
  const std::string_view zip = code["ZipFile"].as_string();
  const auto hex = parts_.code.keep(zip);
  if (!hex) return responder.error(model::from_error("lambda", hex.error()));
  parts_.code.prepare(*hex, [responder, hex = *hex, size = zip.size(), then = std::move(then)](Result<> ready) {
    if (!ready) return responder.error(code_problem(ready.error()));
    then(hex, size);
  });
}

void LambdaService::create_function(model::Call& call, const model::Responder& responder) {
  const Value& input = call.input;
  const auto name = target(call);
  if (!name) return responder.error(name.error());
  if (name->account != call.identity.account || name->region != call.identity.region) {
    return responder.error(model::invalid_parameter_value("The function's account and region must be the caller's own."));
  }
  if (auto e = refuse_unbuilt(call.operation, input)) return responder.error(std::move(*e));
  if (auto e = refuse_code(call.operation, input["Code"])) return responder.error(std::move(*e));
  Record record;
  record.account = name->account, record.region = name->region, record.name = name->name;
  if (!input.has("Runtime") || input["Handler"].as_string().empty()) {
    return responder.error(model::invalid_parameter_value(
        "Runtime and Handler are mandatory parameters for functions created with deployment packages."));
  }
  record.architecture = rules_.architecture;
  if (auto e = apply_architectures(input, rules_, record)) return responder.error(std::move(*e));
  if (auto e = apply_settings(input, rules_, record)) return responder.error(std::move(*e));
  for (const auto& [key, value] : input["Tags"].as_map()) record.tags.emplace_back(key, std::string(value.as_string()));
  if (find(*name)) return responder.error(already_exists(name->name));  // before the zip is touched
  record.revision_id = new_uuid();
  record.modified_ms = parts_.clock.unix_ms();
  record.epoch = static_cast<uint64_t>(record.modified_ms);  // never that of a deleted function of this name
  with_code(input["Code"], responder, [this, record, responder](const std::string& hex, uint64_t size) mutable {
    record.code = hex;
    record.code_size = size;
    commit_creation(std::move(record), responder);
  });
}

void LambdaService::commit_creation(Record record, const model::Responder& responder) {
  auto shared = std::make_shared<const Record>(std::move(record));
  auto mutation = [shared](store::Transaction& transaction) -> Result<> {
    const std::string key = record_key(shared->account, shared->region, shared->name);
    if (TRY(transaction.get(store::Space::Meta, key))) return fail(Errc::Exists, "function exists");
    return transaction.put(store::Space::Meta, key, encode(*shared));
  };
  parts_.store.commit(std::move(mutation), [this, shared, responder](Result<> done) {
    if (!done && done.error().code == Errc::Exists) return responder.error(already_exists(shared->name));
    if (!done) return responder.error(model::from_error("lambda", done.error()));
    publish(*shared, [shared, responder] { responder.reply(configuration_reply(*shared, Moment::Created)); });
  });
}

void LambdaService::get_function(model::Call& call, const model::Responder& responder) {
  const auto name = target(call);
  if (!name) return responder.error(name.error());
  const auto record = find(*name);
  if (!record) return responder.error(record.error());
  Value output = Value::map();
  output.set("Configuration", render_configuration(*record, Moment::Now, parts_.code.state(record->code)));
  // No Location: there is no place for downloads yet.
  output.set("Code", Value::map()).set("RepositoryType", "S3");
  if (!record->tags.empty()) output.set("Tags", render_pairs(record->tags));
  if (record->reserved_concurrency >= 0) {
    output.set("Concurrency", Value::map())
        .set("ReservedConcurrentExecutions", static_cast<long long>(record->reserved_concurrency));
  }
  responder.reply(std::move(output));
}

void LambdaService::get_function_configuration(model::Call& call, const model::Responder& responder) {
  const auto name = target(call);
  if (!name) return responder.error(name.error());
  const auto record = find(*name);
  if (!record) return responder.error(record.error());
  responder.reply(configuration_reply(*record, Moment::Now, parts_.code.state(record->code)));
}

void LambdaService::list_functions(model::Call& call, const model::Responder& responder) {
  const Value& input = call.input;
  if (input.has("MasterRegion")) return responder.error(model::not_implemented(id(), "ListFunctions with MasterRegion"));
  const std::string prefix = record_prefix(call.identity.account, call.identity.region);
  std::string from = prefix;
  if (const std::string_view marker = input["Marker"].as_string(); !marker.empty()) {
    const auto last = base64_decode(marker);
    if (!last) return responder.error(model::invalid_parameter_value("The marker is not valid."));
    from = record_key(call.identity.account, call.identity.region, *last) + '\0';
  }
  const size_t limit = std::min<size_t>(kPage, static_cast<size_t>(std::max<int64_t>(1, input["MaxItems"].as_int(kPage))));
  auto view = parts_.store.read();
  if (!view) return responder.error(model::from_error("lambda", view.error()));
  // One more than a page tells whether there is another.
  const auto rows = (*view)->scan(store::Space::Meta, from, store::prefix_end(prefix), limit + 1);
  if (!rows) return responder.error(model::from_error("lambda", rows.error()));
  Value output = Value::map();
  Value& functions = output.set("Functions", Value::list());
  std::string last;
  for (const store::Row& row : *rows) {
    if (functions.size() == limit) {
      output.set("NextMarker", base64_encode(last));
      break;
    }
    const auto record = decode(row.value);
    if (!record) return responder.error(model::from_error("lambda", record.error()));
    functions.push(render_configuration(*record, Moment::Listed));
    last = record->name;
  }
  responder.reply(std::move(output));
}

void LambdaService::update_function_code(model::Call& call, const model::Responder& responder) {
  const Value& input = call.input;
  const auto name = target(call);
  if (!name) return responder.error(name.error());
  if (auto e = refuse_unbuilt(call.operation, input)) return responder.error(std::move(*e));
  if (auto e = refuse_code(call.operation, input)) return responder.error(std::move(*e));
  auto before = find(*name);
  if (!before) return responder.error(before.error());
  const std::string wanted(input["RevisionId"].as_string());
  if (auto e = check_revision(*before, wanted)) return responder.error(std::move(*e));
  if (auto e = apply_architectures(input, rules_, *before)) return responder.error(std::move(*e));
  const bool dry_run = input["DryRun"].as_bool();
  const int64_t now = parts_.clock.unix_ms();
  with_code(input, responder, [=, this, name = *name, before = *before](const std::string& hex, uint64_t size) mutable {
    const auto set_code = [=, revision = new_uuid()](Record& record) {
      record.code = hex;
      record.code_size = size;
      touch(record, revision, now);
    };
    if (dry_run) {
      set_code(before);
      return responder.reply(configuration_reply(before, Moment::Now));
    }
    change(
        name,
        [=](Record& record) -> Problem {
          if (auto e = check_revision(record, wanted)) return e;
          set_code(record);
          return std::nullopt;
        },
        [](const Record& record) { return configuration_reply(record, Moment::Updated); }, responder);
  });
}

void LambdaService::update_function_configuration(model::Call& call, const model::Responder& responder) {
  const auto name = target(call);
  if (!name) return responder.error(name.error());
  if (auto e = refuse_unbuilt(call.operation, call.input)) return responder.error(std::move(*e));
  const std::string revision = new_uuid();
  const int64_t now = parts_.clock.unix_ms();
  change(
      *name,
      [input = std::move(call.input), rules = rules_, revision, now](Record& record) -> Problem {
        if (auto e = check_revision(record, input["RevisionId"].as_string())) return e;
        if (auto e = apply_settings(input, rules, record)) return e;
        touch(record, revision, now);
        return std::nullopt;
      },
      [](const Record& record) { return configuration_reply(record, Moment::Updated); }, responder);
}

void LambdaService::delete_function(model::Call& call, const model::Responder& responder) {
  const auto name = target(call);
  if (!name) return responder.error(name.error());
  if (!name->qualifier.empty()) {
    return responder.error(model::invalid_parameter_value("$LATEST version cannot be deleted without deleting the function."));
  }
  auto mutation = [name = *name](store::Transaction& transaction) -> Result<> {
    const std::string key = record_key(name.account, name.region, name.name);
    if (!TRY(transaction.get(store::Space::Meta, key))) return fail(Errc::NotFound, "no such function");
    return transaction.erase(store::Space::Meta, key);
  };
  parts_.store.commit(std::move(mutation), [this, name = *name, responder](Result<> done) {
    if (!done && done.error().code == Errc::NotFound) {
      return responder.error(model::resource_not_found("Function not found: " + name.arn()));
    }
    if (!done) return responder.error(model::from_error("lambda", done.error()));
    parts_.loop.post([this, arn = name.arn(), responder] {
      if (const auto live = live_.find(arn); live != live_.end()) {
        parts_.port.remove_function(*live->second.function);
        live_.erase(live);
      }
      model::Reply reply;
      reply.output.set("StatusCode", 204);
      reply.status = 204;
      responder.reply(std::move(reply));
    });
  });
}

}  // namespace gust::lambda
