// SPDX-License-Identifier: Apache-2.0

// `gust service`: always-on programs of an instance type's size.

#include "base/encoding.h"
#include "base/json.h"
#include "cli/output.h"
#include "cli/service_program.h"
#include "cli/verbs.h"

namespace gust::cli {
namespace {

constexpr char kServices[] = "/_gust/services";

std::string path_of(const std::string& name) { return std::string(kServices) + "/" + percent_encode(name, Slash::Encode); }

Result<Value> request_of(const ServiceOptions& options) {
  Package package = TRY(read_package(options.directory));
  Value body = Value::map();
  body.set("instance_type", options.instance_type);
  Value& command = body.set("command", Value::list());
  for (const std::string& word : options.command) command.push(word);
  if (options.command.empty()) {
    auto found = service_program(package, options.name);
    if (!found) return Failure(std::move(found).error().in(options.directory));
    command.push("/var/task/" + *found);
  }
  const std::string_view program = command.as_list()[0].as_string();
  if (program.starts_with("/var/task/") && !make_executable(package, program.substr(10))) {
    return fail(Errc::NotFound,
                options.directory + " has no file '" + std::string(program.substr(10)) + "', which the command starts");
  }
  Value& environment = body.set("environment", Value::map());
  for (const auto& [name, value] : options.environment) environment.set(name, value);
  body.set("zip", Blob{experiment::make_zip(package)});
  return body;
}

}  // namespace

Result<std::string> service_program(const Package& package, const std::string& name) {
  std::vector<std::string> programs;
  for (const experiment::ZipFile& file : package) {
    if (file.name == name) return name;
    if (file.mode & 0100) programs.push_back(file.name);
  }
  if (programs.size() == 1) return programs[0];
  return fail(Errc::Invalid, std::string(programs.empty() ? "no" : "more than one") + " executable file, and none is called '" +
                                 name + "': say what to run behind '--', such as -- /var/task/PROGRAM");
}

int service_run(const Context& context, const ServiceOptions& options) {
  const auto body = request_of(options);
  if (!body) return failed(body.error());
  aws::Call call{.service = "lambda", .method = "PUT", .path = path_of(options.name)};
  call.headers = {{"Content-Type", "application/json"}};
  call.body = json::write(*body);
  const auto answer = ask(context, call, {.timeout_us = 300'000'000});
  if (!answer) return failed(answer.error());
  if (context.json) print(json::write_pretty(*answer) + "\n");
  else print("started " + escape_terminal(options.name) + " as " + escape_terminal(options.instance_type) + "\n");
  return kOk;
}

int service_list(const Context& context) {
  const auto answer = ask_gust(context, kServices);
  if (!answer) return failed(answer.error());
  const Value::List& services = list_of(*answer, "services");
  if (context.json) print(json::write_pretty(*answer) + "\n");
  else print(services.empty() ? "no services\n" : services_text(services));
  return kOk;
}

int service_stop(const Context& context, const std::string& name) {
  const auto answer = ask(context, {.service = "lambda", .method = "DELETE", .path = path_of(name)});
  if (!answer) return failed(answer.error());
  if (context.json) print(json::write_pretty(*answer) + "\n");
  else print("stopped " + escape_terminal(name) + "\n");
  return kOk;
}

}  // namespace gust::cli
