// SPDX-License-Identifier: Apache-2.0

#pragma once

// What verbs print: results on standard output, the rest on standard error. Text that others wrote (names, log lines,
// errors) never reaches a terminal unescaped. Not thread-safe.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/value.h"

namespace gust::cli {

inline constexpr int kOk = 0, kFailed = 1, kUsage = 2;

void print(std::string_view text);   // as it is
void note(std::string_view line);    // escaped, with a newline, to standard error
int failed(const Error& error);      // "gust: ..." to standard error; kFailed
int misused(std::string_view text);  // "gust: ..." to standard error; kUsage
// Writes what is still buffered; kFailed (and a message) where that or an earlier print failed, else `status`.
int finish(int status);

// Escaped for a terminal, but for line ends and tabs, which do no harm: a tab is two spaces, blanks at the end go.
std::string readable(std::string_view text, std::string_view indent_of_further_lines = {});
// A scalar as text, a list or map as JSON. Escaped, in one line.
std::string text_of(const Value& value);

// Rows in aligned columns, two spaces between them; columns of numbers are right-aligned. Cells are escaped.
class Table {
 public:
  explicit Table(std::vector<std::string> headings);  // all empty: no line of headings
  void add(std::vector<std::string> cells);           // as many as there are headings
  bool empty() const { return rows_.size() == 1; }
  std::string text(std::string_view indent = {}) const;  // each line ends with '\n', never with a space

 private:
  std::vector<std::vector<std::string>> rows_;  // [0]: headings
};

// Any document for people: maps as "name  value" lines, lists of maps as tables whose columns are their members.
std::string document_text(const Value& document, std::string_view indent = {});
// Words separated by ", " in lines of at most 100 columns, each indented.
std::string wrapped(const std::vector<std::string>& words, std::string_view indent);
// The list that a document is, or has as its member `name`.
const Value::List& list_of(const Value& document, std::string_view name);

}  // namespace gust::cli
