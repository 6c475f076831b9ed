// SPDX-License-Identifier: Apache-2.0

#pragma once

// For tests: as much of S3 and DynamoDB as the image scaler uses, in memory, behind a real HTTP server on loopback. Faults
// can be ordered: the next requests of a kind answer 503, before or after they took effect.

#include <cstdlib>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "base/encoding.h"
#include "base/ids.h"
#include "base/json.h"
#include "gust/aws.h"
#include "http/server.h"
#include "image-scaler/core/jpeg_codec.h"
#include "os/clock.h"

namespace gust::scaler {

class SmallCloud : public http::Handler {
 public:
  enum class Fault { None, Before, After };

  SmallCloud() {
    auto listener = net::listen_tcp({"127.0.0.1", 0});
    if (!listener) abort();
    endpoint_ = *net::local_endpoint(listener->get());
    server_ = std::make_unique<http::Server>(loop_, *this, http::Limits{}, nullptr);
    server_->listen(std::move(*listener), 1);
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~SmallCloud() override {
    std::promise<void> done;
    loop_.post([&] {
      server_.reset();
      done.set_value();
    });
    done.get_future().wait();
    loop_.stop();
    thread_.join();
  }

  aws::Config config() const {
    aws::Config out;
    out.endpoint = "http://" + endpoint_.text();
    out.credentials = {"key", "secret", ""};
    out.attempts = 3;
    out.backoff_us = 1000;
    return out;
  }

  // What the next request whose "METHOD what" starts with `kind` suffers: "GET uploads/", "PutItem".
  void order_fault(const std::string& kind, Fault fault, int times = 1) {
    std::lock_guard lock(mutex_);
    fault_kind_ = kind;
    fault_ = fault;
    fault_times_ = times;
  }
  void put(const std::string& key, std::string bytes) {
    std::lock_guard lock(mutex_);
    objects_[key] = {std::move(bytes), system_clock().unix_ms()};
  }
  std::string object(const std::string& key) {
    std::lock_guard lock(mutex_);
    auto at = objects_.find(key);
    return at == objects_.end() ? "" : at->second.bytes;
  }
  size_t count(const std::string& prefix) {
    std::lock_guard lock(mutex_);
    size_t n = 0;
    for (const auto& [key, object] : objects_) n += key.starts_with(prefix);
    return n;
  }
  std::map<std::string, Value> rows() {  // by "pk sk"
    std::lock_guard lock(mutex_);
    return rows_;
  }

  http::BodyPlan on_head(http::Exchange&) override {
    http::BodyPlan plan;
    plan.limit = plan.memory = 64 << 20;
    return plan;
  }
  void on_request(http::ExchangePtr exchange) override {
    std::lock_guard lock(mutex_);
    const http::Request& request = exchange->request();
    std::string_view target = request.headers.get("x-amz-target");
    const std::string key =
        percent_decode(request.path.substr(std::min(request.path.find('/', 1), request.path.size() - 1) + 1)).value_or("");
    const std::string kind = target.empty() ? request.method + " " + key : std::string(target.substr(target.find('.') + 1));
    Fault fault = Fault::None;
    if (fault_times_ > 0 && kind.starts_with(fault_kind_)) --fault_times_, fault = fault_;
    http::Response response;
    response.status = 503;
    if (fault != Fault::Before) {
      http::Response done = target.empty() ? s3(request, key) : dynamodb(kind, request.body.bytes);
      if (fault == Fault::None) response = std::move(done);
    }
    exchange->respond(std::move(response));
  }

 private:
  struct Stored {
    std::string bytes;
    int64_t modified_ms = 0;
  };

  static http::Response answer(int status, std::string body) {
    http::Response out;
    out.status = status;
    out.body.bytes = std::move(body);
    return out;
  }

  http::Response s3(const http::Request& request, const std::string& key) {
    if (request.method == "PUT") {
      objects_[key] = {request.body.bytes, system_clock().unix_ms()};
      return answer(200, "");
    }
    if (request.query.find("list-type=2") != std::string::npos) return list(request.query);
    auto at = objects_.find(key);
    if (at == objects_.end()) return answer(404, "<Error><Code>NoSuchKey</Code><Message>gone</Message></Error>");
    http::Response out = answer(200, at->second.bytes);
    out.headers.add("ETag", "\"etag\"");
    return out;
  }

  http::Response list(const std::string& query) {
    auto parameter = [&](const std::string& name) {
      size_t at = query.find("&" + name + "=");
      if (at == std::string::npos) return std::string();
      at += name.size() + 2;
      return percent_decode(query.substr(at, query.find('&', at) - at)).value_or("");
    };
    std::string out = "<ListBucketResult><IsTruncated>false</IsTruncated>";
    for (const auto& [key, object] : objects_) {
      if (!key.starts_with(parameter("prefix")) || key <= parameter("start-after")) continue;
      out += "<Contents><Key>" + escape_xml(key) + "</Key><LastModified>" + iso8601(object.modified_ms) +
             "</LastModified></Contents>";
    }
    return answer(200, out + "</ListBucketResult>");
  }

  http::Response dynamodb(const std::string& operation, const std::string& body) {
    Value request = *json::parse(body), out = Value::map();
    auto name_of_key = [](const Value& item) {
      return std::string(item["pk"]["S"].as_string()) + " " + std::string(item["sk"]["S"].as_string());
    };
    if (operation == "PutItem") {
      const std::string name = name_of_key(request["Item"]);
      if (request["ConditionExpression"].as_string() == "attribute_not_exists(sk)" && rows_.contains(name)) {
        return answer(
            400,
            R"({"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","message":"The conditional request failed"})");
      }
      rows_[name] = request["Item"];
    } else if (operation == "GetItem") {
      auto at = rows_.find(name_of_key(request["Key"]));
      if (at != rows_.end()) out.set("Item", at->second);
    } else if (operation == "Query") {
      const std::string key(request["ExpressionAttributeValues"][":v"]["S"].as_string());
      Value& items = out.set("Items", Value::list());
      for (const auto& [name, row] : rows_) {
        if (row["pk"]["S"].as_string() == key) items.push(row);
      }
    }
    return answer(200, json::write(out));
  }

  net::Loop loop_;
  net::Endpoint endpoint_;
  std::unique_ptr<http::Server> server_;
  std::thread thread_;
  std::mutex mutex_;  // guards what follows
  std::map<std::string, Stored> objects_;
  std::map<std::string, Value> rows_;
  std::string fault_kind_;
  Fault fault_ = Fault::None;
  int fault_times_ = 0;
};

inline std::string small_jpeg(uint32_t width = 320, uint32_t height = 200) {
  Pixels pixels({width, height});
  for (uint32_t y = 0; y < height; ++y) {
    for (uint32_t x = 0; x < width; ++x) pixels.row(y)[x] = x * 255 / width | (y * 255 / height) << 8;
  }
  return *encode(pixels, {});
}

}  // namespace gust::scaler
