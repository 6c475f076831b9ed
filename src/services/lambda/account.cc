// SPDX-License-Identifier: Apache-2.0

// Reserved concurrency, account settings, tags.

#include <algorithm>

#include "base/ids.h"
#include "model/errors.h"
#include "services/lambda/lambda_service.h"
#include "store/key.h"

namespace gust::lambda {
namespace {

constexpr size_t kScanPage = 1000;
constexpr size_t kMaxTags = 50;                     // AWS Lambda guide, "Lambda quotas"
constexpr int64_t kTotalCodeSize = 80'530'636'800;  // 75 GiB
constexpr int64_t kCodeUnzipped = 262'144'000, kCodeZipped = 52'428'800;

}  // namespace

// Over all functions of an account and region but `except`.
Result<LambdaService::Totals> LambdaService::totals(const model::Identity& identity, std::string_view except) const {
  const std::string prefix = record_prefix(identity.account, identity.region), end = store::prefix_end(prefix);
  Totals totals;
  for (std::string from = prefix;;) {
    auto view = TRY(parts_.store.read());
    const auto rows = TRY(view->scan(store::Space::Meta, from, end, kScanPage));
    if (rows.empty()) return totals;
    for (const store::Row& row : rows) {
      const Record record = TRY(decode(row.value));
      ++totals.functions;
      totals.code_size += record.code_size;
      if (record.name != except) totals.reserved += std::max<int64_t>(0, record.reserved_concurrency);
    }
    from = rows.back().key + '\0';
  }
}

void LambdaService::put_function_concurrency(model::Call& call, const model::Responder& responder) {
  const auto name = target(call);
  if (!name) return responder.error(name.error());
  const int64_t wanted = call.input["ReservedConcurrentExecutions"].as_int();
  const auto others = totals(call.identity, name->name);
  if (!others) return responder.error(model::from_error("lambda", others.error()));
  if (others->reserved + wanted > int64_t{rules_.account_concurrency} - rules_.least_unreserved) {
    return responder.error(model::invalid_parameter_value(
        "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its "
        "minimum value of [" +
        std::to_string(rules_.least_unreserved) + "]."));
  }
  change(
      *name,
      [wanted](Record& record) -> Problem {
        record.reserved_concurrency = wanted;
        return std::nullopt;
      },
      [wanted](const Record&) {
        model::Reply reply;
        reply.output.set("ReservedConcurrentExecutions", static_cast<long long>(wanted));
        return reply;
      },
      responder);
}

void LambdaService::get_function_concurrency(model::Call& call, const model::Responder& responder) {
  const auto name = target(call);
  if (!name) return responder.error(name.error());
  const auto record = find(*name);
  if (!record) return responder.error(record.error());
  Value output = Value::map();
  if (record->reserved_concurrency >= 0) {
    output.set("ReservedConcurrentExecutions", static_cast<long long>(record->reserved_concurrency));
  }
  responder.reply(std::move(output));
}

void LambdaService::delete_function_concurrency(model::Call& call, const model::Responder& responder) {
  const auto name = target(call);
  if (!name) return responder.error(name.error());
  change(
      *name,
      [](Record& record) -> Problem {
        record.reserved_concurrency = -1;
        return std::nullopt;
      },
      [](const Record&) { return model::Reply{}; }, responder);
}

void LambdaService::get_account_settings(model::Call& call, const model::Responder& responder) {
  const auto all = totals(call.identity, "");
  if (!all) return responder.error(model::from_error("lambda", all.error()));
  Value output = Value::map();
  Value& limit = output.set("AccountLimit", Value::map());
  limit.set("TotalCodeSize", static_cast<long long>(kTotalCodeSize));
  limit.set("CodeSizeUnzipped", static_cast<long long>(kCodeUnzipped));
  limit.set("CodeSizeZipped", static_cast<long long>(kCodeZipped));
  limit.set("ConcurrentExecutions", rules_.account_concurrency);
  limit.set("UnreservedConcurrentExecutions", static_cast<long long>(rules_.account_concurrency - all->reserved));
  Value& usage = output.set("AccountUsage", Value::map());
  usage.set("TotalCodeSize", all->code_size);
  usage.set("FunctionCount", static_cast<long long>(all->functions));
  responder.reply(std::move(output));
}

namespace {

// Tags belong to the function's ARN, given as Resource.
tl::expected<FunctionName, model::ApiError> resource(const model::Call& call) {
  const std::string_view arn = call.input["Resource"].as_string();
  const auto name = parse_function_name(arn, call.identity.account, call.identity.region);
  if (!name || !arn.starts_with("arn:")) {
    return tl::unexpected(model::invalid_parameter_value("The resource is not a function's ARN."));
  }
  if (!name->qualifier.empty()) {
    return tl::unexpected(
        model::invalid_parameter_value("Tags on function aliases and versions are not supported. Please specify "
                                       "a function ARN."));
  }
  return *name;
}

}  // namespace

void LambdaService::list_tags(model::Call& call, const model::Responder& responder) {
  const auto name = resource(call);
  if (!name) return responder.error(name.error());
  const auto record = find(*name);
  if (!record) return responder.error(record.error());
  Value output = Value::map();
  output.set("Tags", render_pairs(record->tags));
  responder.reply(std::move(output));
}

void LambdaService::tag_resource(model::Call& call, const model::Responder& responder) {
  const auto name = resource(call);
  if (!name) return responder.error(name.error());
  change(
      *name,
      [tags = call.input["Tags"]](Record& record) -> Problem {
        for (const Value::Member& added : tags.as_map()) {
          std::erase_if(record.tags, [&added](const auto& tag) { return tag.first == added.first; });
          record.tags.emplace_back(added.first, std::string(added.second.as_string()));
        }
        if (record.tags.size() > kMaxTags) return model::invalid_parameter_value("A function can have 50 tags at most.");
        return std::nullopt;
      },
      [](const Record&) { return model::Reply{}; }, responder);
}

void LambdaService::untag_resource(model::Call& call, const model::Responder& responder) {
  const auto name = resource(call);
  if (!name) return responder.error(name.error());
  change(
      *name,
      [keys = call.input["TagKeys"]](Record& record) -> Problem {
        for (const Value& key : keys.as_list()) {
          std::erase_if(record.tags, [&key](const auto& tag) { return tag.first == key.as_string(); });
        }
        return std::nullopt;
      },
      [](const Record&) { return model::Reply{}; }, responder);
}

}  // namespace gust::lambda
