// SPDX-License-Identifier: Apache-2.0

// S3 and DynamoDB under load: server CPU per operation at 16 connections, every request signed and verified.

#include <algorithm>
#include <atomic>
#include <thread>

#include "base/json.h"
#include "measure.h"
#include "os/clock.h"

namespace gust::bench {
namespace {

constexpr size_t kConnections = 16;
constexpr int kRounds = 5;
constexpr size_t kBig = 8 << 20;

struct Cost {
  double cpu_us = 0;  // of the server, per request
  double rate = 0;    // requests per second
};

// Prepared requests over kConnections connections.
Result<Cost> load(Context& context, const std::vector<std::string>& requests) {
  std::atomic<size_t> next{0}, failed{0};
  const uint64_t before = context.gust.cpu_ns();
  const int64_t began_us = system_clock().monotonic_us();
  std::vector<std::thread> threads;
  for (size_t t = 0; t < kConnections; ++t) {
    threads.emplace_back([&] {
      auto connection = Connection::open(context.gust.endpoint());
      for (size_t i; connection && (i = next++) < requests.size();) {
        if (const auto answer = connection->ask(requests[i]); !answer) {
          if (failed++ == 0) fprintf(stderr, "gust_bench: %s\n", answer.error().message.c_str());
          break;
        }
      }
      if (!connection) ++failed;
    });
  }
  for (std::thread& t : threads) t.join();
  if (failed != 0) return fail(Errc::Io, "requests failed under load");
  const auto n = static_cast<double>(requests.size());
  const auto us = static_cast<double>(system_clock().monotonic_us() - began_us);
  return Cost{static_cast<double>(context.gust.cpu_ns() - before) / 1000.0 / n, n * 1e6 / us};
}

// kRounds of `count` requests that `make` prepares (round, index). `rate_reach`: 0 where the rate is of no interest.
template <class Make>
Result<> measure_load(Context& context, const std::string& name, size_t count, double reach, double rate_reach, Make make) {
  std::vector<double> cpu, rate;
  for (int round = 0; round < (context.quick ? 2 : kRounds); ++round) {
    std::vector<std::string> requests;
    for (size_t i = 0; i < count; ++i) requests.push_back(make(round, i));
    const Cost cost = TRY(load(context, requests));
    cpu.push_back(cost.cpu_us);
    rate.push_back(cost.rate);
  }
  context.rows.push_back(row_of(name + ", server CPU", "us", cpu, reach));
  if (rate_reach != 0) context.rows.push_back(row_of(name + ", rate (at least)", "/s", rate, -rate_reach));
  return {};
}

std::string dynamodb(Context& context, std::string_view operation, std::string_view body) {
  return context.signer.request(
      "dynamodb", "POST", "/", body,
      {{"content-type", "application/x-amz-json-1.0"}, {"x-amz-target", "DynamoDB_20120810." + std::string(operation)}});
}

std::string s3(Context& context, std::string_view method, const std::string& path, std::string_view body = {}) {
  return context.signer.request("s3", method, "/" + std::string(kBucket) + path, body);
}

std::string key_of(std::string_view hash, size_t range) {
  return R"("pk":{"S":")" + std::string(hash) + R"("},"sk":{"N":")" + std::to_string(range) + R"("})";
}

std::string item_of(std::string_view hash, size_t range, const std::string& filler) {
  return "{" + key_of(hash, range) + R"(,"v":{"S":")" + filler + R"("}})";
}

std::string batch_of(std::string_view hash, size_t first, const std::string& filler) {
  std::string body = R"({"RequestItems":{"bench-table":[)";
  for (size_t i = 0; i < 25; ++i) {
    if (i != 0) body += ',';
    body += R"({"PutRequest":{"Item":)" + item_of(hash, first + i, filler) + "}}";
  }
  return body + "]}}";
}

std::string numbered(std::string_view prefix, size_t i) {
  std::string digits = std::to_string(i);
  return std::string(prefix) + std::string(8 - std::min<size_t>(8, digits.size()), '0') + digits;
}

// Puts `count` empty objects under a prefix, so that the bucket is as large as wanted.
Result<> fill_bucket(Context& context, std::string_view prefix, size_t count) {
  for (size_t done = 0; done < count;) {
    std::vector<std::string> requests;
    for (size_t i = 0; i < 20'000 && done < count; ++i) requests.push_back(s3(context, "PUT", numbered(prefix, done++)));
    TRY(load(context, requests));
  }
  return {};
}

Result<> fill_table(Context& context, size_t count) {
  for (size_t done = 0; done < count;) {
    std::vector<std::string> requests;
    for (size_t i = 0; i < 1000 && done < count; ++i, done += 25)
      requests.push_back(dynamodb(context, "BatchWriteItem", batch_of(numbered("other", done / 1000), done, "x")));
    TRY(load(context, requests));
  }
  return {};
}

Result<double> list_cost(Context& context) {
  std::vector<std::string> requests(context.times(200), s3(context, "GET", "?list-type=2&prefix=l%2F"));
  return TRY(load(context, requests)).cpu_us / 1000;
}

Result<double> query_cost(Context& context) {
  const std::string request = dynamodb(
      context, "Query",
      R"({"TableName":"bench-table","KeyConditionExpression":"pk = :p AND sk < :n","ExpressionAttributeValues":{":p":{"S":"q"},":n":{"N":"10"}}})");
  return TRY(load(context, std::vector<std::string>(context.times(5000), request))).cpu_us;
}

}  // namespace

Result<> measure_objects(Context& context) {
  const std::string small(4096, 'o'), big(kBig, 'b');
  const size_t n = context.times(8000), large = context.times(100);
  TRY(measure_load(context, "durable PutObject 4 KiB", n, 85, 0, [&](int round, size_t i) {
    return s3(context, "PUT", "/o/" + std::to_string(round) + "-" + std::to_string(i), small);
  }));
  TRY(measure_load(context, "GetObject 4 KiB", n, 35, 0, [&](int round, size_t i) {
    return s3(context, "GET", "/o/" + std::to_string(round) + "-" + std::to_string(i));
  }));
  TRY(measure_load(context, "durable PutObject 8 MiB", large / 5, 18'000, 0,
                   [&](int, size_t i) { return s3(context, "PUT", "/big/" + std::to_string(i % 8), big); }));
  return measure_load(context, "GetObject 8 MiB", large, 1'300, 0, [&](int, size_t i) {
    return s3(context, "GET", "/big/" + std::to_string(i % std::min<size_t>(8, large / 5)));
  });
}

Result<> measure_items(Context& context) {
  const std::string filler(1000, 'i');
  const size_t n = context.times(8000);
  auto pk = [](int round, size_t i) { return std::to_string(round) + "-" + std::to_string(i); };
  TRY(measure_load(context, "durable PutItem 1 KiB", n, 70, 12'000, [&](int round, size_t i) {
    return dynamodb(context, "PutItem", R"({"TableName":"bench-table","Item":)" + item_of(pk(round, i), 1, filler) + "}");
  }));
  TRY(measure_load(context, "durable UpdateItem ADD, item of 1 KiB", n, 75, 12'000, [&](int round, size_t i) {
    return dynamodb(context, "UpdateItem",
                    R"({"TableName":"bench-table","Key":{)" + key_of(pk(round, i), 1) +
                        R"(},"UpdateExpression":"ADD n :o","ExpressionAttributeValues":{":o":{"N":"1"}}})");
  }));
  TRY(measure_load(context, "GetItem 1 KiB", n, 30, 0, [&](int round, size_t i) {
    return dynamodb(context, "GetItem", R"({"TableName":"bench-table","Key":{)" + key_of(pk(round, i), 1) + "}}");
  }));
  return measure_load(context, "durable BatchWriteItem of 25 x 1 KiB", context.times(600), 600, 0, [&](int round, size_t i) {
    return dynamodb(context, "BatchWriteItem", batch_of(numbered("b" + std::to_string(round), i), 0, filler));
  });
}

