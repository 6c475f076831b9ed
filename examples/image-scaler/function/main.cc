// SPDX-License-Identifier: Apache-2.0

// The image scaler as a Lambda function: `bootstrap` for provided.al2023. Its events are S3 notifications (ObjectCreated);
// one event may name several objects. Environment: TABLE; the memory limit comes from AWS_LAMBDA_FUNCTION_MEMORY_SIZE.

#include <cstdio>
#include <cstdlib>

#include "base/encoding.h"
#include "base/ids.h"
#include "base/json.h"
#include "gust/lambda.h"
#include "image-scaler/job/job.h"

namespace {

using gust::Errc;
using gust::Value;

std::string environment(const char* name) {
  const char* text = getenv(name);
  return text ? text : "";
}

class Function {
 public:
  Function() : client_(gust::aws::config_from_environment()), job_(client_, options()) {}

  gust::lambda::Result handle(const gust::lambda::Event& event) {
    auto document = gust::json::parse(event.payload);
    if (!document) return gust::lambda::Error{"ImageScaler.BadEvent", document.error().message};
    Value answer = Value::map();
    Value& rows = answer.set("rows", Value::list());
    for (const Value& record : (*document)["Records"].as_list()) {
      auto row = one(record, event.request_id);
      if (!row) return gust::lambda::Error{"ImageScaler." + std::string(name_of(row.error().code)), row.error().message};
      rows.push(std::move(*row));
    }
    return gust::json::write(answer);  // s3:TestEvent has no records: nothing to do, and that is right
  }

 private:
  static gust::scaler::JobOptions options() {
    gust::scaler::JobOptions out;
    out.table = environment("TABLE");
    out.size_name = "memory_mb";
    out.size_value = environment("AWS_LAMBDA_FUNCTION_MEMORY_SIZE");
    // Three quarters for the decoder: the rest holds the upload, the pixels and the process.
    uint64_t memory = gust::parse_uint(out.size_value).value_or(512) << 20;
    out.limits.memory = memory / 4 * 3;
    return out;
  }

  gust::Result<Value> one(const Value& record, std::string_view request_id) {
    const Value& object = record["s3"]["object"];
    gust::scaler::Upload upload;
    upload.bucket = record["s3"]["bucket"]["name"].as_string();
    upload.key = TRY(gust::percent_decode(object["key"].as_string(), gust::Plus::Space));
    upload.etag = object["eTag"].as_string();
    upload.event_us = TRY(gust::parse_iso8601(record["eventTime"].as_string())) * 1000;
    upload.request_id = request_id;
    upload.first_call = first_;
    first_ = false;
    Value row = TRY(job_.run(upload));
    Value out = Value::map();
    for (auto name : {"sk", "status", "error_type", "error"}) {
      if (row.has(name)) out.set(name, gust::aws::string_of(row, name));
    }
    return out;
  }

  gust::aws::Client client_;
  gust::scaler::Job job_;
  bool first_ = true;
};

}  // namespace

int main() {
  if (environment("TABLE").empty()) return gust::lambda::fail_init({"ImageScaler.Configuration", "TABLE is not set"});
  Function function;
  return gust::lambda::run([&](const gust::lambda::Event& event) { return function.handle(event); });
}
