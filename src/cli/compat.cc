// SPDX-License-Identifier: Apache-2.0

// `gust compat`: which of AWS's operations are built, and the page of the documentation that says so.

#include "base/json.h"
#include "cli/output.h"
#include "cli/verbs.h"

namespace gust::cli {
namespace {

std::string names(const Value& list, std::string_view quote) {
  std::string out;
  for (const Value& name : list.as_list()) {
    if (!out.empty()) out += ", ";
    out.append(quote).append(text_of(name)).append(quote);
  }
  return out.empty() ? "none" : out;
}

std::string overview(const Value& compat) {
  Table table({"SERVICE", "BUILT", "OF", "OPERATIONS"});
  for (const auto& [name, service] : compat.as_map()) {
    const size_t built = service["built"].size();
    table.add({name, std::to_string(built), std::to_string(built + service["refused"].size()), names(service["built"], "")});
  }
  return table.text() + "Every other operation is refused by name (NotImplemented). 'gust compat SERVICE' lists those too.\n";
}

std::string one_service(const Value& service) {
  std::string out;
  for (const char* part : {"built", "refused"}) {
    out += std::string(part) + "\n";
    for (const Value& name : service[part].as_list()) out += "  " + text_of(name) + "\n";
  }
  return out;
}

}  // namespace

std::string compat_page(const Value& compat) {
  std::string out =
      "# Differences to AWS\n\n"
      "This page is generated: `gust compat --markdown` prints it from the server's own tables, and a test compares the two.\n"
      "An operation that is not built answers `NotImplemented` (HTTP 501) and names itself; so does a member of a built\n"
      "operation that would have an effect and is not built. Nothing is accepted and ignored.\n\n"
      "| service | built | of |\n|---|---:|---:|\n";
  for (const auto& [name, service] : compat.as_map()) {
    const size_t built = service["built"].size();
    out += "| " + name + " | " + std::to_string(built) + " | " + std::to_string(built + service["refused"].size()) + " |\n";
  }
  for (const auto& [name, service] : compat.as_map()) {
    out += "\n## " + name + "\n\nBuilt: " + names(service["built"], "`") + ".\n\nRefused: " + names(service["refused"], "`") + ".\n";
  }
  return out;
}

int compat(const Context& context, const std::string& service, bool markdown) {
  auto document = ask_gust(context, "/_gust/compat");
  if (!document) return failed(document.error());
  if (!service.empty()) {
    if (!document->has(service)) {
      std::string known;
      for (const auto& member : document->as_map()) known += " " + member.first;
      return failed({Errc::NotFound, "no service '" + service + "': there are" + known});
    }
    document = Value((*document)[service]);
  }
  if (context.json) print(json::write_pretty(*document) + "\n");
  else if (markdown) print(compat_page(*document));
  else print(service.empty() ? overview(*document) : one_service(*document));
  return kOk;
}

}  // namespace gust::cli
