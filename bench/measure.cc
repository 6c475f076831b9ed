// SPDX-License-Identifier: Apache-2.0

#include "measure.h"

#include <unistd.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/json.h"
#include "experiment/statistics.h"
#include "os/clock.h"

namespace gust::bench {
namespace {

constexpr char kFunction[] = "bench-echo";
constexpr char kInvoke[] = "/2015-03-31/functions/bench-echo/invocations";

int64_t now_us() { return system_clock().monotonic_us(); }

Result<> call(aws::Client& client, std::string method, std::string path, std::string body, std::string service = "lambda") {
  aws::Call c;
  c.service = std::move(service);
  c.method = std::move(method);
  c.path = std::move(path);
  c.body = std::move(body);
  c.headers.emplace_back("content-type", "application/json");
  TRY(client.call(c));
  return {};
}

Result<> wait_active(aws::Client& client) {
  for (int i = 0; i < 600; ++i) {
    aws::Call c;
    c.service = "lambda";
    c.path = "/2015-03-31/functions/bench-echo/configuration";
    const auto response = TRY(client.call(c));
    const Value document = TRY(json::parse(response.body.bytes));
    if (document["State"].as_string() == "Active" && document["LastUpdateStatus"].as_string() == "Successful") return {};
    usleep(10'000);
  }
  return fail(Errc::Timeout, "the function did not become active");
}

Result<double> timed(Connection& connection, std::string_view request, int status = 200) {
  const int64_t began = now_us();
  TRY(connection.ask(request, status));
  return static_cast<double>(now_us() - began);
}

}  // namespace

Row row_of(std::string name, std::string unit, std::vector<double> values, double reach, std::string baseline) {
  std::sort(values.begin(), values.end());
  return {std::move(name),
          std::move(unit),
          experiment::quantile(values, 0.5),
          experiment::quantile(values, 0.1),
          experiment::quantile(values, 0.9),
          values.size(),
          reach,
          std::move(baseline)};
}

Result<> measure_start(const std::string& program, std::vector<Row>& rows, size_t runs) {
  std::vector<double> ms;
  TRY(Gust::start(program));  // the first start of all may build the root tree
  for (size_t i = 0; i < runs; ++i) {
    const Gust gust = TRY(Gust::start(program));
    ms.push_back(static_cast<double>(gust.start_us()) / 1000);
  }
  rows.push_back(row_of("start to first answer", "ms", ms, 150));
  return {};
}

Result<> measure_idle_memory(Context& context) {
  sleep(1);
  context.rows.push_back(row_of("idle RSS of all processes", "MiB", {static_cast<double>(context.gust.rss_kib()) / 1024}, 30));
  context.rows.push_back(row_of("idle PSS of all processes", "MiB", {static_cast<double>(context.gust.pss_kib()) / 1024}, 0));
  return {};
}

Result<> prepare(Context& context) {
  aws::Client client(context.aws);
  TRY(client.create_bucket(kBucket));
  const Value table = TRY(json::parse(R"({"TableName":"bench-table","BillingMode":"PAY_PER_REQUEST",
    "AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"N"}],
    "KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}]})"));
  TRY(client.dynamodb("CreateTable", table));
  Value create = Value::map();
  create.set("FunctionName", kFunction);
  create.set("Runtime", "provided.al2023");
  create.set("Handler", "bootstrap");
  create.set("Role", "arn:aws:iam::000000000000:role/bench");
  create.set("MemorySize", 1769);
  Value code = Value::map();
  code.set("ZipFile", base64_encode(context.function_zip));
  create.set("Code", std::move(code));
  TRY(call(client, "POST", "/2015-03-31/functions", json::write(create)));
  return wait_active(client);
}

Result<> measure_warm_invoke(Context& context) {
  const std::string request = context.signer.request("lambda", "POST", kInvoke, "{}");
  const EchoServer echo = TRY(EchoServer::start(2));
  Connection bare = TRY(Connection::open(echo.endpoint())), ours = TRY(Connection::open(context.gust.endpoint()));
  for (int i = 0; i < 200; ++i) {
    TRY(ours.ask(request));
    TRY(bare.ask(request));
  }
  const size_t blocks = context.times(100), of_block = 100;
  std::vector<double> added, cpu;
  for (size_t b = 0; b < blocks; ++b) {
    std::vector<double> e, g;
    for (size_t i = 0; i < of_block; ++i) e.push_back(TRY(timed(bare, request)));
    const uint64_t before = context.gust.cpu_ns();
    for (size_t i = 0; i < of_block; ++i) g.push_back(TRY(timed(ours, request)));
    cpu.push_back(static_cast<double>(context.gust.cpu_ns() - before) / 1000.0 / static_cast<double>(of_block));
    added.push_back(row_of("", "", g, 0).median - row_of("", "", e, 0).median);
  }
  context.rows.push_back(row_of("warm invoke, added to the echo's round trip (p50 of blocks of 100)", "us", added, 120,
                                "bare HTTP echo, same connection style, interleaved"));
  context.rows.push_back(row_of("warm invoke, daemon CPU", "us", cpu, 40, "schedstat of the daemon"));
  return {};
}

Result<> measure_cold_start(Context& context) {
  aws::Client client(context.aws);
  Connection connection = TRY(Connection::open(context.gust.endpoint()));
  const std::string request = context.signer.request("lambda", "POST", kInvoke, "{}");
  std::vector<double> ms;
  for (size_t i = 0; i < context.times(200); ++i) {
    // Another environment variable makes the running environments outdated.
    TRY(call(client, "PUT", "/2015-03-31/functions/bench-echo/configuration",
             R"({"Environment":{"Variables":{"ROUND":")" + std::to_string(i) + R"("}}})"));
    TRY(wait_active(client));
    usleep(20'000);  // the old one's end is not what is measured
    ms.push_back(TRY(timed(connection, request)) / 1000);
  }
  context.rows.push_back(row_of("cold start native, client-seen", "ms", ms, 4));
  return {};
}

Result<> measure_upload_to_handler(Context& context) {
  aws::Client client(context.aws);
  TRY(call(
      client, "POST", "/2015-03-31/functions/bench-echo/policy",
      R"({"StatementId":"s3","Action":"lambda:InvokeFunction","Principal":"s3.amazonaws.com","SourceArn":"arn:aws:s3:::bench-bucket"})"));
  TRY(client.put_bucket_notification(
      kBucket,
      "<NotificationConfiguration><CloudFunctionConfiguration><Id>b</Id><CloudFunction>"
      "arn:aws:lambda:us-east-1:000000000000:function:bench-echo</CloudFunction>"
      "<Event>s3:ObjectCreated:*</Event><Filter><S3Key><FilterRule><Name>prefix</Name><Value>up/</Value>"
      "</FilterRule></S3Key></Filter></CloudFunctionConfiguration></NotificationConfiguration>"));
  sleep(1);  // the test event of the configuration
  Connection connection = TRY(Connection::open(context.gust.endpoint()));
  const std::string body(4096, 'u');
  const int64_t began_us = system_clock().unix_us();
  std::vector<int64_t> answered;
  for (size_t i = 0; i < context.times(300); ++i) {
    const std::string request = context.signer.request("s3", "PUT", "/bench-bucket/up/" + std::to_string(i), body);
    TRY(connection.ask(request));
    answered.push_back(system_clock().unix_us());
    usleep(20'000);
  }
  sleep(1);
  aws::Call c;
  c.service = "lambda";
  c.path = "/_gust/executions";
  c.query = "from_us=" + std::to_string(began_us) + "&function=bench-echo";
  const auto response = TRY(client.call(c));
  std::vector<int64_t> started;
  std::string_view rest = response.body.bytes;
  for (size_t end; (end = rest.find('\n')) != rest.npos; rest.remove_prefix(end + 1)) {
    const Value line = TRY(json::parse(rest.substr(0, end)));
    started.push_back(line["started_us"].as_int());
  }
  std::sort(started.begin(), started.end());
  if (started.size() != answered.size()) {
    return fail(Errc::Internal, std::to_string(answered.size()) + " uploads, " + std::to_string(started.size()) + " executions");
  }
  std::vector<double> ms;
  for (size_t i = 0; i < started.size(); ++i) ms.push_back(static_cast<double>(started[i] - answered[i]) / 1000);
  context.rows.push_back(row_of("PUT answered to handler running, warm", "ms", ms, 2));
  return {};
}

}  // namespace gust::bench
