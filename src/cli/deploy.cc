// SPDX-License-Identifier: Apache-2.0

// `gust deploy`: a directory becomes a function, or the new code and settings of one. What is the same already is left alone.

#include <climits>
#include <cstdlib>
#include <unistd.h>

#include "base/encoding.h"
#include "base/json.h"
#include "cli/output.h"
#include "cli/package.h"
#include "cli/verbs.h"
#include "crypto/hash.h"
#include "os/clock.h"

namespace gust::cli {
namespace {

constexpr char kFunctions[] = "/2015-03-31/functions";
constexpr char kRuntime[] = "provided.al2023", kProgram[] = "bootstrap";
constexpr int64_t kReadyUs = 120'000'000;  // unpacking 250 MB on a slow disk takes a while

struct Deployment {
  const Context& context;
  const DeployOptions& options;
  std::string name, zip, sha256;
  size_t files = 0;
  std::string arn;
  std::vector<std::string> changed;  // what was not so before
  bool created = false;
  std::string path() const { return std::string(kFunctions) + "/" + percent_encode(name, Slash::Encode); }
};

Result<Value> call(const Deployment& d, const std::string& method, const std::string& path, const Value& body) {
  aws::Call call{.service = "lambda", .method = method, .path = path};
  if (!body.is_null()) {
    call.headers = {{"Content-Type", "application/json"}};
    call.body = json::write(body);
  }
  return ask(d.context, call, {.repeat = method == "GET" ? Repeat::Safe : Repeat::Never, .timeout_us = 300'000'000});
}

Result<std::string> name_of_directory(const std::string& directory) {
  char path[PATH_MAX];
  if (!realpath(directory.c_str(), path)) return fail_errno(directory);
  std::string name(path);
  name.erase(0, name.rfind('/') + 1);
  const bool fits =
      !name.empty() && name.size() <= 64 &&
      name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == std::string::npos;
  if (!fits) return fail(Errc::Invalid, "the directory's name '" + name + "' cannot be a function's: give --name");
  return name;
}

Result<> pack(Deployment& d) {
  d.name = d.options.name.empty() ? TRY(name_of_directory(d.options.directory)) : d.options.name;
  Package package = TRY(read_package(d.options.directory));
  if (!make_executable(package, kProgram)) {
    return fail(Errc::Invalid, d.options.directory + " has no file 'bootstrap': that program is what the runtime " + kRuntime +
                                   " starts, put it there");
  }
  d.files = package.size();
  d.zip = experiment::make_zip(package);
  d.sha256 = base64_encode(sha256(d.zip));
  return {};
}

Value environment_of(const Pairs& environment) {
  Value variables = Value::map();
  for (const auto& [name, value] : environment) variables.set(name, value);
  Value out = Value::map();
  out.set("Variables", std::move(variables));
  return out;
}

bool same_variables(const Value& now, const Pairs& wanted) {
  if (now.size() != wanted.size()) return false;
  for (const auto& [name, value] : wanted) {
    if (!now.has(name) || now[name].as_string() != value) return false;
  }
  return true;
}

// The settings that were given and differ from `now` (null: no function yet).
Value settings(const Deployment& d, const Value& now) {
  Value out = Value::map();
  const DeployOptions& o = d.options;
  if (o.memory_mb && now["MemorySize"].as_int() != o.memory_mb) out.set("MemorySize", o.memory_mb);
  if (o.timeout_s && now["Timeout"].as_int() != o.timeout_s) out.set("Timeout", o.timeout_s);
  if (!o.role.empty() && now["Role"].as_string() != o.role) out.set("Role", o.role);
  if (!o.environment.empty() && !same_variables(now["Environment"]["Variables"], o.environment)) {
    out.set("Environment", environment_of(o.environment));
  }
  return out;
}

Result<> create(Deployment& d) {
  Value body = settings(d, Value());
  body.set("FunctionName", d.name);
  body.set("Runtime", kRuntime);
  body.set("Handler", kProgram);
  if (!body.has("Role")) body.set("Role", "arn:aws:iam::" + d.context.account + ":role/" + d.name);
  body.set("Code", Value::map()).set("ZipFile", Blob{d.zip});
  const Value made = TRY(call(d, "POST", kFunctions, body));
  d.arn = made["FunctionArn"].as_string();
  d.created = true;
  return {};
}

// Until the function takes calls and further updates.
Result<> wait_until_ready(Deployment& d) {
  const int64_t until = system_clock().monotonic_us() + kReadyUs;
  for (useconds_t pause = 5'000;; pause = std::min<useconds_t>(pause * 2, 500'000)) {
    const Value now = TRY(call(d, "GET", d.path() + "/configuration", {}));
    const std::string_view state = now["State"].as_string(), update = now["LastUpdateStatus"].as_string();
    if (state == "Failed" || update == "Failed") {
      const std::string reason(now[state == "Failed" ? "StateReason" : "LastUpdateStatusReason"].as_string());
      return fail(Errc::Invalid, d.name + " cannot be used: " + reason + " Deploy a package that works.");
    }
    if (state == "Active" && update != "InProgress") return {};
    if (system_clock().monotonic_us() > until) {
      return fail(Errc::Timeout, d.name + " is still " + std::string(state) + " after two minutes: look at the server's log");
    }
    usleep(pause);
  }
}

Result<> update(Deployment& d, const Value& now) {
  d.arn = now["FunctionArn"].as_string();
  const Value configuration = settings(d, now);
  if (now["CodeSha256"].as_string() != d.sha256) {
    Value body = Value::map();
    body.set("ZipFile", Blob{d.zip});
    TRY(call(d, "PUT", d.path() + "/code", body));
    d.changed.push_back("code");
    TRY(wait_until_ready(d));
  }
  if (configuration.size() != 0) {
    TRY(call(d, "PUT", d.path() + "/configuration", configuration));
    for (const auto& member : configuration.as_map()) d.changed.push_back(member.first);
  }
  return {};
}

Result<> carry_out(Deployment& d) {
  TRY(pack(d));
  auto now = call(d, "GET", d.path() + "/configuration", {});
  if (!now && now.error().code != Errc::NotFound) return Failure(std::move(now).error());
  TRY(now ? update(d, *now) : create(d));
  return wait_until_ready(d);
}

std::string done_text(const Deployment& d) {
  const std::string size =
      std::to_string(d.files) + (d.files == 1 ? " file, " : " files, ") + std::to_string(d.zip.size()) + " bytes";
  if (d.created) return "created " + d.name + " (" + size + ")";
  if (d.changed.empty()) return "unchanged " + d.name + ": code and settings are the same already";
  std::string all;
  for (const std::string& member : d.changed) all += (all.empty() ? "" : ", ") + member;
  return "updated " + d.name + ": " + all + " (" + size + ")";
}

void print_json(const Deployment& d) {
  Value out = Value::map();
  out.set("function_name", d.name);
  out.set("function_arn", d.arn);
  out.set("action", d.created ? "created" : d.changed.empty() ? "unchanged" : "updated");
  Value& changed = out.set("changed", Value::list());
  for (const std::string& member : d.changed) changed.push(member);
  out.set("code_sha256", d.sha256);
  out.set("files", d.files);
  out.set("bytes", d.zip.size());
  print(json::write_pretty(out) + "\n");
}

}  // namespace

int deploy(const Context& context, const DeployOptions& options) {
  Deployment d{.context = context, .options = options};
  if (auto done = carry_out(d); !done) return failed(done.error());
  if (context.json) {
    print_json(d);
  } else {
    note(done_text(d));
    print(escape_terminal(d.arn) + "\n");
  }
  return kOk;
}

}  // namespace gust::cli
