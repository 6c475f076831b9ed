// SPDX-License-Identifier: Apache-2.0

#include "services/s3/notification.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/ids.h"
#include "model/errors.h"
#include "services/s3/fields.h"

namespace gust::s3 {
namespace {

using model::ApiError;
enum Tag : uint8_t { kId = 1, kFunction = 2, kEvent = 3, kPrefix = 4, kSuffix = 5 };

constexpr size_t kMaxConfigurations = 100;  // S3 User Guide, "Amazon S3 quotas"
constexpr size_t kMaxId = 255;
constexpr size_t kMaxArn = 256;           // of a function with qualifier: Lambda API reference, FunctionName
constexpr size_t kMaxFilterValue = 1024;  // that of a key
// What can happen to an object here.
constexpr std::string_view kBuiltEvents[] = {"s3:ObjectCreated:*", kCreatedByPut,        kCreatedByPost,   kCreatedByCopy,
                                             kCreatedByUpload,     "s3:ObjectRemoved:*", kRemovedByDelete, kRemovedByMarker};
// The other names that S3 has: API reference, "Event" of LambdaFunctionConfiguration.
constexpr std::string_view kOtherEvents[] = {"s3:ReducedRedundancyLostObject", "s3:ObjectRestore:",     "s3:Replication:",
                                             "s3:LifecycleTransition",         "s3:IntelligentTiering", "s3:ObjectAcl:Put",
                                             "s3:LifecycleExpiration:",        "s3:ObjectTagging:",     "s3:ObjectAnnotation:"};

// The parts of "arn:aws:lambda:REGION:ACCOUNT:function:NAME[:QUALIFIER]"; empty where it is none.
std::vector<std::string_view> function_arn_parts(std::string_view arn) {
  std::vector<std::string_view> parts;
  if (arn.size() > kMaxArn) return parts;
  for (size_t start = 0; start <= arn.size() && parts.size() <= 8;) {
    const size_t end = std::min(arn.find(':', start), arn.size());
    parts.push_back(arn.substr(start, end - start));
    start = end + 1;
  }
  const bool good = (parts.size() == 7 || parts.size() == 8) && parts[0] == "arn" && parts[2] == "lambda" && !parts[3].empty() &&
                    parts[4].size() == 12 && parts[5] == "function" && !parts[6].empty() && !parts.back().empty();
  return good ? parts : std::vector<std::string_view>();
}

ApiError invalid(std::string message, std::string_view name, std::string_view value) {
  return model::invalid_argument(std::move(message), name, value);
}

std::optional<ApiError> add_rule(const Value& rule, Notification& n) {
  const std::string_view name = rule["Name"].as_string();
  const bool prefix = equal_ignoring_case(name, "prefix");
  if (!prefix && !equal_ignoring_case(name, "suffix")) {
    return invalid("filter rule name must be either prefix or suffix", "FilterRule.Name", name);
  }
  std::optional<std::string>& slot = prefix ? n.prefix : n.suffix;
  const std::string_view kind = prefix ? "prefix" : "suffix";
  if (slot) return invalid("Cannot specify more than one " + std::string(kind) + " rule in a filter.", "FilterRule.Name", name);
  const std::string_view value = rule["Value"].as_string();
  if (value.size() > kMaxFilterValue) {
    return invalid("Size of filter rule value cannot exceed 1024 bytes in UTF-8 representation", "FilterRule.Value", value);
  }
  slot = value;
  return std::nullopt;
}

std::optional<ApiError> check_event(std::string_view name) {
  if (std::find(std::begin(kBuiltEvents), std::end(kBuiltEvents), name) != std::end(kBuiltEvents)) return std::nullopt;
  for (const std::string_view other : kOtherEvents) {
    if (!name.starts_with(other)) continue;
    return model::not_implemented("s3", "PutBucketNotificationConfiguration with the event " + std::string(name));
  }
  return invalid("The event is not supported for notifications", "Event", name);
}

tl::expected<Notification, ApiError> parse(const Value& input, std::string_view bucket_region) {
  Notification n;
  n.id = input["Id"].as_string();
  if (n.id.size() > kMaxId) return tl::unexpected(invalid("The length of an Id cannot exceed 255 characters", "Id", n.id));
  if (n.id.empty()) n.id = new_uuid();
  n.function_arn = input["LambdaFunctionArn"].as_string();
  const auto arn = function_arn_parts(n.function_arn);
  if (arn.empty()) return tl::unexpected(invalid("The ARN could not be parsed", "CloudFunction", n.function_arn));
  if (arn[3] != bucket_region) {
    return tl::unexpected(invalid("The notification destination service region is not valid for the bucket location constraint",
                                  "CloudFunction", n.function_arn));
  }
  for (const Value& event : input["Events"].as_list()) {
    const std::string_view name = event.as_string();
    if (auto error = check_event(name)) return tl::unexpected(std::move(*error));
    if (std::find(n.events.begin(), n.events.end(), name) == n.events.end()) n.events.emplace_back(name);
  }
  if (n.events.empty()) return tl::unexpected(model::malformed_xml());
  for (const Value& rule : input["Filter"]["Key"]["FilterRules"].as_list()) {
    if (auto error = add_rule(rule, n)) return tl::unexpected(std::move(*error));
  }
  return n;
}

// "s3:ObjectCreated:*" covers "s3:ObjectCreated:Put".
bool covers(std::string_view pattern, std::string_view event) {
  if (!pattern.ends_with('*')) return pattern == event;
  return event.starts_with(pattern.substr(0, pattern.size() - 1));
}

bool share_an_event(const Notification& a, const Notification& b) {
  for (const std::string& x : a.events) {
    for (const std::string& y : b.events) {
      if (covers(x, y) || covers(y, x)) return true;
    }
  }
  return false;
}

// Whether there is a key that both filters take.
bool filters_meet(const Notification& a, const Notification& b) {
  const std::string pa = a.prefix.value_or(""), pb = b.prefix.value_or("");
  const std::string sa = a.suffix.value_or(""), sb = b.suffix.value_or("");
  return (pa.starts_with(pb) || pb.starts_with(pa)) && (sa.ends_with(sb) || sb.ends_with(sa));
}

std::optional<ApiError> check_pair(const Notification& a, const Notification& b) {
  if (a.id == b.id) return invalid("Same ID used for multiple configurations. IDs must be unique", "Id", a.id);
  if (!share_an_event(a, b) || !filters_meet(a, b)) return std::nullopt;
  const bool filtered = a.prefix || a.suffix || b.prefix || b.suffix;
  return model::api_error("InvalidArgument",
                          filtered
                              ? "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the "
                                "prefixes are overlapping for the same event type."
                              : "Configurations overlap. Configurations on the same bucket cannot share a common event type.");
}

Value filter_rule(std::string_view name, std::string_view value) {
  Value rule = Value::map();
  rule.set("Name", name);
  rule.set("Value", value);
  return rule;
}

}  // namespace

std::string Notification::unqualified_arn() const {
  const std::string tail = qualifier();
  return tail.empty() ? function_arn : function_arn.substr(0, function_arn.size() - tail.size() - 1);
}

std::string Notification::qualifier() const {
  const auto parts = function_arn_parts(function_arn);
  return parts.size() == 8 ? std::string(parts[7]) : std::string();
}

bool Notification::matches(std::string_view event, std::string_view key) const {
  if (prefix && !key.starts_with(*prefix)) return false;
  if (suffix && !key.ends_with(*suffix)) return false;
  return std::any_of(events.begin(), events.end(), [&](const std::string& e) { return covers(e, event); });
}

std::string encode(const Notification& n) {
  FieldWriter out;
  out.text(kId, n.id);
  out.text(kFunction, n.function_arn);
  for (const std::string& event : n.events) out.element(kEvent, event);
  if (n.prefix) out.element(kPrefix, *n.prefix);
  if (n.suffix) out.element(kSuffix, *n.suffix);
  return out.take();
}

Result<Notification> decode_notification(std::string_view bytes) {
  Notification n;
  FieldReader in(bytes);
  while (in.next()) {
    switch (in.tag()) {
      case kId:
        n.id = in.text();
        break;
      case kFunction:
        n.function_arn = in.text();
        break;
      case kEvent:
        n.events.push_back(in.text());
        break;
      case kPrefix:
        n.prefix = in.text();
        break;
      case kSuffix:
        n.suffix = in.text();
        break;
      default:
        break;
    }
  }
  if (in.failed()) return fail(Errc::Invalid, "malformed notification of a bucket");
  return n;
}

tl::expected<std::vector<Notification>, ApiError> parse_notifications(const Value& configuration,
                                                                      std::string_view bucket_region) {
  for (const char* member : {"TopicConfigurations", "QueueConfigurations", "EventBridgeConfiguration"}) {
    if (configuration.has(member)) {
      return tl::unexpected(model::not_implemented("s3", "PutBucketNotificationConfiguration with " + std::string(member)));
    }
  }
  const Value::List& list = configuration["LambdaFunctionConfigurations"].as_list();
  if (list.size() > kMaxConfigurations) {
    return tl::unexpected(model::api_error("InvalidArgument", "The number of notification configurations cannot exceed 100"));
  }
  std::vector<Notification> out;
  for (const Value& input : list) {
    auto n = parse(input, bucket_region);
    if (!n) return tl::unexpected(std::move(n.error()));
    for (const Notification& other : out) {
      if (auto error = check_pair(other, *n)) return tl::unexpected(std::move(*error));
    }
    out.push_back(std::move(*n));
  }
  return out;
}

Value render_notifications(const std::vector<Notification>& notifications) {
  Value output = Value::map();
  if (notifications.empty()) return output;
  Value& list = output.set("LambdaFunctionConfigurations", Value::list());
  for (const Notification& n : notifications) {
    Value c = Value::map();
    c.set("Id", n.id);
    c.set("LambdaFunctionArn", n.function_arn);
    Value& events = c.set("Events", Value::list());
    for (const std::string& event : n.events) events.push(event);
    if (n.prefix || n.suffix) {
      Value& rules = c.set("Filter", Value::map()).set("Key", Value::map()).set("FilterRules", Value::list());
      // AWS answers with capitals whatever was sent.
      if (n.prefix) rules.push(filter_rule("Prefix", *n.prefix));
      if (n.suffix) rules.push(filter_rule("Suffix", *n.suffix));
    }
    list.push(std::move(c));
  }
  return output;
}

}  // namespace gust::s3
