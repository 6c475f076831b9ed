// SPDX-License-Identifier: Apache-2.0

// `gust compat`: which of AWS's operations are built, and the page of the documentation that says so.

#include "base/json.h"
#include "cli/output.h"
#include "cli/verbs.h"

namespace gust::cli {
namespace {

std::vector<std::string> words_of(const Value& list, const std::string& quote) {
  std::vector<std::string> words;
  for (const Value& name : list.as_list()) words.push_back(quote + std::string(name.as_string()) + quote);
  return words;
}

std::string counts(const Value& service) {
  const size_t built = service["built"].size();
  return std::to_string(built) + " of " + std::to_string(built + service["refused"].size());
}

std::string overview(const Value& compat) {
  std::string out;
  for (const auto& [name, service] : compat.as_map()) {
    out += text_of(name) + ": " + counts(service) + " operations\n" + wrapped(words_of(service["built"], ""), "  ");
  }
  return out + "Every other operation is refused by name (NotImplemented). 'gust compat SERVICE' lists those too.\n";
}

std::string sentences(const Value& list, const std::string& before) {
  std::string out;
  for (const Value& sentence : list.as_list()) out += before + std::string(sentence.as_string()) + "\n";
  return out;
}

std::string one_service(const Value& service) {
  std::string out = "built: " + counts(service) + "\n" + wrapped(words_of(service["built"], ""), "  ") + "refused\n" +
                    wrapped(words_of(service["refused"], ""), "  ");
  if (service["without_effect"].size() > 0) out += "without effect\n" + sentences(service["without_effect"], "  ");
  return out;
}

// Of the page: wrapped, so that a change of one operation is a change of one line.
std::string paragraph(const std::string& title, const Value& list) {
  return list.size() == 0 ? std::string() : "\n" + title + ":\n" + wrapped(words_of(list, "`"), "");
}

}  // namespace

std::string compat_page(const Value& compat) {
  std::string out =
      "# Differences to AWS\n\n"
      "This page is generated: `gust compat --markdown` prints it from the server's own tables, and a test compares the two.\n"
      "An operation that is not built answers `NotImplemented` (HTTP 501) and names itself; so does a member of a built\n"
      "operation that would have an effect and is not built. Of services with nothing built every operation is refused.\n\n"
      "| service | built | of |\n|---|---:|---:|\n";
  for (const auto& [name, service] : compat.as_map()) {
    const size_t built = service["built"].size();
    out += "| " + name + " | " + std::to_string(built) + " | " + std::to_string(built + service["refused"].size()) + " |\n";
  }
  for (const auto& [name, service] : compat.as_map()) {
    if (service["built"].size() == 0) continue;
    out += "\n## " + name + "\n" + paragraph("Built", service["built"]) + paragraph("Refused", service["refused"]);
    if (service["without_effect"].size() > 0)
      out += "\nTaken and given back without effect:\n" + sentences(service["without_effect"], "- ");
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
