// SPDX-License-Identifier: Apache-2.0

#include "experiment/tables.h"

#include <algorithm>
#include <functional>

#include "base/encoding.h"
#include "base/ids.h"
#include "experiment/format.h"

namespace gust::experiment {
namespace {

constexpr size_t kMostRemainders = 100;  // in the terminal; all are in summary.json
const std::string kNone = "-";

using Cell = std::function<std::string(const ArmResult&)>;

bool is_function(const ArmResult& a) { return a.arm.kind == Arm::Kind::Function; }

std::string pair_of(double a, double b) { return milliseconds(a) + " / " + milliseconds(b); }

std::string cold_of(const ArmResult& a) {
  if (!is_function(a)) return kNone;
  if (a.cold.empty()) return "0";
  std::string out;
  for (const auto& [cause, n] : a.cold) out.append(out.empty() ? "" : ", ").append(std::to_string(n)).append(" ").append(cause);
  return out;
}

std::string break_even_of(const ArmResult& a) {
  if (!is_function(a) || a.break_even.uploads_per_day <= 0) return kNone;
  bool beyond = a.break_even.server_capacity_per_day > 0 && !a.break_even.within_capacity();
  return grouped(a.break_even.uploads_per_day) + (beyond ? " *" : "");
}

void add(Table& table, const Analysis& analysis, std::string label, const Cell& cell, bool group = false) {
  Table::Line line{std::move(label), {}, group};
  for (const ArmResult& a : analysis.arms) line.cells.push_back(a.images == 0 && !is_function(a) ? kNone : cell(a));
  table.lines.push_back(std::move(line));
}

void add_times(Table& t, const Analysis& analysis) {
  add(t, analysis, "images (failed)",
      [](const ArmResult& a) { return std::to_string(a.images) + " (" + std::to_string(a.failed) + ")"; });
  add(
      t, analysis, "average time", [](const ArmResult& a) { return milliseconds(a.overall.mean); }, true);
  add(t, analysis, "  95 % interval",
      [](const ArmResult& a) { return fixed(a.overall.mean_ci.low, 0) + " - " + fixed(a.overall.mean_ci.high, 0) + " ms"; });
  add(t, analysis, "  p50 / p95", [](const ArmResult& a) { return pair_of(a.overall.p50, a.overall.p95); });
  add(t, analysis, "download", [](const ArmResult& a) { return milliseconds(a.download.mean); });
  add(t, analysis, "resize + upload", [](const ArmResult& a) { return milliseconds(a.resize_upload.mean); });
  add(
      t, analysis, "delay to start p50 / p95", [](const ArmResult& a) { return pair_of(a.delay.p50, a.delay.p95); }, true);
  add(t, analysis, "upload to end p50 / p95", [](const ArmResult& a) { return pair_of(a.end_to_end.p50, a.end_to_end.p95); });
  add(t, analysis, "cold starts", cold_of);
}

void add_resources(Table& t, const Analysis& analysis) {
  add(
      t, analysis, "CPU s per image", [](const ArmResult& a) { return a.cpu_ms < 0 ? kNone : fixed(a.cpu_ms / 1e3, 3); }, true);
  add(t, analysis, "max RSS",
      [](const ArmResult& a) { return a.memory_peak_bytes == 0 ? kNone : megabytes(a.memory_peak_bytes); });
  add(t, analysis, "waiting for a CPU",
      [](const ArmResult& a) { return a.waited_share < 0 ? kNone : percent(a.waited_share, 1); });
  add(t, analysis, "contended executions", [](const ArmResult& a) {
    return is_function(a) ? std::to_string(a.contended) + " of " + std::to_string(a.executions) : kNone;
  });
}

void add_prices(Table& t, const Collected& c, const Analysis& analysis) {
  const std::string unit = std::to_string(c.lambda.quantum_ms) + "-ms";
  add(
      t, analysis, "billed " + unit + " units",
      [](const ArmResult& a) { return is_function(a) ? fixed(a.units_mean, 2) : kNone; }, true);
  add(t, analysis, "USD per unit", [](const ArmResult& a) { return is_function(a) ? fixed(a.unit_price, 9) : kNone; });
  add(t, analysis, "USD per image", [](const ArmResult& a) { return money(a.image_price); });
  add(t, analysis, "  duration only", [](const ArmResult& a) { return is_function(a) ? money(a.duration_price) : kNone; });
  add(t, analysis, "USD per day", [](const ArmResult& a) { return money(a.day_price); });
  add(t, analysis, "USD per year", [](const ArmResult& a) { return money(a.year_price); });
  add(t, analysis, "break-even uploads/day", break_even_of);
}

std::string right(const std::string& text, size_t width) {
  return text.size() >= width ? text : std::string(width - text.size(), ' ') + text;
}
std::string left(const std::string& text, size_t width) {
  return text.size() >= width ? text : text + std::string(width - text.size(), ' ');
}

std::string print(const Table& table) {
  std::vector<size_t> widths(table.head.size());
  auto widen = [&](size_t column, const std::string& text) { widths[column] = std::max(widths[column], text.size()); };
  for (size_t i = 0; i < table.head.size(); ++i) widen(i, table.head[i]);
  for (const Table::Line& line : table.lines) {
    widen(0, line.label);
    for (size_t i = 0; i < line.cells.size(); ++i) widen(i + 1, line.cells[i]);
  }
  std::string out = left(table.head[0], widths[0]);
  for (size_t i = 1; i < table.head.size(); ++i) out += "  " + right(table.head[i], widths[i]);
  out += "\n";
  for (const Table::Line& line : table.lines) {
    if (line.group) out += "\n";
    out += left(line.label, widths[0]);
    for (size_t i = 0; i < line.cells.size(); ++i) out += "  " + right(line.cells[i], widths[i + 1]);
    out += "\n";
  }
  return out;
}

// At spaces, `width` columns at most; further lines are indented.
std::string wrapped(const std::string& text, const std::string& indent, size_t width = 100) {
  std::string out, line = indent;
  for (size_t at = 0; at < text.size();) {
    size_t end = std::min(text.find(' ', at), text.size());
    if (line.size() > indent.size() && line.size() + 1 + end - at > width) {
      out += line + "\n";
      line = indent;
    }
    if (line.size() > indent.size()) line += ' ';
    line.append(text, at, end - at);
    at = end + 1;
  }
  return out + line + "\n";
}

std::string print_remainders(const Reconciliation& r) {
  if (r.clean()) return "Reconciled: replay log, meter, table and bucket agree on every upload.\n";
  std::string out = "NOT RECONCILED: " + plural(r.remainders.size(), "remainder") + "\n";
  for (size_t i = 0; i < r.remainders.size() && i < kMostRemainders; ++i) {
    const Remainder& one = r.remainders[i];
    out += "  " + escape_terminal(one.arm) + "  " + escape_terminal(one.id) + "  " + escape_terminal(one.problem) + "\n";
  }
  if (r.remainders.size() > kMostRemainders) out += "  ... and more; all are in summary.json\n";
  return out;
}

}  // namespace

std::string arm_title(const Arm& arm) {
  return arm.kind == Arm::Kind::Service ? arm.instance_type : std::to_string(arm.memory_mb) + " MB";
}

Table result_table(const Collected& collected, const Analysis& analysis) {
  Table t;
  t.head.push_back("");
  for (const ArmResult& a : analysis.arms) t.head.push_back(arm_title(a.arm));
  add_times(t, analysis);
  add_resources(t, analysis);
  add_prices(t, collected, analysis);
  return t;
}

Table reconciliation_table(const Analysis& analysis) {
  Table t;
  t.head.push_back("");
  const std::vector<ArmCount>& arms = analysis.reconciliation.arms;
  for (const ArmCount& a : arms) t.head.push_back(a.arm);
  auto line = [&](const char* label, auto text, bool group = false) {
    Table::Line out{label, {}, group};
    for (const ArmCount& a : arms) out.cells.push_back(text(a));
    t.lines.push_back(std::move(out));
  };
  auto number = [](size_t n) { return std::to_string(n); };
  line("planned = sent + refused",
       [&](const ArmCount& a) { return number(a.planned) + " = " + number(a.sent) + " + " + number(a.refused); });
  line("sent = ok + failed + skipped + unsettled", [&](const ArmCount& a) {
    return number(a.sent) + " = " + number(a.ok) + " + " + number(a.failed) + " + " + number(a.skipped) + " + " +
           number(a.unsettled);
  });
  line("rows (repeated)", [&](const ArmCount& a) { return number(a.rows) + " (" + number(a.repeated) + ")"; });
  line("executions (failed)", [&](const ArmCount& a) {
    bool service = a.arm.starts_with("svc-");
    return service ? kNone : number(a.executions) + " (" + number(a.executions_failed) + ")";
  });
  line("renditions = 4 x ok", [&](const ArmCount& a) { return number(a.renditions) + " = 4 x " + number(a.ok); });
  return t;
}

std::vector<std::string> price_formulas(const Collected& c, const Analysis& analysis) {
  const std::string n = grouped(c.run.uploads_per_day), quantum = std::to_string(c.lambda.quantum_ms);
  std::vector<std::string> out;
  out.push_back("Uploads per day N = " + n +
                (c.run.uploads_per_day == 60'696 ? " (the article's captured hour, 2529 uploads, 24 times)." : "."));
  out.push_back("Function (" + c.lambda.name + ", " + c.lambda.date + "): image = mean of ceil(ms / " + quantum +
                ") x USD per unit + " + fixed(c.lambda.price_per_request * 1e6, 2) +
                " USD per million requests; day = N x image; year = 365 x day." +
                (c.lambda.init_billed ? " The init is billed." : ""));
  out.push_back("Server (" + c.ec2.name + ", " + c.ec2.date + "): " + analysis.server_type + " " +
                fixed(analysis.server_hour, 3) + " USD/h x 24 = " + money(analysis.server_day) +
                " USD per day, always on; year = 365 x day; image = day / N.");
  out.push_back("Break-even = server's day / function's image; * = more than the server can do.");
  return out;
}

std::string run_line(const Collected& c) {
  const Run& run = c.run;
  std::string out = "Run " + run.id + ": " + plural(run.uploads, "upload") + " on each of " + plural(run.arms.size(), "arm") +
                    ", seed " + std::to_string(run.seed);
  if (run.speed != 1) out += ", speed " + fixed(run.speed, 2);
  if (run.interrupted) out += ", interrupted";
  return out + ", " + fixed(run.seconds, 0) + " s";
}

std::vector<std::string> host_lines(const Collected& c) {
  const Run& run = c.run;
  const Host& h = run.host;
  std::vector<std::string> out;
  out.push_back(iso8601(run.started_ms) + ", Gust " + run.gust_version + ", " + h.kernel + " " + h.machine);
  out.push_back(h.cpu_model + ", " + std::to_string(h.cores) + " cores, " + fixed(static_cast<double>(h.memory_mib) / 1024, 1) +
                " GiB; load " + fixed(h.load_before, 2) + " before, " + fixed(h.load_after, 2) + " after, stolen " +
                fixed(h.steal_percent, 1) + " %");
  out.push_back("Uploads: " + std::to_string(run.uploads) + " crops of " + plural(run.sources, "photograph") + ", " +
                fixed(run.megapixels_mean, 1) + " megapixels on average, seed " + std::to_string(run.seed) + ", from " +
                (run.images.empty() ? std::string("Debian packages (docs/photographs.md)") : run.images) +
                "; open loop, bursty, speed " + fixed(run.speed, 2) + "; arms in " + plural(run.blocks.size(), "block") +
                ", each alone; the server polls every " + fixed(run.poll_seconds, 0) + " s with " +
                plural(static_cast<size_t>(std::max(run.workers, 0)), "worker"));
  return out;
}

std::string text_report(const Collected& collected, const Analysis& analysis) {
  std::string out = "\n" + escape_terminal(run_line(collected)) + "\n\n";
  for (const Answer& a : analysis.answers) out += a.question + "\n" + wrapped(a.verdict + ". " + a.text, "  ");
  if (!analysis.flip.empty()) out += "When does that change?\n" + wrapped(analysis.flip, "  ");
  out += "\n" + print(result_table(collected, analysis)) + "\n";
  for (const std::string& line : price_formulas(collected, analysis)) out += wrapped(line, "");
  for (const std::string& note : analysis.notes) out += wrapped("Note: " + escape_terminal(note), "");
  out += "\n" + print(reconciliation_table(analysis)) + print_remainders(analysis.reconciliation);
  for (const std::string& line : host_lines(collected)) out += wrapped(escape_terminal(line), "");
  return out;
}

}  // namespace gust::experiment
