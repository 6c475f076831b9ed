// SPDX-License-Identifier: Apache-2.0

#include "experiment/page.h"

#include <array>
#include <cmath>

#include "base/encoding.h"
#include "experiment/figures.h"
#include "experiment/format.h"
#include "experiment/page_style.h"
#include "experiment/tables.h"

namespace gust::experiment {
namespace {

constexpr size_t kMostRemainders = 1000;

// Keeps a number with its unit and its thousands: no line breaks between them.
std::string bound(const std::string& text) {
  auto is_digit = [&](size_t at) { return at < text.size() && text[at] >= '0' && text[at] <= '9'; };
  std::string out;
  for (size_t at = 0; at < text.size(); ++at) {
    bool together = text[at] == ' ' && at > 0 && is_digit(at - 1) && is_digit(at + 1);
    for (std::string_view unit : {"ms", "s", "%", "MB", "USD", "k", "M"}) {
      const size_t end = at + 1 + unit.size();
      together |= text[at] == ' ' && at > 0 && is_digit(at - 1) && text.compare(at + 1, unit.size(), unit) == 0 &&
                  (end >= text.size() || std::string_view(" .,;:)").find(text[end]) != std::string_view::npos);
    }
    out += together ? "\u00a0" : std::string(1, text[at]);
  }
  return out;
}

std::string element(std::string_view name, const std::string& text, std::string_view style = {}) {
  std::string out = "<" + std::string(name);
  if (!style.empty()) out.append(" class=\"").append(style).append("\"");
  return out + ">" + escape_xml(bound(text)) + "</" + std::string(name) + ">\n";
}

using Colour = std::array<int, 3>;

std::string between(const Colour& a, const Colour& b, double share) {
  std::string out = "#";
  for (size_t i = 0; i < 3; ++i) {
    const auto value = static_cast<unsigned char>(std::lround(a[i] + (b[i] - a[i]) * share));
    out += hex_encode(std::string_view(reinterpret_cast<const char*>(&value), 1));
  }
  return out;
}

// Functions are shades of one hue in the order of their sizes, servers of another: what differs in kind looks different,
// to the colour-blind too.
std::string arm_colours(const Analysis& analysis, const Colour (&function)[2], const Colour (&server)[2]) {
  size_t functions = 0, servers = 0;
  for (const ArmResult& a : analysis.arms) ++(a.arm.kind == Arm::Kind::Function ? functions : servers);
  std::string out;
  for (size_t i = 0; i < analysis.arms.size(); ++i) {
    const Arm& arm = analysis.arms[i].arm;
    const bool is_function = arm.kind == Arm::Kind::Function;
    size_t rank = 0;
    for (const ArmResult& other : analysis.arms) {
      if (other.arm.kind == arm.kind && (is_function ? other.arm.memory_mb < arm.memory_mb : other.arm.name < arm.name)) ++rank;
    }
    const size_t all = is_function ? functions : servers;
    const double share = all > 1 ? static_cast<double>(rank) / static_cast<double>(all - 1) : is_function ? 0.5 : 0;
    const Colour(&ramp)[2] = is_function ? function : server;
    out += "--arm-" + std::to_string(i) + ":" + between(ramp[0], ramp[1], share) + ";";
  }
  return out;
}

std::string style(const Analysis& analysis) {
  constexpr Colour kBlue[2] = {{0x6a, 0xa3, 0xe3}, {0x12, 0x3c, 0x78}}, kBlueOnDark[2] = {{0xbc, 0xd6, 0xfb}, {0x3a, 0x78, 0xcf}};
  constexpr Colour kOrange[2] = {{0xd6, 0x74, 0x1a}, {0x8a, 0x3f, 0x05}},
                   kOrangeOnDark[2] = {{0xf2, 0xa0, 0x4c}, {0xfa, 0xd7, 0xae}};
  return "<style>\n:root{" + arm_colours(analysis, kBlue, kOrange) + "}\n@media (prefers-color-scheme:dark){:root{" +
         arm_colours(analysis, kBlueOnDark, kOrangeOnDark) + "}}\n@media print{:root{" + arm_colours(analysis, kBlue, kOrange) +
         "}}\n" + kPageStyle + "</style>\n";
}

std::string table(const Table& t) {
  std::string out = "<div class=\"scroll\"><table>\n<thead><tr><td></td>";
  for (size_t i = 1; i < t.head.size(); ++i) out += "<th scope=\"col\">" + escape_xml(t.head[i]) + "</th>";
  out += "</tr></thead>\n<tbody>\n";
  for (const Table::Line& line : t.lines) {
    const bool indented = line.label.starts_with("  ");
    out += line.group ? "<tr class=\"group\">" : "<tr>";
    out += std::string("<th scope=\"row\"") + (indented ? " class=\"sub\"" : "") + ">" +
           escape_xml(indented ? line.label.substr(2) : line.label) + "</th>";
    for (const std::string& cell : line.cells) out += "<td>" + escape_xml(cell) + "</td>";
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

std::string figure(const std::string& title, const std::string& what, const std::string& svg) {
  return "<figure>\n<figcaption><h3>" + escape_xml(title) + "</h3><p>" + escape_xml(what) + "</p></figcaption>\n" + svg +
         "</figure>\n";
}

std::string answers(const Analysis& analysis) {
  std::string out = "<section class=\"answers\">\n";
  for (const Answer& a : analysis.answers) {
    out += "<article>\n" + element("h2", a.question) + element("p", a.verdict, "verdict") + element("p", a.text) + "</article>\n";
  }
  out += "</section>\n";
  if (!analysis.flip.empty())
    out += "<p class=\"flip\"><strong>When does the answer change?</strong> " + escape_xml(bound(analysis.flip)) + "</p>\n";
  return out;
}

std::string figures(const Collected& c, const Analysis& analysis) {
  const std::string n = grouped(c.run.uploads_per_day);
  return "<section class=\"figures\">\n" +
         figure("Average time per image", "Inside the handler: download, then decode, resize and upload of four renditions.",
                average_figure(analysis)) +
         figure("How the times are distributed", "Share of images that took at most this long in the handler.",
                time_ecdf_figure(analysis)) +
         figure("Price per day", "At " + n + " uploads a day, in USD.", day_figure(analysis)) +
         figure("Price per year", "365 such days, in USD.", year_figure(analysis)) +
         figure("From upload to last rendition",
                "Counted from the time at which the upload was due; with queues, cold starts and polling.",
                end_ecdf_figure(analysis)) +
         figure("Price per day over uploads per day", "Dots: break-even. Steps: further servers, when one can do no more.",
                volume_figure(c, analysis)) +
         "</section>\n";
}

std::string article(const Analysis& analysis) {
  std::string out =
      "<section>\n<h2>Beside the article</h2>\n<div class=\"scroll\"><table class=\"words\">\n<thead><tr><th scope=\"col\">It "
      "found</th>"
      "<th scope=\"col\">Here</th></tr></thead>\n<tbody>\n";
  for (const Comparison& one : analysis.article)
    out += "<tr><td>" + escape_xml(bound(one.claim)) + "</td><td>" + escape_xml(bound(one.here)) + "</td></tr>\n";
  return out +
         "</tbody></table></div>\n<p class=\"small\">Here all arms run the same code. The article's functions used another image "
         "library than its server.</p>\n</section>\n";
}

std::string results(const Collected& c, const Analysis& analysis) {
  std::string out = "<section>\n<h2>Results</h2>\n" + table(result_table(c, analysis)) + "<div class=\"small\">\n";
  for (const std::string& line : price_formulas(c, analysis)) out += element("p", line);
  out += "</div>\n";
  for (const std::string& note : analysis.notes) out += element("p", note, "note");
  return out + "</section>\n";
}

std::string reconciliation(const Analysis& analysis) {
  const Reconciliation& r = analysis.reconciliation;
  std::string out = "<section>\n<h2>Reconciliation</h2>\n";
  out +=
      element("p",
              r.clean() ? "Replay log, meter, table and bucket agree on every upload."
                        : "Replay log, meter, table and bucket do not agree: " + plural(r.remainders.size(), "remainder") + ".",
              r.clean() ? "good" : "bad");
  out += table(reconciliation_table(analysis));
  if (r.clean()) return out + "</section>\n";
  out +=
      "<div class=\"scroll\"><table class=\"words\">\n<thead><tr><th scope=\"col\">Arm</th><th scope=\"col\">Id</th><th "
      "scope=\"col\">Problem</th></tr></thead>\n<tbody>\n";
  for (size_t i = 0; i < r.remainders.size() && i < kMostRemainders; ++i) {
    const Remainder& one = r.remainders[i];
    out += "<tr><td>" + escape_xml(one.arm) + "</td><td class=\"id\">" + escape_xml(one.id) + "</td><td>" +
           escape_xml(one.problem) + "</td></tr>\n";
  }
  out += "</tbody></table></div>\n";
  if (r.remainders.size() > kMostRemainders) out += element("p", "And more; all are in summary.json.");
  return out + "</section>\n";
}

}  // namespace

std::string html_report(const Collected& c, const Analysis& analysis) {
  std::string out =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light "
      "dark\">\n";
  out += element("title", "Functions or a server? " + c.run.id) + style(analysis) + "</head>\n<body>\n<main>\n";
  out += "<header>\n<p class=\"kicker\">Gust experiment</p>\n<h1>Functions or a server?</h1>\n";
  out += element("p", "Scaling uploaded photographs, measured. " + run_line(c) + ".", "lead") + "</header>\n";
  out += answers(analysis) + figures(c, analysis) + results(c, analysis) + article(analysis) + reconciliation(analysis);
  out += "<footer>\n";
  for (const std::string& line : host_lines(c)) out += element("p", line);
  return out + "</footer>\n</main>\n</body>\n</html>\n";
}

}  // namespace gust::experiment
