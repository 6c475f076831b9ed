// SPDX-License-Identifier: Apache-2.0

#include "experiment/records.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/encoding.h"
#include "base/json.h"
#include "os/files.h"

namespace gust::experiment {
namespace {

constexpr size_t kMostBytes = 1ull << 30;  // of one file that is read back

// Lines of JSON into a list.
template <class Add>
Result<> each_line(const std::string& path, Add add) {
  const std::string text = TRY(files::read(path, kMostBytes));
  size_t number = 0;
  for (size_t at = 0; at < text.size();) {
    size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = std::string_view(text).substr(at, end - at);
    at = end + 1;
    ++number;
    if (line.empty()) continue;
    auto value = json::parse(line);
    Result<> added = value ? add(std::move(*value)) : Result<>(Failure(std::move(value).error()));
    if (!added) return Failure(std::move(added.error()).in(path + ", line " + std::to_string(number)));
  }
  return {};
}

// A field of a CSV file (RFC 4180). What a spreadsheet would take for a formula is led by an apostrophe.
void add_field(std::string& line, std::string_view text) {
  if (!line.empty()) line += ',';
  std::string content(text);
  if (!content.empty() && std::string_view("=+-@\t\r'").find(content[0]) != std::string_view::npos) content.insert(0, 1, '\'');
  if (content.find_first_of(",\"\n\r") == std::string::npos) {
    line += content.empty() && line.empty() ? "\"\"" : content;
    return;
  }
  line += '"';
  for (char c : content) line.append(c == '"' ? 2 : 1, c);
  line += '"';
}

// One record from `at` on, which moves behind it.
std::vector<std::string> read_record(std::string_view text, size_t& at) {
  std::vector<std::string> out(1);
  bool quoted = false;
  for (; at < text.size(); ++at) {
    char c = text[at];
    if (quoted) {
      if (c != '"') out.back() += c;
      else if (at + 1 < text.size() && text[at + 1] == '"') out.back() += text[++at];
      else quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == ',') {
      out.emplace_back();
    } else if (c == '\n') {
      ++at;
      break;
    } else if (c != '\r') {
      out.back() += c;
    }
  }
  for (std::string& field : out) {
    if (field.starts_with('\'')) field.erase(0, 1);
  }
  return out;
}

constexpr std::array kColumns = {"request_id",   "function",     "attempt",           "memory_mb", "outcome",  "error_type",
                                 "cold_cause",   "started_us",   "duration_us",       "init_us",   "queue_us", "cpu_us",
                                 "run_delay_us", "throttled_us", "memory_peak_bytes", "contended"};

std::vector<std::string> fields_of(const Executed& e) {
  auto text = [](auto number) { return std::to_string(number); };
  return {e.request_id,
          e.function,
          text(e.attempt),
          text(e.memory_mb),
          e.outcome,
          e.error_type,
          e.cold_cause,
          text(e.started_us),
          text(e.duration_us),
          text(e.init_us),
          text(e.queue_us),
          text(e.cpu_us),
          text(e.run_delay_us),
          text(e.throttled_us),
          text(e.memory_peak_bytes),
          e.contended() ? "1" : "0"};
}

Result<Executed> executed_of_fields(const std::vector<std::string>& fields) {
  if (fields.size() != kColumns.size())
    return fail(Errc::Invalid, "an execution has " + std::to_string(fields.size()) + " fields");
  auto signed_of = [&](size_t i) { return parse_int(fields[i]); };
  auto unsigned_of = [&](size_t i) { return parse_uint(fields[i]); };
  Executed e;
  e.request_id = fields[0];
  e.function = fields[1];
  e.attempt = static_cast<uint32_t>(TRY(unsigned_of(2)));
  e.memory_mb = static_cast<uint32_t>(TRY(unsigned_of(3)));
  e.outcome = fields[4];
  e.error_type = fields[5];
  e.cold_cause = fields[6];
  e.started_us = TRY(signed_of(7));
  e.duration_us = TRY(signed_of(8));
  e.init_us = TRY(signed_of(9));
  e.queue_us = TRY(signed_of(10));
  e.cpu_us = TRY(unsigned_of(11));
  e.run_delay_us = TRY(unsigned_of(12));
  e.throttled_us = TRY(unsigned_of(13));
  e.memory_peak_bytes = TRY(unsigned_of(14));
  return e;
}

Value host_value(const Host& h) {
  Value out = Value::map();
  out.set("cpu_model", h.cpu_model);
  out.set("kernel", h.kernel);
  out.set("machine", h.machine);
  out.set("cores", h.cores);
  out.set("memory_mib", h.memory_mib);
  out.set("load_before", h.load_before);
  out.set("load_after", h.load_after);
  out.set("steal_percent", h.steal_percent);
  return out;
}

Host host_of(const Value& v) {
  Host h;
  h.cpu_model = v["cpu_model"].as_string();
  h.kernel = v["kernel"].as_string();
  h.machine = v["machine"].as_string();
  h.cores = v["cores"].as_int();
  h.memory_mib = static_cast<uint64_t>(v["memory_mib"].as_int());
  h.load_before = v["load_before"].as_double();
  h.load_after = v["load_after"].as_double();
  h.steal_percent = v["steal_percent"].as_double();
  return h;
}

Value service_value(const ServiceRun& s) {
  Value out = Value::map();
  out.set("on_seconds", s.on_seconds);
  out.set("cpu_seconds", s.cpu_seconds);
  out.set("run_delay_seconds", s.run_delay_seconds);
  out.set("memory_peak_bytes", s.memory_peak_bytes);
  return out;
}

Value block_value(const Block& b) {
  Value out = Value::map();
  out.set("round", b.round);
  out.set("arm", b.arm);
  out.set("first", b.first);
  out.set("count", b.count);
  out.set("started_us", b.started_us);
  out.set("sending_seconds", b.sending_seconds);
  out.set("draining_seconds", b.draining_seconds);
  return out;
}

Block block_of(const Value& v) {
  Block b;
  b.round = static_cast<size_t>(v["round"].as_int());
  b.arm = v["arm"].as_string();
  b.first = static_cast<size_t>(v["first"].as_int());
  b.count = static_cast<size_t>(v["count"].as_int());
  b.started_us = v["started_us"].as_int();
  b.sending_seconds = v["sending_seconds"].as_double();
  b.draining_seconds = v["draining_seconds"].as_double();
  return b;
}

// What one arm was given and what it was.
Value arm_value(const Run& run, const Arm& arm) {
  Value out = Value::map();
  out.set("name", arm.name);
  out.set("resource", arm.resource());
  out.set("vcpus", arm.vcpus);
  if (auto at = run.planned.find(arm.name); at != run.planned.end()) out.set("planned", at->second);
  if (auto at = run.deploy_ms.find(arm.name); at != run.deploy_ms.end()) out.set("deploy_ms", at->second);
  if (auto at = run.services.find(arm.name); at != run.services.end()) out.set("service", service_value(at->second));
  return out;
}

Result<> take_arm(const Value& v, Run& run) {
  Arm arm = TRY(parse_arm(v["name"].as_string()));
  arm.vcpus = v["vcpus"].as_double(arm.vcpus);
  run.planned[arm.name] = static_cast<size_t>(v["planned"].as_int());
  if (v.has("deploy_ms")) run.deploy_ms[arm.name] = v["deploy_ms"].as_double();
  if (const Value& s = v["service"]; s.is_map()) {
    run.services[arm.name] = {s["on_seconds"].as_double(), s["cpu_seconds"].as_double(), s["run_delay_seconds"].as_double(),
                              static_cast<uint64_t>(s["memory_peak_bytes"].as_int())};
  }
  run.arms.push_back(std::move(arm));
  return {};
}

// The first line of a file that starts with `name`, what follows its colon.
std::string line_of(const std::string& path, std::string_view name) {
  std::string text = files::read(path).value_or("");
  size_t at = text.find(name);
  if (at == std::string::npos) return {};
  size_t colon = text.find(':', at), end = std::min(text.find('\n', at), text.size());
  return colon < end ? std::string(trim(std::string_view(text).substr(colon + 1, end - colon - 1))) : std::string();
}

}  // namespace

Host this_host() {
  Host h;
  utsname names{};
  uname(&names);
  h.kernel = std::string(names.sysname) + " " + names.release;
  h.machine = names.machine;
  h.cpu_model = line_of("/proc/cpuinfo", "model name");
  h.cores = sysconf(_SC_NPROCESSORS_ONLN);
  h.memory_mib = static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE)) >> 20;
  double load[1] = {0};
  if (getloadavg(load, 1) == 1) h.load_before = load[0];
  return h;
}

