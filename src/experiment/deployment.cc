// SPDX-License-Identifier: Apache-2.0

#include "experiment/deployment.h"

#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/encoding.h"
#include "base/json.h"
#include "experiment/zip.h"
#include "os/clock.h"
#include "os/files.h"

namespace gust::experiment {
namespace {

constexpr int64_t kPatienceUs = 30'000'000;  // for a function or service to be ready, and for it to stop
constexpr int64_t kMeterPatienceUs = 5'000'000;
constexpr int kBatch = 25;  // of the service's poller
const std::string kFunctions = "/2015-03-31/functions";

Failure in(Error&& error, const std::string& what) { return Failure(std::move(error).in(what)); }

double ms_since(int64_t start_us) { return static_cast<double>(system_clock().monotonic_us() - start_us) / 1e3; }

Value map_of(std::initializer_list<std::pair<const char*, Value>> members) {
  Value out = Value::map();
  for (const auto& [name, value] : members) out.set(name, value);
  return out;
}

Value key_part(const char* name, const char* type) { return map_of({{"AttributeName", name}, {"KeyType", type}}); }

}  // namespace

Deployment::Deployment(const RunOptions& options, Run& run) : options_(options), run_(run), client_(options.aws) {}

Result<http::Response> Deployment::request(const std::string& service, const std::string& method, const std::string& path,
                                           std::string body, const std::string& query) {
  aws::Call call;
  call.service = service;
  call.method = method;
  call.path = path;
  call.query = query;
  if (!body.empty()) call.headers.emplace_back("Content-Type", "application/json");
  call.body = std::move(body);
  return client_.call(call);
}

Result<std::string> Deployment::program(const std::string& name) const {
  const std::string path = options_.programs + "/" + name;
  auto bytes = files::read(path);
  if (!bytes)
    return fail(Errc::NotFound, "the program " + name + " of the image scaler is missing (" + bytes.error().message +
                                    "); build it, or name its directory with --programs");
  return bytes;
}

Result<> Deployment::find_programs() const {
  for (const Arm& arm : run_.arms) TRY(program(arm.kind == Arm::Kind::Function ? "bootstrap" : "image-scaler-service"));
  return {};
}

Result<> Deployment::connect() {
  auto health = request("gust", "GET", "/_gust/health");
  if (!health)
    return fail(Errc::Unavailable,
                "no Gust answers at " + options_.aws.endpoint + " (" + health.error().message + "); start one with `gust serve`");
  Value document = TRY(json::parse(health->body.bytes));
  run_.gust_version = document["version"].as_string();
  return {};
}

Result<> Deployment::make_bucket() {
  auto made = client_.create_bucket(run_.bucket);
  if (!made && made.error().code != Errc::Exists) return in(std::move(made.error()), "CreateBucket " + run_.bucket);
  return {};
}

Result<> Deployment::make_table() {
  Value request = map_of({{"TableName", run_.table}, {"BillingMode", "PAY_PER_REQUEST"}});
  Value& attributes = request.set("AttributeDefinitions", Value::list());
  for (auto name : {"pk", "sk"}) attributes.push(map_of({{"AttributeName", name}, {"AttributeType", "S"}}));
  Value& schema = request.set("KeySchema", Value::list());
  schema.push(key_part("pk", "HASH"));
  schema.push(key_part("sk", "RANGE"));
  auto made = client_.dynamodb("CreateTable", request);
  if (!made && made.error().code != Errc::Exists) return in(std::move(made.error()), "CreateTable " + run_.table);
  const int64_t end = system_clock().monotonic_us() + kPatienceUs;
  for (;;) {
    auto described = client_.dynamodb("DescribeTable", map_of({{"TableName", run_.table}}));
    if (!described) return in(std::move(described.error()), "DescribeTable " + run_.table);
    if ((*described)["Table"]["TableStatus"].as_string() == "ACTIVE") return {};
    if (system_clock().monotonic_us() > end) return fail(Errc::Timeout, "the table " + run_.table + " does not become ACTIVE");
    usleep(50'000);
  }
}

Result<std::string> Deployment::wait_until_active(const std::string& name) {
  const int64_t end = system_clock().monotonic_us() + kPatienceUs;
  for (;;) {
    auto got = request("lambda", "GET", kFunctions + "/" + name);
    if (!got) return in(std::move(got.error()), "GetFunction " + name);
    Value document = TRY(json::parse(got->body.bytes));
    const Value& configuration = document["Configuration"];
    std::string_view state = configuration["State"].as_string("Active"),
                     update = configuration["LastUpdateStatus"].as_string("Successful");
    if (state == "Active" && update == "Successful") return std::string(configuration["FunctionArn"].as_string());
    if (state == "Failed" || update == "Failed") {
      return fail(
          Errc::Invalid,
          name + ": " + std::string(configuration[state == "Failed" ? "StateReason" : "LastUpdateStatusReason"].as_string()));
    }
    if (system_clock().monotonic_us() > end) return fail(Errc::Timeout, "the function " + name + " does not become Active");
    usleep(20'000);
  }
}

Result<std::string> Deployment::make_function(const Arm& arm, const std::string& zip) {
  const std::string name = arm.resource();
  Value configuration = map_of({{"FunctionName", name},
                                {"Runtime", "provided.al2023"},
                                {"Role", "arn:aws:iam::" + options_.account + ":role/image-scaler"},
                                {"Handler", "bootstrap"},
                                {"MemorySize", arm.memory_mb},
                                {"Timeout", 60}});
  configuration.set("Environment", map_of({{"Variables", map_of({{"TABLE", run_.table}})}}));
  Value create = configuration;
  create.set("Architectures", Value(Value::List{run_.host.machine == "aarch64" ? "arm64" : "x86_64"}));
  create.set("Code", map_of({{"ZipFile", zip}}));
  auto made = request("lambda", "POST", kFunctions, json::write(create));
  if (!made && made.error().code != Errc::Exists) return in(std::move(made.error()), "CreateFunction " + name);
  if (!made) {  // of an earlier run
    auto code = request("lambda", "PUT", kFunctions + "/" + name + "/code", json::write(map_of({{"ZipFile", zip}})));
    if (!code) return in(std::move(code.error()), "UpdateFunctionCode " + name);
    TRY(wait_until_active(name));
    configuration.erase("FunctionName");
    auto updated = request("lambda", "PUT", kFunctions + "/" + name + "/configuration", json::write(configuration));
    if (!updated) return in(std::move(updated.error()), "UpdateFunctionConfiguration " + name);
  }
  std::string arn = TRY(wait_until_active(name));
  TRY(allow_bucket(name));
  return arn;
}

Result<> Deployment::allow_bucket(const std::string& function) {
  Value permission = map_of({{"StatementId", "from-" + run_.bucket},
                             {"Action", "lambda:InvokeFunction"},
                             {"Principal", "s3.amazonaws.com"},
                             {"SourceArn", "arn:aws:s3:::" + run_.bucket},
                             {"SourceAccount", options_.account}});
  auto added = request("lambda", "POST", kFunctions + "/" + function + "/policy", json::write(permission));
  if (!added && added.error().code != Errc::Exists) return in(std::move(added.error()), "AddPermission " + function);
  return {};
}

Result<> Deployment::notify(const std::vector<std::pair<std::string, std::string>>& arns) {
  std::string xml = "<NotificationConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
  for (const auto& [arm, arn] : arns) {
    xml += "<CloudFunctionConfiguration><Id>" + arm + "</Id><CloudFunction>" + escape_xml(arn) +
           "</CloudFunction><Event>s3:ObjectCreated:*</Event><Filter><S3Key><FilterRule><Name>prefix</Name><Value>uploads/" +
           run_.id + "/" + arm + "/</Value></FilterRule></S3Key></Filter></CloudFunctionConfiguration>";
  }
  auto put = client_.put_bucket_notification(run_.bucket, xml + "</NotificationConfiguration>");
  if (!put) return in(std::move(put.error()), "PutBucketNotificationConfiguration " + run_.bucket);
  return {};
}

Result<> Deployment::make() {
  TRY(make_bucket());
  TRY(make_table());
  std::string bootstrap = TRY(program("bootstrap"));
  const std::string zip = base64_encode(make_zip({{"bootstrap", std::move(bootstrap), 0755}}));
  std::vector<std::pair<std::string, std::string>> arns;
  for (const Arm& arm : run_.arms) {
    if (arm.kind != Arm::Kind::Function) continue;
    const int64_t start = system_clock().monotonic_us();
    arns.emplace_back(arm.name, TRY(make_function(arm, zip)));
    run_.deploy_ms[arm.name] = ms_since(start);
  }
  if (!arns.empty()) TRY(notify(arns));
  return {};
}

Result<Value> Deployment::service_status(const std::string& name) {
  http::Response response = TRY(request("gust", "GET", "/_gust/services/" + name));
  return json::parse(response.body.bytes);
}

Result<> Deployment::start_service(const Arm& arm) {
  const std::string name = arm.resource(), prefix = run_.id + "/" + arm.name;
  std::string executable = TRY(program("image-scaler-service"));
  Value body = map_of({{"instance_type", arm.instance_type},
                       {"command", Value(Value::List{"/var/task/image-scaler-service"})},
                       {"zip", base64_encode(make_zip({{"image-scaler-service", std::move(executable), 0755}}))}});
  body.set("environment", map_of({{"BUCKET", run_.bucket},
                                  {"TABLE", run_.table},
                                  {"PREFIX", "uploads/" + prefix + "/"},
                                  {"PROGRESS_KEY", "progress/" + prefix + ".json"},
                                  {"INSTANCE_TYPE", arm.instance_type},
                                  {"WORKERS", std::to_string(run_.workers)},
                                  {"BATCH", std::to_string(kBatch)},
                                  {"POLL_SECONDS", std::to_string(static_cast<int>(run_.poll_seconds))}}));
  const int64_t start = system_clock().monotonic_us();
  auto put = request("gust", "PUT", "/_gust/services/" + name, json::write(body));
  if (!put) return in(std::move(put.error()), "starting the service " + name);
  for (;;) {
    auto status = service_status(name);
    if (!status) return in(std::move(status.error()), "the service " + name);
    std::string_view state = (*status)["state"].as_string();
    if (state == "running") {
      const double vcpus = (*status)["vcpu_milli"].as_double() / 1000;
      for (Arm& own : run_.arms) {
        if (own.name == arm.name && vcpus > 0) own.vcpus = vcpus;
      }
      break;
    }
    if (state == "waiting" || state == "stopped" || ms_since(start) * 1e3 > kPatienceUs) {
      return fail(Errc::Unavailable,
                  "the service " + name + " does not run: " + json::write(*status) + "; see `gust service logs " + name + "`");
    }
    usleep(10'000);
  }
  run_.deploy_ms.emplace(arm.name, ms_since(start));  // the first start: later ones have their code already
  return {};
}

Result<> Deployment::stop_service(const Arm& arm) {
  const std::string name = arm.resource();
  auto before = service_status(name);
  if (!before) return in(std::move(before.error()), "the service " + name);
  auto deleted = request("gust", "DELETE", "/_gust/services/" + name);
  if (!deleted) return in(std::move(deleted.error()), "stopping the service " + name);
  Value last = std::move(*before);
  const int64_t end = system_clock().monotonic_us() + kPatienceUs;
  for (;;) {
    auto status = service_status(name);
    if (!status && status.error().code == Errc::NotFound) break;  // gone without a last word
    if (!status) return in(std::move(status.error()), "the service " + name);
    last = std::move(*status);
    if (last["state"].as_string() == "stopped") break;
    if (system_clock().monotonic_us() > end) return fail(Errc::Timeout, "the service " + name + " does not stop");
    usleep(20'000);
  }
  const int64_t started = last["started_us"].as_int(), stopped = last["stopped_us"].as_int();
  ServiceRun& sum = run_.services[arm.name];
  sum.on_seconds += static_cast<double>((stopped > started ? stopped : system_clock().unix_us()) - started) / 1e6;
  sum.cpu_seconds += last["cpu_us"].as_double() / 1e6;
  if (!last.has("run_delay_us")) sum.run_delay_seconds = -1;
  else if (sum.run_delay_seconds >= 0)
    sum.run_delay_seconds += std::max(0.0, last["run_delay_us"].as_double() - last["throttled_us"].as_double()) / 1e6;
  sum.memory_peak_bytes = std::max(sum.memory_peak_bytes, static_cast<uint64_t>(last["memory_peak_bytes"].as_int()));
  return {};
}

Result<std::vector<Value>> Deployment::rows(const std::string& arm, size_t first, size_t count) {
  std::vector<Value> out;
  Value request = map_of(
      {{"TableName", run_.table}, {"ConsistentRead", true}, {"KeyConditionExpression", "pk = :p AND sk BETWEEN :a AND :b"}});
  Value& values = request.set("ExpressionAttributeValues", Value::map());
  values.set(":p", aws::string_attribute(run_.id + "#" + arm));
  values.set(":a", aws::string_attribute(sequence_text(first) + "#"));
  values.set(":b", aws::string_attribute(sequence_text(first + count - 1) + "#99"));
  for (;;) {
    Value answer = TRY(client_.dynamodb("Query", request));
    for (const Value& item : answer["Items"].as_list()) out.push_back(item);
    if (!answer["LastEvaluatedKey"].is_map()) return out;
    request.set("ExclusiveStartKey", answer["LastEvaluatedKey"]);
  }
}

Result<std::vector<Executed>> Deployment::executions(const std::string& function) {
  const std::string query =
      "from_us=" + std::to_string(run_.started_ms * 1000) + "&function=" + percent_encode(function, Slash::Encode);
  auto answer = request("gust", "GET", "/_gust/executions", {}, query);
  if (!answer) return in(std::move(answer.error()), "the meter of " + function);
  std::vector<Executed> out;
  std::string_view text = answer->body.bytes;
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    if (end > 0) {
      Value line = TRY(json::parse(text.substr(0, end)));
      out.push_back(TRY(executed_of(line)));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  std::sort(out.begin(), out.end(), [](const Executed& a, const Executed& b) {
    return std::tie(a.started_us, a.request_id) < std::tie(b.started_us, b.request_id);
  });
  return out;
}

Result<> Deployment::collect(Collected& into) {
  auto items = client_.scan_all(run_.table);
  if (!items) return in(std::move(items.error()), "Scan " + run_.table);
  std::map<std::string, std::set<std::string>> expected;  // request ids by arm
  for (Value& item : *items) {
    if (!aws::string_of(item, "pk").starts_with(run_.id + "#")) continue;  // of an earlier run
    Row row = TRY(row_of(item));
    expected[row.arm].insert(row.request_id);
    into.items.push_back(std::move(item));
  }
  std::sort(into.items.begin(), into.items.end(), [](const Value& a, const Value& b) {
    return std::pair(aws::string_of(a, "pk"), aws::string_of(a, "sk")) <
           std::pair(aws::string_of(b, "pk"), aws::string_of(b, "sk"));
  });
  for (const Arm& arm : run_.arms) {
    if (arm.kind != Arm::Kind::Function) continue;
    const int64_t end = system_clock().monotonic_us() + kMeterPatienceUs;
    for (;;) {  // an execution is booked after its answer
      std::vector<Executed> found = TRY(executions(arm.resource()));
      std::set<std::string> missing = expected[arm.name];
      for (const Executed& e : found) missing.erase(e.request_id);
      if (missing.empty() || system_clock().monotonic_us() > end) {
        into.records.executed.insert(into.records.executed.end(), found.begin(), found.end());
        break;
      }
      usleep(100'000);
    }
  }
  auto listed = client_.list_all_objects(run_.bucket, "renditions/");
  if (!listed) return in(std::move(listed.error()), "ListObjectsV2 " + run_.bucket);
  for (const aws::ObjectInfo& object : *listed) into.records.rendition_keys.push_back(escape_terminal(object.key));
  return {};
}

}  // namespace gust::experiment