// The same Query in a small and in a large table.
Result<> measure_queries(Context& context) {
  const size_t items = context.quick ? 5'000 : 1'000'000;
  TRY(load(context, {dynamodb(context, "BatchWriteItem", batch_of("q", 0, std::string(1000, 'i')))}));
  std::vector<double> before, after;
  for (int round = 0; round < kRounds; ++round) before.push_back(TRY(query_cost(context)));
  TRY(fill_table(context, items));
  for (int round = 0; round < kRounds; ++round) after.push_back(TRY(query_cost(context)));
  context.rows.push_back(row_of("Query 10 x 1 KiB, server CPU", "us", before, 60));
  context.rows.push_back(row_of("the same with " + std::to_string(items) + " more items in the table", "us", after, 60));
  return {};
}

// The same listing in a bucket of a few thousand keys and of a million.
Result<> measure_listings(Context& context) {
  const size_t keys = context.quick ? 5'000 : 1'000'000;
  TRY(fill_bucket(context, "/l/", 1000));
  std::vector<double> before, after;
  for (int round = 0; round < kRounds; ++round) before.push_back(TRY(list_cost(context)));
  TRY(fill_bucket(context, "/m/", keys));
  for (int round = 0; round < kRounds; ++round) after.push_back(TRY(list_cost(context)));
  context.rows.push_back(row_of("ListObjectsV2 of 1000 keys, server CPU", "ms", before, 1.5));
  context.rows.push_back(row_of("the same with " + std::to_string(keys) + " more keys in the bucket", "ms", after,
                                1.2 * row_of("", "", before, 0).median, "the row above, within 20 %"));
  return {};
}

}  // namespace gust::bench