Value to_value(const Run& run) {
  Value out = Value::map();
  out.set("id", run.id);
  out.set("gust_version", run.gust_version);
  out.set("started_ms", run.started_ms);
  out.set("seconds", run.seconds);
  out.set("photographs_seconds", run.photographs_seconds);
  out.set("bucket", run.bucket);
  out.set("table", run.table);
  out.set("uploads", run.uploads);
  out.set("interrupted", run.interrupted);
  out.set("speed", run.speed);
  out.set("seed", run.seed);
  out.set("uploads_per_day", run.uploads_per_day);
  out.set("tariff", run.tariff);
  out.set("ec2_tariff", run.ec2_tariff);
  out.set("images", run.images);
  out.set("sources", run.sources);
  out.set("megapixels_mean", run.megapixels_mean);
  out.set("workers", run.workers);
  out.set("poll_seconds", run.poll_seconds);
  Value& arms = out.set("arms", Value::list());
  for (const Arm& arm : run.arms) arms.push(arm_value(run, arm));
  Value& blocks = out.set("blocks", Value::list());
  for (const Block& block : run.blocks) blocks.push(block_value(block));
  out.set("host", host_value(run.host));
  return out;
}

Result<Run> run_of(const Value& v) {
  Run run;
  run.id = v["id"].as_string();
  if (run.id.empty()) return fail(Errc::Invalid, "no run in it");
  run.gust_version = v["gust_version"].as_string();
  run.started_ms = v["started_ms"].as_int();
  run.seconds = v["seconds"].as_double();
  run.photographs_seconds = v["photographs_seconds"].as_double();
  run.bucket = v["bucket"].as_string();
  run.table = v["table"].as_string();
  run.uploads = static_cast<size_t>(v["uploads"].as_int());
  run.interrupted = v["interrupted"].as_bool();
  run.speed = v["speed"].as_double(1);
  run.seed = static_cast<uint64_t>(v["seed"].as_int());
  run.uploads_per_day = v["uploads_per_day"].as_double();
  run.tariff = v["tariff"].as_string();
  run.ec2_tariff = v["ec2_tariff"].as_string();
  run.images = v["images"].as_string();
  run.sources = static_cast<size_t>(v["sources"].as_int());
  run.megapixels_mean = v["megapixels_mean"].as_double();
  run.workers = static_cast<int>(v["workers"].as_int(2));
  run.poll_seconds = v["poll_seconds"].as_double(5);
  for (const Value& arm : v["arms"].as_list()) TRY(take_arm(arm, run));
  for (const Value& block : v["blocks"].as_list()) run.blocks.push_back(block_of(block));
  run.host = host_of(v["host"]);
  return run;
}

