// SPDX-License-Identifier: Apache-2.0

#include "experiment/answers.h"

#include <algorithm>
#include <cmath>

#include "experiment/format.h"

namespace gust::experiment {
namespace {

constexpr double kAlike = 1.05;  // an interval within 1/1.05 .. 1.05 counts as "no difference"

std::string interval(const Interval& ci) { return "95 % interval " + fixed(ci.low, 2) + " to " + fixed(ci.high, 2); }
std::string name(const ArmResult& a) { return a.arm.kind == Arm::Kind::Service ? a.arm.instance_type : a.arm.name; }

bool alike(const Ratio& r) { return r.ci.low >= 1 / kAlike && r.ci.high <= kAlike; }
bool apart(const Ratio& r) { return r.ci.low > 1 || r.ci.high < 1; }

const ArmResult* find(const Analysis& analysis, uint32_t memory_mb) {
  for (const ArmResult& a : analysis.arms) {
    if (a.arm.kind == Arm::Kind::Function && a.arm.memory_mb == memory_mb && a.images > 0) return &a;
  }
  return nullptr;
}

// How long the first takes against the second: "1.20 times as long as", "as long as".
std::string compare(const Ratio& r, const std::string& second) {
  if (alike(r)) return "as long as " + second + " within 5 % (" + interval(r.ci) + " times)";
  if (!apart(r))
    return "about as long as " + second + " (" + fixed(r.mean, 2) + " times, " + interval(r.ci) + ": not settled by this run)";
  return fixed(r.mean, 2) + " times as long as " + second + " (" + interval(r.ci) + ")";
}

Answer performance(const Collected& c, const Analysis& analysis) {
  Answer out{"Is a similar or better performance possible with functions?", "Not measured", ""};
  const ArmResult *fastest = analysis.fastest(), *server = analysis.server();
  if (fastest == nullptr || server == nullptr || server->images == 0) {
    out.text = "This run has no pair of a function and a server that both finished an image.";
    return out;
  }
  const Ratio r = overall_ratio(c, server->arm, fastest->arm);
  out.verdict = alike(r) ? "Similar" : !apart(r) ? "Not settled" : r.mean > 1 ? "Yes, faster" : "No, slower";
  out.text = "The fastest function, " + name(*fastest) + ", takes " + milliseconds(fastest->overall.mean) +
             " per image on average, " + name(*server) + " " + milliseconds(server->overall.mean) +
             ": photograph by photograph the server takes " + compare(r, name(*fastest)) +
             ". Counted from the upload to the last rendition, the median is " + milliseconds(fastest->end_to_end.p50) +
             " against " + milliseconds(server->end_to_end.p50) + ", because the server looks for new pictures only every " +
             fixed(c.run.poll_seconds, 0) + " s.";
  if (fastest->contended * 4 > fastest->executions || server->waited_share > 4 * kContendedShare) {
    out.text += " Other work took CPU time from this run (see the notes): repeat it on a quiet host before relying on the ratio.";
  }
  return out;
}

std::string both_prices(const ArmResult& cheapest, const Analysis& analysis, double server_day) {
  return name(cheapest) + " costs " + money(cheapest.day_price) + " USD a day, " + analysis.server_type + " " +
         money(server_day) + " USD";
}

Answer cost(const Collected& c, const Analysis& analysis) {
  Answer out{"Can money be saved with functions instead of a server?", "Not measured", ""};
  const ArmResult *cheapest = analysis.cheapest(), *server = analysis.server();
  if (cheapest == nullptr || cheapest->executions == 0) {
    out.text = "This run has no executions of a function to price.";
    return out;
  }
  const double server_day = server ? server->day_price : analysis.server_day;
  const double saved = (server_day - cheapest->day_price) * kDaysPerYear;
  out.verdict = (saved > 0 ? "Yes, " : "No, ") + grouped(std::abs(saved)) + " USD a year " + (saved > 0 ? "less" : "more");
  out.text = "At " + grouped(c.run.uploads_per_day) + " uploads a day " + both_prices(*cheapest, analysis, server_day) +
             (server && server->instances > 1 ? " for " + std::to_string(server->instances) + " of them" : "") + ", or " +
             money(cheapest->year_price) + " against " + money(server_day * kDaysPerYear) +
             " USD a year. The function is billed " + fixed(cheapest->units_mean, 1) + " units of " +
             std::to_string(c.lambda.quantum_ms) + " ms per image; the server is paid for by the hour, " +
             "whether pictures come or not.";
  return out;
}

std::string flip(const Collected& c, const Analysis& analysis) {
  const ArmResult *cheapest = analysis.cheapest(), *server = analysis.server();
  if (cheapest == nullptr || cheapest->image_price <= 0) return "";
  const double at = cheapest->break_even.uploads_per_day, capacity = server ? server->capacity_per_day : 0;
  const std::string type = analysis.server_type;
  std::string out;
  if (capacity <= 0) {
    out = "The answer changes at " + grouped(at) + " uploads a day, if one " + type +
          " can do as many: above that the server is cheaper.";
  } else if (cheapest->break_even.within_capacity()) {
    out = "The answer changes at " + grouped(at) + " uploads a day: above that one " + type + " is cheaper than " +
          name(*cheapest) + ", and it can do up to " + grouped(capacity) + ".";
  } else {
    out = "With one " + type + " the answer does not change: break-even lies at " + grouped(at) +
          " uploads a day, more than the " + grouped(capacity) + " that it can do. It would if an image took it less than " +
          milliseconds(c.run.workers * 86400 / at * 1e3) + " instead of " + milliseconds(server->overall.mean) + ".";
  }
  // At the assumed rate: how dear an image would have to be.
  const double day = server ? server->day_price : analysis.server_day;
  const double units =
      c.run.uploads_per_day > 0 ? (day / c.run.uploads_per_day - c.lambda.price_per_request) / cheapest->unit_price : 0;
  if (units >= 1) {
    const double ms = std::floor(units) * static_cast<double>(c.lambda.quantum_ms);
    out += " At " + grouped(c.run.uploads_per_day) + " a day it changes where an image is billed with more than " +
           grouped(std::floor(units)) + " units (" + milliseconds(ms) + ") on " + name(*cheapest) + "; here it is " +
           fixed(cheapest->units_mean, 1) + ".";
  }
  return out;
}

std::string cold_text(const Analysis& analysis) {
  size_t cold = 0, executions = 0;
  for (const ArmResult& a : analysis.arms) cold += a.cold_starts(), executions += a.executions;
  if (executions == 0) return "";
  return plural(cold, "cold start") + " in " + plural(executions, "execution") + " (" +
         percent(static_cast<double>(cold) / static_cast<double>(executions)) + ")";
}

double mean_deploy_ms(const Collected& c, Arm::Kind kind) {
  double sum = 0;
  size_t n = 0;
  for (const Arm& arm : c.run.arms) {
    auto at = c.run.deploy_ms.find(arm.name);
    if (arm.kind == kind && at != c.run.deploy_ms.end()) sum += at->second, ++n;
  }
  return n ? sum / static_cast<double>(n) : 0;
}

Answer advantages(const Collected& c, const Analysis& analysis) {
  Answer out{"What else speaks for one or the other?", "Measured here", ""};
  const ArmResult *fastest = analysis.fastest(), *server = analysis.server();
  if (fastest != nullptr) {
    out.text = "Functions: running " + milliseconds(fastest->delay.p50) + " after the upload's answer (median of " +
               name(*fastest) + "), " + "deployed in " + milliseconds(mean_deploy_ms(c, Arm::Kind::Function)) +
               ", nothing to pay while nothing comes; but " + cold_text(analysis) + ".";
  }
  if (server != nullptr && server->images > 0) {
    if (fastest) out.verdict = milliseconds(fastest->delay.p50) + " or " + milliseconds(server->delay.p50) + " until work begins";
    out.text += " Server: " + milliseconds(server->delay.p50) + " from upload to start (median), started in " +
                milliseconds(mean_deploy_ms(c, Arm::Kind::Service)) + ", never cold; but busy only " +
                percent(server->busy_share) + " of the time that it was on even in this run's bursts, and billed all day.";
  }
  return out;
}

std::string against_server(const Collected& c, const Analysis& analysis, uint32_t memory_mb) {
  const ArmResult *function = find(analysis, memory_mb), *server = analysis.server();
  if (function == nullptr || server == nullptr || server->images == 0) return "not measured";
  const double difference = function->overall.mean - server->overall.mean;
  return milliseconds(std::abs(difference)) + (difference < 0 ? " shorter: " : " longer: ") +
         compare(overall_ratio(c, function->arm, server->arm), name(*server));
}

std::vector<Comparison> beside_article(const Collected& c, const Analysis& analysis) {
  std::vector<Comparison> out;
  out.push_back({"512 MB takes about one second longer than c4.large", against_server(c, analysis, 512)});
  out.push_back({"1728 MB is almost twice as fast as c4.large", against_server(c, analysis, 1728)});
  const ArmResult *large = find(analysis, 3008), *middle = find(analysis, 1728);
  out.push_back({"3008 MB has no significant effect beyond 1728 MB",
                 large && middle ? compare(overall_ratio(c, large->arm, middle->arm), name(*middle)) : "not measured"});
  if (middle != nullptr && middle->executions > 0) {
    const double saved = (analysis.server_day - middle->day_price) * kDaysPerYear;
    out.push_back({"about 708 USD a year saved with 1728 MB (its uploads per day are not given)",
                   money(saved) + " USD at " + grouped(c.run.uploads_per_day) + " uploads a day"});
  }
  size_t rows = 0, sent = 0;
  for (const ArmCount& count : analysis.reconciliation.arms) rows += count.rows - count.repeated, sent += count.planned;
  out.push_back({"10 070 rows of 4 x 2529 = 10 116 uploads; 46 unexplained",
                 grouped(static_cast<double>(rows)) + " of " + grouped(static_cast<double>(sent)) + "; " +
                     plural(analysis.reconciliation.remainders.size(), "remainder")});
  return out;
}

std::string contention(const Analysis& analysis) {
  std::string list;
  for (const ArmResult& a : analysis.arms) {
    if (a.contended == 0) continue;
    list.append(list.empty() ? "" : ", ")
        .append(a.arm.name + " " + std::to_string(a.contended) + " of " + std::to_string(a.executions));
    list += " (" + percent(a.waited_share, 1) + " of the time on average)";
  }
  if (list.empty()) return "";
  return "Contended executions, which waited more than 5 % of their time for a CPU that their quota granted: " + list + ".";
}

// Of a service that the host has no room for beside Gust itself; empty for others.
std::string smaller_host(const Run& run, const ArmResult& a) {
  const bool no_room = run.host.cores > 0 && a.arm.vcpus >= static_cast<double>(run.host.cores);
  if (a.arm.kind != Arm::Kind::Service || (!no_room && a.waited_share <= kContendedShare)) return "";
  std::string out = "This host is smaller than " + a.arm.instance_type + ": the arm may use " +
                    fixed(a.arm.vcpus, a.arm.vcpus < 1 ? 1 : 0) + " vCPUs, the host has " + std::to_string(run.host.cores) +
                    ", which Gust and the sender of the uploads share.";
  if (a.waited_share < 0) return out + " How long its threads waited for a CPU was not measured.";
  return out + (a.waited_share > kContendedShare ? " Its threads waited " + percent(a.waited_share) +
                                                       " of their running time for a CPU: read its times as upper bounds."
                                                 : " Its threads waited only " + percent(a.waited_share, 1) +
                                                       " of their running time for a CPU: it hardly mattered.");
}

void add_notes(const Collected& c, Analysis& analysis) {
  auto add = [&](std::string note) {
    if (!note.empty()) analysis.notes.push_back(std::move(note));
  };
  if (c.run.interrupted) add("The run was interrupted: figures are of what had been sent until then.");
  for (const ArmResult& a : analysis.arms) add(smaller_host(c.run, a));
  add(contention(analysis));
  if (c.run.host.steal_percent > 1)
    add("The hypervisor took " + fixed(c.run.host.steal_percent, 1) + " % of this host's CPU time during the run.");
}

}  // namespace

Ratio overall_ratio(const Collected& collected, const Arm& a, const Arm& b) {
  std::map<uint64_t, std::pair<double, double>> times;
  for (const Row& row : collected.records.rows) {
    if (row.status != "ok") continue;
    if (row.arm == a.name) times[row.sequence].first = row.overall_ms;
    if (row.arm == b.name) times[row.sequence].second = row.overall_ms;
  }
  std::vector<std::pair<double, double>> pairs;
  for (const auto& [sequence, pair] : times) pairs.push_back(pair);
  return paired_ratio(pairs, collected.run.seed);
}

void answer(const Collected& collected, Analysis& analysis) {
  analysis.answers = {performance(collected, analysis), cost(collected, analysis), advantages(collected, analysis)};
  analysis.flip = flip(collected, analysis);
  analysis.article = beside_article(collected, analysis);
  add_notes(collected, analysis);
}

}  // namespace gust::experiment
