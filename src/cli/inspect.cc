// SPDX-License-Identifier: Apache-2.0

// `gust ps`, `gust explain`, `gust events`: what runs, why it is as it is, what waits.

#include "base/encoding.h"
#include "base/ids.h"
#include "base/json.h"
#include "cli/output.h"
#include "cli/verbs.h"

namespace gust::cli {
namespace {

int show(const Context& context, const Result<Value>& document, std::string (*text)(const Value&)) {
  if (!document) return failed(document.error());
  print(context.json ? json::write_pretty(*document) + "\n" : text(*document));
  return kOk;
}

using Columns = std::vector<std::pair<std::string, std::string>>;  // heading, member
std::string table_of(const Value::List& list, const Columns& columns) {
  std::vector<std::string> headings;
  for (const auto& column : columns) headings.push_back(column.first);
  Table table(std::move(headings));
  for (const Value& element : list) {
    std::vector<std::string> cells;
    for (const auto& column : columns) cells.push_back(text_of(element[column.second]));
    table.add(std::move(cells));
  }
  return table.text();
}

// The members that are neither shown in the heading nor as tables.
std::string rest_text(const Value& map, std::initializer_list<std::string_view> shown) {
  Value rest = map;
  for (std::string_view name : shown) rest.erase(name);
  return rest.size() == 0 ? "" : document_text(rest, "  ");
}

std::string events_text(const Value& document) {
  Table table({"", ""});
  table.add({"events", text_of(document["events"])});
  table.add({"bytes", text_of(document["bytes"])});
  table.add({"running now", text_of(document["in_flight"])});
  const int64_t oldest_us = document["oldest_us"].as_int();
  table.add({"oldest", oldest_us > 0 ? iso8601(oldest_us / 1000) : "-"});
  Value dropped = Value::map();
  for (const auto& [why, count] : document["dropped"].as_map()) {
    if (count.as_int() != 0) dropped.set(why, count);
  }
  std::string out = table.text("  ") + rest_text(document, {"events", "bytes", "in_flight", "oldest_us", "dropped"});
  return dropped.size() == 0 ? out : out + "  given up since the start\n" + document_text(dropped, "    ");
}

std::string ps_text(const Value& document) {
  const Value::List& environments = document["environments"].as_list();
  std::string out = environments.empty() ? "no environments\n"
                                         : table_of(environments, {{"ENVIRONMENT", "environment"},
                                                                   {"FUNCTION", "function"},
                                                                   {"STATE", "state"},
                                                                   {"MEMORY MB", "memory_mb"},
                                                                   {"EXECUTIONS", "executions"},
                                                                   {"CAUSE", "cause"},
                                                                   {"REQUEST", "request_id"}});
  if (document["services"].size() != 0) out += "\n" + services_text(document["services"].as_list());
  if (document["events"]["events"].as_int() != 0) out += "\nwaiting events\n" + events_text(document["events"]);
  return out;
}

std::string values_text(const Value& values) {
  Table table({"NAME", "VALUE", "SOURCE"});
  for (const Value& v : values.as_list()) table.add({text_of(v["name"]), text_of(v["value"]), text_of(v["source"])});
  return table.text("  ");
}

std::string explain_text(const Value& document) {
  std::string out = text_of(document["function"]) + "  " + text_of(document["arn"]) + "\n" + values_text(document["settings"]);
  out += rest_text(document, {"function", "arn", "settings", "environments"});
  for (const Value& e : document["environments"].as_list()) {
    out += "\nenvironment " + text_of(e["environment"]) + ": " + text_of(e["state"]) + " (" + text_of(e["cause"]) + "), " +
           text_of(e["executions"]) + " executions, process " + text_of(e["host_pid"]) + "\n" + values_text(e["values"]) +
           rest_text(e, {"environment", "state", "cause", "executions", "host_pid", "values"});
  }
  if (document["environments"].size() == 0) out += "\nno environments: call it once, then look again\n";
  return out;
}

}  // namespace

std::string services_text(const Value::List& services) {
  Value::List shown = services;
  for (Value& service : shown) {
    service.set("started", iso8601(service["started_us"].as_int() / 1000));
    service.set("cpu_s", service["cpu_us"].as_int() / 1'000'000);
    service.set("vcpu", service["vcpu_milli"].as_double() / 1000);
    if (service["last_end"].as_string().empty()) service.set("last_end", Value());
  }
  return table_of(shown, {{"SERVICE", "name"},
                          {"STATE", "state"},
                          {"TYPE", "instance_type"},
                          {"VCPU", "vcpu"},
                          {"MEMORY MIB", "memory_mib"},
                          {"RUNS", "runs"},
                          {"CPU S", "cpu_s"},
                          {"STARTED", "started"},
                          {"LAST END", "last_end"}});
}

int ps(const Context& context) { return show(context, ask_gust(context, "/_gust/ps"), ps_text); }

int explain(const Context& context, const std::string& function_or_arn) {
  const size_t at = function_or_arn.find(":function:");
  const std::string function = at == std::string::npos ? function_or_arn : function_or_arn.substr(at + 10);
  const std::string path = "/_gust/functions/" + percent_encode(function, Slash::Encode) + "/explain";
  return show(context, ask_gust(context, path), explain_text);
}

int events(const Context& context) { return show(context, ask_gust(context, "/_gust/events"), events_text); }

}  // namespace gust::cli
