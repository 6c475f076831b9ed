// SPDX-License-Identifier: Apache-2.0

#include "services/lambda/lambda_service.h"

#include <array>

#include "base/log.h"
#include "model/errors.h"
#include "services/lambda/policy.h"

namespace gust::lambda {
namespace {

using model::ApiError;
constexpr size_t kLoadPage = 1000;

}  // namespace

LambdaService::LambdaService(Parts parts, Rules rules) : parts_(parts), rules_(std::move(rules)) {}

LambdaService::Handler LambdaService::handler(std::string_view operation) {
  struct Entry {
    std::string_view name;
    Handler handler;
  };
  using L = LambdaService;
  static constexpr std::array kEntries = {
      Entry{"AddPermission", &L::add_permission},
      Entry{"CreateFunction", &L::create_function},
      Entry{"DeleteFunction", &L::delete_function},
      Entry{"DeleteFunctionConcurrency", &L::delete_function_concurrency},
      Entry{"GetAccountSettings", &L::get_account_settings},
      Entry{"GetFunction", &L::get_function},
      Entry{"GetFunctionConcurrency", &L::get_function_concurrency},
      Entry{"GetFunctionConfiguration", &L::get_function_configuration},
      Entry{"GetPolicy", &L::get_policy},
      Entry{"Invoke", &L::invoke},
      Entry{"ListFunctions", &L::list_functions},
      Entry{"ListTags", &L::list_tags},
      Entry{"PutFunctionConcurrency", &L::put_function_concurrency},
      Entry{"RemovePermission", &L::remove_permission},
      Entry{"TagResource", &L::tag_resource},
      Entry{"UntagResource", &L::untag_resource},
      Entry{"UpdateFunctionCode", &L::update_function_code},
      Entry{"UpdateFunctionConfiguration", &L::update_function_configuration},
  };
  for (const Entry& entry : kEntries) {
    if (entry.name == operation) return entry.handler;
  }
  return nullptr;
}

bool LambdaService::implements(std::string_view operation) const { return handler(operation) != nullptr; }

model::Placement LambdaService::placement(std::string_view operation) const {
  return operation == "Invoke" ? model::Placement::Loop : model::Placement::Worker;
}

void LambdaService::call(model::Call call, model::Responder responder) {
  const Handler method = handler(call.operation);
  if (method == nullptr) return responder.error(model::not_implemented(id(), call.operation));
  (this->*method)(call, responder);
}

Result<bool> LambdaService::may_invoke(store::View& view, std::string_view function_arn, std::string_view principal,
                                       std::string_view source_arn, std::string_view source_account) {
  const auto name = parse_function_name(function_arn, "", "");
  if (!name || name->account.empty() || name->region.empty()) return false;
  if (!name->qualifier.empty() && name->qualifier != "$LATEST") return false;
  const std::optional<Record> record = TRY(read(view, *name));
  return record && allows_service(*record, principal, source_arn, source_account);
}

// Which function a call means; its qualifier can only be $LATEST as long as there are no versions.
tl::expected<FunctionName, ApiError> LambdaService::target(const model::Call& call) const {
  const std::string_view text = call.input["FunctionName"].as_string();
  auto name = parse_function_name(text, call.identity.account, call.identity.region);
  if (!name) {
    return tl::unexpected(model::validation("1 validation error detected: Value '" + std::string(text.substr(0, 256)) +
                                            "' at 'functionName' failed to satisfy constraint: Member must be a function name, "
                                            "a partial ARN or an ARN"));
  }
  const std::string_view qualifier = call.input["Qualifier"].as_string();
  if (!qualifier.empty()) {
    if (!name->qualifier.empty() && name->qualifier != qualifier) {
      return tl::unexpected(
          model::invalid_parameter_value("The derived qualifier from the function name does not match the specified qualifier."));
    }
    name->qualifier = qualifier;
  }
  const bool latest = name->qualifier.empty() || name->qualifier == "$LATEST";
  if (!latest) return tl::unexpected(model::resource_not_found("Function not found: " + name->qualified_arn()));
  return *name;
}

Result<std::optional<Record>> LambdaService::read(store::View& view, const FunctionName& name) {
  const auto row = TRY(view.get(store::Space::Meta, record_key(name.account, name.region, name.name)));
  if (!row) return std::optional<Record>();
  return std::optional<Record>(TRY(decode(*row)));
}

tl::expected<Record, ApiError> LambdaService::find(const FunctionName& name) const {
  auto view = parts_.store.read();
  if (!view) return tl::unexpected(model::from_error("lambda", view.error()));
  auto record = read(**view, name);
  if (!record) return tl::unexpected(model::from_error("lambda", record.error()));
  if (!*record) return tl::unexpected(model::resource_not_found("Function not found: " + name.qualified_arn()));
  return std::move(**record);
}

void LambdaService::change(const FunctionName& name, Change change, Answer answer, const model::Responder& responder) {
  struct State {
    Record record;
    Problem problem;
  };
  auto state = std::make_shared<State>();
  auto mutation = [state, name, change = std::move(change)](store::Transaction& transaction) -> Result<> {
    state->problem.reset();
    auto record = TRY(read(transaction, name));
    if (!record) {
      state->problem = model::resource_not_found("Function not found: " + name.qualified_arn());
    } else {
      state->problem = change(*record);
    }
    if (state->problem) return fail(Errc::Conflict, state->problem->message);
    state->record = std::move(*record);
    return transaction.put(store::Space::Meta, record_key(name.account, name.region, name.name), encode(state->record));
  };
  parts_.store.commit(std::move(mutation), [this, state, answer = std::move(answer), responder](Result<> done) {
    if (state->problem) return responder.error(std::move(*state->problem));
    if (!done) return responder.error(model::from_error("lambda", done.error()));
    publish(state->record, [state, answer, responder] { responder.reply(answer(state->record)); });
  });
}

// Commits are reported in their order and posts run in theirs, so the loop sees the latest record last.
void LambdaService::publish(const Record& record, std::function<void()> then) {
  parts_.loop.post([this, function = to_function(record), then = std::move(then)] {
    live_[function->arn] = Live{function, parts_.code.state(function->code)};
    parts_.port.put_function(function);
    then();
  });
}

Result<> LambdaService::load_page(std::string& from, std::vector<Record>& records) {
  auto view = TRY(parts_.store.read());
  const auto rows = TRY(view->scan(store::Space::Meta, from, "", kLoadPage));
  for (const store::Row& row : rows) {
    if (is_record_key(row.key)) records.push_back(TRY(decode(row.value)));
  }
  if (rows.empty()) {
    from.clear();
  } else {
    from = rows.back().key + '\0';
  }
  return {};
}

Result<> LambdaService::load() {
  TRY(parts_.code.open());
  std::vector<Record> records;
  std::string from;
  do {
    TRY(load_page(from, records));
  } while (!from.empty());
  std::set<std::string> referenced;
  for (const Record& record : records) referenced.insert(record.code);
  TRY(parts_.code.sweep(referenced));
  for (const Record& record : records) restore(record);
  return {};
}

void LambdaService::restore(const Record& record) {
  const invoke::FunctionPtr function = to_function(record);
  live_[function->arn] = Live{function, parts_.code.state(function->code)};
  parts_.port.put_function(function);
  if (live_[function->arn].code == CodeState::Ready) return;
  parts_.code.prepare(function->code, [this, arn = function->arn, code = function->code](Result<> done) {
    if (!done) log::error("lambda", "stored code cannot be unpacked", {{"function", arn}, {"error", done.error().message}});
    parts_.loop.post([this, arn, code] {
      const auto live = live_.find(arn);
      if (live != live_.end() && live->second.function->code == code) live->second.code = parts_.code.state(code);
    });
  });
}

}  // namespace gust::lambda
