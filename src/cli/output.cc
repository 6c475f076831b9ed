// SPDX-License-Identifier: Apache-2.0

#include "cli/output.h"

#include <algorithm>
#include <cstdio>

#include "base/encoding.h"
#include "base/json.h"

namespace gust::cli {
namespace {

// Columns on a terminal: code points. Wide and combining characters are not worth a table of Unicode here.
size_t width_of(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](unsigned char c) { return (c & 0xC0) != 0x80; }));
}

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789.,-") == std::string_view::npos;
}

void append_map(std::string& out, const Value& map, std::string_view indent) {
  Table scalars({"", ""});
  for (const auto& [name, value] : map.as_map()) {
    if (!value.is_map() && !value.is_list()) scalars.add({name, text_of(value)});
  }
  out += scalars.text(indent);
  for (const auto& [name, value] : map.as_map()) {
    if (!value.is_map() && !value.is_list()) continue;
    out.append(indent).append(escape_terminal(name));
    out += value.size() == 0 ? ": none\n" : "\n" + document_text(value, std::string(indent) + "  ");
  }
}

void append_list(std::string& out, const Value::List& list, std::string_view indent) {
  std::vector<std::string> columns;
  for (const Value& element : list) {
    for (const auto& member : element.as_map()) {
      if (std::find(columns.begin(), columns.end(), member.first) == columns.end()) columns.push_back(member.first);
    }
  }
  if (columns.empty()) {
    for (const Value& element : list) out.append(indent).append(text_of(element)).append("\n");
    return;
  }
  std::vector<std::string> headings = columns;
  for (std::string& heading : headings) {
    for (char& c : heading) c = c == '_' ? ' ' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  }
  Table table(std::move(headings));
  for (const Value& element : list) {
    std::vector<std::string> cells;
    for (const std::string& column : columns) cells.push_back(text_of(element[column]));
    table.add(std::move(cells));
  }
  out += table.text(indent);
}

}  // namespace

void print(std::string_view text) { fwrite(text.data(), 1, text.size(), stdout); }

void note(std::string_view line) { fprintf(stderr, "%s\n", escape_terminal(line).c_str()); }

int failed(const Error& error) {
  fflush(stdout);
  note("gust: " + error.message);
  return kFailed;
}

int misused(std::string_view text) {
  note("gust: " + std::string(text));
  return kUsage;
}

int finish(int status) {
  if (fflush(stdout) == 0 && !ferror(stdout)) return status;
  note("gust: cannot write to standard output (disk full, or its reader went away?)");
  return status == kOk ? kFailed : status;
}

std::string readable(std::string_view text, std::string_view indent_of_further_lines) {
  text = text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
  std::string out;
  while (true) {
    const size_t at = text.find_first_of("\n\t");
    out += escape_terminal(text.substr(0, at));
    if (at == std::string_view::npos) return out;
    out += text[at] == '\t' ? "  " : "\n" + std::string(indent_of_further_lines);
    text.remove_prefix(at + 1);
  }
}

std::string text_of(const Value& value) {
  if (value.is_null()) return "-";
  std::string text = value.is_string() ? std::string(value.as_string()) : json::write(value);
  std::replace(text.begin(), text.end(), '\t', ' ');
  return escape_terminal(text);
}

Table::Table(std::vector<std::string> headings) { rows_.push_back(std::move(headings)); }

void Table::add(std::vector<std::string> cells) {
  cells.resize(rows_[0].size());
  for (std::string& cell : cells) cell = escape_terminal(cell);
  rows_.push_back(std::move(cells));
}

std::string Table::text(std::string_view indent) const {
  const size_t columns = rows_[0].size();
  std::vector<size_t> widths(columns, 0);
  std::vector<bool> numbers(columns, rows_.size() > 1);
  bool headed = false;
  for (size_t r = 0; r < rows_.size(); ++r) {
    for (size_t c = 0; c < columns; ++c) {
      widths[c] = std::max(widths[c], width_of(rows_[r][c]));
      if (r == 0) headed |= !rows_[r][c].empty();
      else if (rows_[r][c] != "-" && !is_number(rows_[r][c])) numbers[c] = false;
    }
  }
  std::string out;
  for (size_t r = headed ? 0 : 1; r < rows_.size(); ++r) {
    std::string line(indent);
    for (size_t c = 0; c < columns; ++c) {
      const std::string pad(widths[c] - width_of(rows_[r][c]), ' ');
      line += numbers[c] && headed ? pad + rows_[r][c] : rows_[r][c] + pad;
      if (c + 1 < columns) line += "  ";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::string document_text(const Value& document, std::string_view indent) {
  std::string out;
  if (document.is_map()) append_map(out, document, indent);
  else if (document.is_list()) append_list(out, document.as_list(), indent);
  else out.append(indent).append(text_of(document)).append("\n");
  return out;
}

std::string wrapped(const std::vector<std::string>& words, std::string_view indent) {
  constexpr size_t kColumns = 100;
  std::string out, line;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string word = escape_terminal(words[i]) + (i + 1 < words.size() ? "," : "");
    if (!line.empty() && indent.size() + width_of(line) + 1 + width_of(word) > kColumns) {
      out.append(indent).append(line).append("\n");
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  return line.empty() ? out : out.append(indent).append(line).append("\n");
}

const Value::List& list_of(const Value& document, std::string_view name) {
  return document.is_list() ? document.as_list() : document[name].as_list();
}

}  // namespace gust::cli