std::string executions_csv(const std::vector<Executed>& executed) {
  std::string out, line;
  for (const char* name : kColumns) add_field(line, name);
  out = line + "\n";
  for (const Executed& e : executed) {
    line.clear();
    for (const std::string& field : fields_of(e)) add_field(line, field);
    out += line + "\n";
  }
  return out;
}

Result<std::vector<Executed>> executions_of_csv(std::string_view text) {
  std::vector<Executed> out;
  size_t at = 0;
  std::vector<std::string> head = read_record(text, at);
  if (!std::equal(head.begin(), head.end(), kColumns.begin(), kColumns.end()))
    return fail(Errc::Invalid, "its columns are not those of executions.csv");
  while (at < text.size()) out.push_back(TRY(executed_of_fields(read_record(text, at))));
  return out;
}

Result<> save_records(const std::string& directory, const Collected& collected) {
  TRY(files::make_directories(directory));
  std::string sent, rows, keys;
  for (const Sent& s : collected.records.sent) sent += json::write(s.to_value()) + "\n";
  for (const Value& item : collected.items) rows += json::write(item) + "\n";
  for (const std::string& key : collected.records.rendition_keys) keys += key + "\n";
  TRY(files::write(directory + "/sent.jsonl", sent));
  TRY(files::write(directory + "/rows.jsonl", rows));
  TRY(files::write(directory + "/renditions.txt", keys));
  TRY(files::write(directory + "/executions.csv", executions_csv(collected.records.executed)));
  Value tariffs = Value::map();
  tariffs.set("lambda", TRY(json::parse(collected.lambda.document)));
  tariffs.set("ec2", TRY(json::parse(collected.ec2.document)));
  return files::write(directory + "/tariff.json", json::write_pretty(tariffs) + "\n");
}

Result<Collected> load_records(const std::string& directory) {
  Collected out;
  auto text = files::read(directory + "/summary.json", kMostBytes);
  if (!text) return fail(Errc::NotFound, directory + " holds no run: " + text.error().message);
  Value summary = TRY(json::parse(*text, {128, kMostBytes}));
  if (summary["version"].as_int() != kRunVersion) {
    return fail(Errc::Invalid, directory + "/summary.json has version " + std::to_string(summary["version"].as_int()) +
                                   ", this program reads " + std::to_string(kRunVersion));
  }
  out.run = TRY(run_of(summary["run"]));
  TRY(each_line(directory + "/sent.jsonl", [&](Value line) -> Result<> {
    out.records.sent.push_back(TRY(sent_of(line)));
    return {};
  }));
  TRY(each_line(directory + "/rows.jsonl", [&](Value item) -> Result<> {
    out.records.rows.push_back(TRY(row_of(item)));
    out.items.push_back(std::move(item));
    return {};
  }));
  const std::string keys = TRY(files::read(directory + "/renditions.txt", kMostBytes));
  for (size_t at = 0; at < keys.size();) {
    size_t end = std::min(keys.find('\n', at), keys.size());
    if (end > at) out.records.rendition_keys.push_back(keys.substr(at, end - at));
    at = end + 1;
  }
  const std::string csv = TRY(files::read(directory + "/executions.csv", kMostBytes));
  auto executed = executions_of_csv(csv);
  if (!executed) return Failure(std::move(executed.error()).in(directory + "/executions.csv"));
  out.records.executed = std::move(*executed);
  const std::string tariffs_text = TRY(files::read(directory + "/tariff.json"));
  Value documents = TRY(json::parse(tariffs_text));
  Tariffs tariffs;
  for (auto kind : {"lambda", "ec2"}) TRY(add_tariff(json::write(documents[kind]), tariffs));
  out.lambda = TRY(tariffs.find_lambda(std::string(documents["lambda"]["name"].as_string())));
  out.ec2 = TRY(tariffs.find_ec2(std::string(documents["ec2"]["name"].as_string())));
  return out;
}

}  // namespace gust::experiment
