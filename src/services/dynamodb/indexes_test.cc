// SPDX-License-Identifier: Apache-2.0

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <set>
#include <thread>

#include "services/dynamodb/test_indexes.h"
#include "services/dynamodb/test_service.h"

namespace gust::dynamodb {
namespace {

class Indexes : public Dynamo {
 protected:
  static Value projection(std::string_view type, std::initializer_list<Value> non_key = {}) {
    Value p = map({{"ProjectionType", type}});
    if (non_key.size() > 0) p.set("NonKeyAttributes", list(non_key));
    return p;
  }
  static Value index(std::string_view name, std::string_view hash, std::string_view range, Value projected) {
    Value schema = list({element(hash, "HASH")});
    if (!range.empty()) schema.push(element(range, "RANGE"));
    return map({{"IndexName", name}, {"KeySchema", schema}, {"Projection", std::move(projected)}});
  }
  static Value indexed(std::string_view name = "things") {
    Value t = table(name);
    t.set("AttributeDefinitions",
          list({attribute("pk", "S"), attribute("sk", "N"), attribute("a", "S"), attribute("b", "N"), attribute("c", "B")}));
    t.set("LocalSecondaryIndexes",
          list({index("local", "pk", "b", projection("KEYS_ONLY")), index("local-all", "pk", "a", projection("ALL"))}));
    t.set("GlobalSecondaryIndexes",
          list({index("by-a", "a", "b", projection("INCLUDE", {"x"})), index("by-b", "b", "", projection("ALL")),
                index("by-c", "c", "sk", projection("KEYS_ONLY"))}));
    return t;
  }
  void SetUp() override {
    Dynamo::SetUp();
    ok("CreateTable", indexed());
  }

  Value by(std::string_view name, std::string_view condition, std::initializer_list<Value::Member> values) {
    return map({{"TableName", "things"},
                {"IndexName", name},
                {"KeyConditionExpression", condition},
                {"ExpressionAttributeValues", map(values)}});
  }
  Value thing(std::string_view sk, std::initializer_list<Value::Member> more = {}) {
    Value v = map({{"pk", s("p")}, {"sk", n(sk)}});
    for (const auto& [name, value] : more) v.set(name, value);
    return v;
  }
  std::string put_says(Value document) { return error("PutItem", map({{"TableName", "things"}, {"Item", std::move(document)}})); }
  Table record(std::string_view name = "things") {
    auto view = *store_->read();
    return **read_table(*view, "000000000000", "us-east-1", name);
  }
  Value until_active(std::string_view index) {
    for (;;) {
      const Value t = ok("DescribeTable", map({{"TableName", "things"}}))["Table"];
      bool active = true;
      for (const Value& i : t["GlobalSecondaryIndexes"].as_list()) {
        active = active && (i["IndexName"].as_string() != index || i["IndexStatus"].as_string() == "ACTIVE");
      }
      if (active) return t;
      std::this_thread::yield();
    }
  }

  void expect_agreement(const Table& t) { EXPECT_EQ(disagreement(**store_->read(), t), ""); }
};
INSTANTIATE_TEST_SUITE_P(Engines, Indexes, kEngines, engine_name);

TEST_P(Indexes, each_projection_shows_what_it_holds) {
  put("things", thing("1", {{"a", s("A")}, {"b", n("5")}, {"c", b("\x01")}, {"x", s("X")}, {"y", s("Y")}}));
  const Value whole = get("things", thing("1"));
  EXPECT_EQ(ok("Query", by("by-b", "b = :v", {{":v", n("5.0")}}))["Items"], list({whole}));
  EXPECT_EQ(ok("Query", by("local-all", "pk = :p AND a = :a", {{":p", s("p")}, {":a", s("A")}}))["Items"], list({whole}));
  EXPECT_EQ(ok("Query", by("by-a", "a = :v", {{":v", s("A")}}))["Items"],
            list({map({{"a", s("A")}, {"b", n("5")}, {"pk", s("p")}, {"sk", n("1")}, {"x", s("X")}})}));
  EXPECT_EQ(ok("Query", by("by-c", "c = :v AND sk > :z", {{":v", b("\x01")}, {":z", n("0")}}))["Items"],
            list({map({{"c", b("\x01")}, {"pk", s("p")}, {"sk", n("1")}})}));
  EXPECT_EQ(ok("Query", by("local", "pk = :p", {{":p", s("p")}}))["Items"],
            list({map({{"b", n("5")}, {"pk", s("p")}, {"sk", n("1")}})}));
  EXPECT_EQ(ok("Scan", map({{"TableName", "things"}, {"IndexName", "by-b"}}))["Items"], list({whole}));
}

TEST_P(Indexes, follow_every_kind_of_write) {
  const auto count = [&](const char* name) {
    return ok("Scan", map({{"TableName", "things"}, {"IndexName", name}}))["Count"].as_int();
  };
  put("things", thing("1", {{"a", s("A")}}));
  EXPECT_EQ(count("by-a"), 0);  // sparse: no b
  EXPECT_EQ(count("local-all"), 1);
  const auto update = [&](std::string_view expression, std::initializer_list<Value::Member> values) {
    Value input = map({{"TableName", "things"}, {"Key", thing("1")}, {"UpdateExpression", expression}});
    if (values.size() > 0) input.set("ExpressionAttributeValues", map(values));
    ok("UpdateItem", input);
    expect_agreement(record());
  };
  update("SET b = :b", {{":b", n("1")}});
  EXPECT_EQ(count("by-a"), 1);
  update("SET a = :a, x = :x", {{":a", s("B")}, {":x", n("1")}});
  EXPECT_EQ(ok("Query", by("by-a", "a = :v", {{":v", s("A")}}))["Count"].as_int(), 0);
  EXPECT_EQ(ok("Query", by("by-a", "a = :v", {{":v", s("B")}}))["Items"].as_list().at(0)["x"], n("1"));
  update("SET x = :x, y = :x", {{":x", n("2")}});
  EXPECT_EQ(ok("Query", by("by-a", "a = :v", {{":v", s("B")}}))["Items"].as_list().at(0)["x"], n("2"));
  update("REMOVE b", {});
  EXPECT_EQ(count("by-a"), 0);
  put("things", thing("1", {{"a", s("A")}, {"b", n("1")}}));
  EXPECT_EQ(count("by-b"), 1);
  ok("DeleteItem", map({{"TableName", "things"}, {"Key", thing("1")}}));
  for (const char* name : {"local", "local-all", "by-a", "by-b", "by-c"}) EXPECT_EQ(count(name), 0) << name;
  const auto request = [](Value document) { return map({{"PutRequest", map({{"Item", std::move(document)}})}}); };
  ok("BatchWriteItem",
     map({{"RequestItems",
           map({{"things", list({request(thing("1", {{"b", n("1")}})), request(thing("2", {{"b", n("2")}}))})}})}}));
  EXPECT_EQ(count("by-b"), 2);
  ok("BatchWriteItem", map({{"RequestItems", map({{"things", list({request(thing("1", {{"b", n("7")}})),
                                                                   map({{"DeleteRequest", map({{"Key", thing("2")}})}})})}})}}));
  EXPECT_EQ(ok("Query", by("by-b", "b = :v", {{":v", n("7")}}))["Count"].as_int(), 1);
  EXPECT_EQ(count("by-b"), 1);
  expect_agreement(record());
}

TEST_P(Indexes, agree_with_the_table_after_any_writes) {
  std::mt19937 random(11);
  const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  for (int i = 0; i < 300; ++i) {
    Value document = map({{"pk", s("p" + std::to_string(pick(3)))}, {"sk", n(std::to_string(pick(5)))}});
    const Value key = document;
    if (pick(3) > 0) document.set("a", s("a" + std::to_string(pick(3))));
    if (pick(3) > 0) document.set("b", n(std::to_string(pick(4) - 2)));
    if (pick(3) > 0) document.set("c", b(std::string(static_cast<size_t>(1 + pick(2)), '\0')));
    if (pick(2) > 0) document.set("x", s(std::to_string(pick(3))));
    switch (pick(4)) {
      case 0:
        ok("DeleteItem", map({{"TableName", "things"}, {"Key", key}}));
        break;
      case 1:
        ok("UpdateItem", map({{"TableName", "things"},
                              {"Key", key},
                              {"UpdateExpression", pick(2) ? "SET a = :v, x = :v" : "SET x = :v REMOVE b"},
                              {"ExpressionAttributeValues", map({{":v", s(std::to_string(pick(3)))}})}}));
        break;
      default:
        put("things", document);
    }
  }
  expect_agreement(record());
}

TEST_P(Indexes, order_numbers_texts_and_bytes) {
  for (const char* number : {"10", "9", "-1", "0", "1.5", "-20"}) put("things", thing(number, {{"a", s("A")}, {"b", n(number)}}));
  EXPECT_EQ(keys(ok("Query", by("by-a", "a = :v", {{":v", s("A")}}))), "-20 -1 0 1.5 9 10");
  EXPECT_EQ(keys(ok("Query", by("by-a", "a = :v AND b BETWEEN :l AND :h", {{":v", s("A")}, {":l", n("-1")}, {":h", n("9")}}))),
            "-1 0 1.5 9");
  EXPECT_EQ(
      keys(ok("Query", with(by("local", "pk = :p AND b < :h", {{":p", s("p")}, {":h", n("9")}}), "ScanIndexForward", false))),
      "1.5 0 -1 -20");
  for (const char* text : {"A", "AA", "AB", "B"}) put("things", map({{"pk", s("q")}, {"sk", n("1")}, {"a", s(text)}}));
  put("things", map({{"pk", s("q")}, {"sk", n("2")}, {"a", s("AB")}}));
  put("things", map({{"pk", s("q")}, {"sk", n("3")}, {"a", s("A")}}));
  EXPECT_EQ(keys(ok("Query", by("local-all", "pk = :p AND begins_with(a, :a)", {{":p", s("q")}, {":a", s("A")}}))), "3 2");
  EXPECT_EQ(keys(ok("Query", by("local-all", "pk = :p AND a > :a", {{":p", s("q")}, {":a", s("AB")}}))), "1");
  EXPECT_EQ(keys(ok("Query", by("local-all", "pk = :p AND a = :a", {{":p", s("q")}, {":a", s("A")}}))), "3");
  EXPECT_EQ(keys(ok("Query", by("local-all", "pk = :p AND a <= :a", {{":p", s("q")}, {":a", s("A")}}))), "3");
}

TEST_P(Indexes, keys_of_indexes_need_not_be_unique_and_pages_lose_none) {
  std::set<std::string> wanted;
  for (int i = 0; i < 30; ++i) {
    put("things", map({{"pk", s("p" + std::to_string(i % 7))}, {"sk", n(std::to_string(i))}, {"a", s("A")}, {"b", n("1")}}));
    wanted.insert(std::to_string(i));
  }
  for (bool forward : {true, false}) {
    Value q =
        with(with(by("by-a", "a = :v AND b = :b", {{":v", s("A")}, {":b", n("1")}}), "Limit", 4), "ScanIndexForward", forward);
    std::multiset<std::string> seen;
    for (;;) {
      const Value answer = ok("Query", q);
      for (const Value& v : answer["Items"].as_list()) seen.emplace(v["sk"]["N"].as_string());
      if (!answer.has("LastEvaluatedKey")) break;
      EXPECT_EQ(answer["LastEvaluatedKey"].size(), 4u);
      q.set("ExclusiveStartKey", answer["LastEvaluatedKey"]);
    }
    EXPECT_EQ(seen.size(), 30u);
    EXPECT_TRUE(std::set(seen.begin(), seen.end()) == wanted);
  }
  std::multiset<std::string> scanned;
  for (int segment = 0; segment < 3; ++segment) {
    Value scan = map({{"TableName", "things"}, {"IndexName", "local"}, {"TotalSegments", 3}, {"Segment", segment}, {"Limit", 3}});
    for (;;) {
      const Value answer = ok("Scan", scan);
      for (const Value& v : answer["Items"].as_list()) scanned.emplace(v["sk"]["N"].as_string());
      if (!answer.has("LastEvaluatedKey")) break;
      scan.set("ExclusiveStartKey", answer["LastEvaluatedKey"]);
    }
  }
  EXPECT_EQ(scanned.size(), 30u);
  EXPECT_TRUE(std::set(scanned.begin(), scanned.end()) == wanted);
}

TEST_P(Indexes, start_keys_are_checked) {
  put("things", thing("1", {{"a", s("A")}, {"b", n("5")}}));
  const auto start = [&](Value key) {
    return error("Query",
                 with(by("by-a", "a = :v AND b > :b", {{":v", s("A")}, {":b", n("3")}}), "ExclusiveStartKey", std::move(key)));
  };
  const std::string v = "ValidationException: ";
  EXPECT_EQ(start(thing("1", {{"a", s("A")}, {"b", n("5")}})), "none");  // control
  EXPECT_EQ(start(map({{"a", s("A")}, {"b", n("5")}})), v + "The provided starting key is invalid");
  EXPECT_EQ(start(thing("1")), v + "The provided starting key is invalid");
  EXPECT_EQ(start(thing("1", {{"a", s("A")}, {"b", n("5")}, {"x", n("5")}})), v + "The provided starting key is invalid");
  EXPECT_EQ(start(thing("1", {{"a", s("A")}, {"b", s("5")}})), v + "The provided key element does not match the schema");
  EXPECT_EQ(start(thing("1", {{"a", s("A")}, {"b", n("2")}})),
            v + "The provided starting key does not match the range key predicate");
  EXPECT_EQ(start(thing("1", {{"a", s("B")}, {"b", n("5")}})),
            v + "The provided starting key is outside query boundaries based on provided conditions");
  EXPECT_EQ(start(map({{"pk", n("1")}, {"sk", n("1")}, {"a", s("A")}, {"b", n("5")}})),
            v + "The provided starting key is invalid: The provided key element does not match the schema");
}

TEST_P(Indexes, local_ones_fetch_what_they_lack_and_global_ones_refuse) {
  put("things", thing("1", {{"a", s("A")}, {"b", n("5")}, {"x", s("X")}, {"y", s("Y")}}));
  const Value local = by("local", "pk = :p", {{":p", s("p")}}), global = by("by-a", "a = :v", {{":v", s("A")}});
  const std::string v = "ValidationException: One or more parameter values were invalid: ";
  EXPECT_EQ(ok("Query", with(local, "Select", "ALL_ATTRIBUTES"))["Items"], list({get("things", thing("1"))}));
  EXPECT_EQ(ok("Query", with(local, "ProjectionExpression", "y, b"))["Items"], list({map({{"b", n("5")}, {"y", s("Y")}})}));
  EXPECT_EQ(ok("Query", with(local, "Select", "ALL_PROJECTED_ATTRIBUTES"))["Items"], ok("Query", local)["Items"]);
  EXPECT_EQ(ok("Query", with(local, "ConsistentRead", true))["Count"].as_int(), 1);
  EXPECT_EQ(
      error("Query", with(global, "Select", "ALL_ATTRIBUTES")),
      v + "Select type ALL_ATTRIBUTES is not supported for global secondary index by-a because its projection type is not ALL");
  EXPECT_EQ(error("Query", with(by("by-b", "b = :v", {{":v", n("5")}}), "Select", "ALL_ATTRIBUTES")), "none");
  EXPECT_EQ(error("Query", with(global, "ProjectionExpression", "y, x, z")),
            v + "Global secondary index by-a does not project [y, z]");
  EXPECT_EQ(error("Query", with(global, "ProjectionExpression", "x, sk")), "none");
  EXPECT_EQ(error("Query", with(global, "FilterExpression", "attribute_exists(y)")),
            v + "Global secondary index by-a does not project [y]");
  EXPECT_EQ(error("Query", with(global, "FilterExpression", "attribute_exists(x)")), "none");
  EXPECT_EQ(error("Query", with(global, "FilterExpression", "attribute_exists(b)")),
            "ValidationException: Filter Expression can only contain non-primary key attributes: Primary key attribute: b");
  EXPECT_EQ(error("Query", with(global, "ConsistentRead", true)),
            "ValidationException: Consistent reads are not supported on global secondary indexes");
  EXPECT_EQ(error("Query", with(global, "IndexName", "nothere")),
            "ValidationException: The table does not have the specified index: nothere");
  EXPECT_EQ(error("Query", with(query("things", "", {}), "Select", "ALL_PROJECTED_ATTRIBUTES")),
            v + "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName");
}

TEST_P(Indexes, items_that_no_index_could_hold_are_refused) {
  const std::string start = "ValidationException: One or more parameter values ";
  EXPECT_EQ(put_says(thing("1", {{"a", n("1")}})),
            start + "were invalid: Type mismatch for Index Key a Expected: S Actual: N IndexName: local-all");
  EXPECT_EQ(put_says(thing("1", {{"b", null()}})),
            start + "were invalid: Type mismatch for Index Key b Expected: N Actual: NULL IndexName: local");
  EXPECT_EQ(put_says(thing("1", {{"c", b("")}})),
            start +
                "are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key "
                "attribute cannot contain an empty binary value. IndexName: by-c, IndexKey: c");
  EXPECT_EQ(put_says(thing("1", {{"c", b(std::string(2049, 'x'))}})),
            start + "were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes");
  EXPECT_EQ(put_says(thing("1", {{"c", b(std::string(2048, 'x'))}})), "none");
  EXPECT_EQ(put_says(thing("1", {{"a", s(std::string(1025, 'x'))}})),
            start + "were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 bytes");
  EXPECT_EQ(put_says(thing("1", {{"a", s(std::string(1024, 'x'))}})), "none");
  const auto update_says = [&](Value value) {
    return error("UpdateItem", map({{"TableName", "things"},
                                    {"Key", thing("1")},
                                    {"UpdateExpression", "SET a = :v"},
                                    {"ExpressionAttributeValues", map({{":v", std::move(value)}})}}));
  };
  EXPECT_EQ(update_says(n("1")),
            start + "were invalid: Type mismatch for Index Key a Expected: S Actual: N IndexName: local-all");
  EXPECT_EQ(update_says(s("")),
            start +
                "are not valid. The update expression attempted to update a secondary index key to a value that is not "
                "supported. The AttributeValue for a key attribute cannot contain an empty string value.");
  EXPECT_EQ(update_says(s("x")), "none");
  EXPECT_EQ(error("UpdateItem", map({{"TableName", "things"}, {"Key", thing("1")}, {"UpdateExpression", "REMOVE a.b"}})),
            "ValidationException: Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: "
            "IndexKey: a");
  EXPECT_EQ(error("BatchWriteItem",
                  map({{"RequestItems",
                        map({{"things", list({map({{"PutRequest", map({{"Item", thing("2")}})}}),
                                              map({{"PutRequest", map({{"Item", thing("3", {{"a", n("1")}})}})}})})}})}})),
            start + "were invalid: Type mismatch for Index Key a Expected: S Actual: N IndexName: local-all");
  EXPECT_TRUE(get("things", thing("2")).is_null());
  expect_agreement(record());
}

TEST_P(Indexes, capacity_is_told_by_index) {
  const auto used = [&](Value document) {
    return ok(
        "PutItem",
        map({{"TableName", "things"}, {"Item", std::move(document)}, {"ReturnConsumedCapacity", "INDEXES"}}))["ConsumedCapacity"];
  };
  const auto one = map({{"CapacityUnits", 1.0}}), two = map({{"CapacityUnits", 2.0}});
  Value first = used(thing("1", {{"a", s("A")}, {"b", n("5")}, {"x", s("X")}}));
  EXPECT_EQ(first["CapacityUnits"].as_double(), 5);
  EXPECT_EQ(first["LocalSecondaryIndexes"], map({{"local", one}, {"local-all", one}}));
  EXPECT_EQ(first["GlobalSecondaryIndexes"], map({{"by-a", one}, {"by-b", one}}));
  Value again = used(thing("1", {{"a", s("A")}, {"b", n("5")}, {"x", s("X")}}));
  EXPECT_EQ(again, map({{"TableName", "things"}, {"CapacityUnits", 1.0}, {"Table", one}}));
  Value moved = used(thing("1", {{"a", s("B")}, {"b", n("5")}, {"x", s("X")}}));
  EXPECT_EQ(moved["LocalSecondaryIndexes"], map({{"local-all", two}}));
  EXPECT_EQ(moved["GlobalSecondaryIndexes"], map({{"by-a", two}, {"by-b", one}}));
  const Value local = with(by("local", "pk = :p", {{":p", s("p")}}), "ReturnConsumedCapacity", "INDEXES");
  const Value half = map({{"CapacityUnits", 0.5}}), none = map({{"CapacityUnits", 0.0}});
  EXPECT_EQ(
      ok("Query", local)["ConsumedCapacity"],
      map({{"TableName", "things"}, {"CapacityUnits", 0.5}, {"Table", none}, {"LocalSecondaryIndexes", map({{"local", half}})}}));
  EXPECT_EQ(
      ok("Query", with(local, "Select", "ALL_ATTRIBUTES"))["ConsumedCapacity"],
      map({{"TableName", "things"}, {"CapacityUnits", 1.0}, {"Table", half}, {"LocalSecondaryIndexes", map({{"local", half}})}}));
}

TEST_P(Indexes, item_collections_are_measured_where_there_are_local_ones) {
  const auto metrics = [&](std::string_view table) {
    return ok(
        "PutItem",
        map({{"TableName", table}, {"Item", thing("1")}, {"ReturnItemCollectionMetrics", "SIZE"}}))["ItemCollectionMetrics"];
  };
  EXPECT_EQ(metrics("things"), map({{"ItemCollectionKey", map({{"pk", s("p")}})}, {"SizeEstimateRangeGB", list({0.0, 1.0})}}));
  make("plain");
  EXPECT_TRUE(metrics("plain").is_null());
  const Value batch =
      ok("BatchWriteItem", map({{"RequestItems", map({{"things", list({map({{"PutRequest", map({{"Item", thing("1")}})}}),
                                                                       map({{"PutRequest", map({{"Item", thing("2")}})}})})}})},
                                {"ReturnItemCollectionMetrics", "SIZE"}}));
  EXPECT_EQ(batch["ItemCollectionMetrics"]["things"].size(), 1u);
}

// Counts what is read, through the store's interface.
class CountingStore : public store::Store {
 public:
  explicit CountingStore(store::Store& inner) : inner_(inner) {}
  void commit(store::Mutation mutation, store::Done done) override { inner_.commit(std::move(mutation), std::move(done)); }
  Result<std::unique_ptr<store::View>> read() override {
    return std::unique_ptr<store::View>(std::make_unique<View>(TRY(inner_.read()), *this));
  }
  size_t rows = 0, calls = 0;

 private:
  class View : public store::View {
   public:
    View(std::unique_ptr<store::View> inner, CountingStore& count) : inner_(std::move(inner)), count_(count) {}
    Result<std::optional<std::string>> get(store::Space space, std::string_view key) override {
      ++count_.calls, ++count_.rows;
      return inner_->get(space, key);
    }
    Result<std::vector<store::Row>> scan(store::Space space, std::string_view from, std::string_view to, size_t limit,
                                         store::Order order, size_t max_bytes) override {
      auto found = inner_->scan(space, from, to, limit, order, max_bytes);
      ++count_.calls;
      if (found) count_.rows += found->size();
      return found;
    }
    std::unique_ptr<store::View> inner_;
    CountingStore& count_;
  };
  store::Store& inner_;
};

// A Query reads as many rows of a large table as of a small one: of the table, of a local and of a global index. GUST_LONG=1:
// of a million items.
TEST(IndexCost, does_not_grow_with_the_table) {
  auto memory = store::make_memory_store();
  CountingStore counting(*memory);
  FakeClock clock;
  DynamoDbService service(counting, clock);
  const auto call = [&](std::string_view operation, Value input) {
    auto sink = std::make_shared<Sink>();
    auto future = sink->promise.get_future();
    model::Call c;
    c.operation = operation;
    c.input = std::move(input);
    service.call(std::move(c), model::Responder(sink));
    Outcome o = future.get();
    EXPECT_TRUE(o.reply) << o.message();
    return o.reply ? o.output() : Value();
  };
  const auto attribute = [](const char* name, const char* type) {
    return map({{"AttributeName", name}, {"AttributeType", type}});
  };
  const auto element = [](const char* name, const char* type) { return map({{"AttributeName", name}, {"KeyType", type}}); };
  const auto index = [&](const char* name, const char* hash, const char* range) {
    return map({{"IndexName", name},
                {"KeySchema", list({element(hash, "HASH"), element(range, "RANGE")})},
                {"Projection", map({{"ProjectionType", "ALL"}})}});
  };
  call("CreateTable", map({{"TableName", "things"},
                           {"BillingMode", "PAY_PER_REQUEST"},
                           {"AttributeDefinitions", list({attribute("pk", "S"), attribute("sk", "N"), attribute("b", "N")})},
                           {"KeySchema", list({element("pk", "HASH"), element("sk", "RANGE")})},
                           {"LocalSecondaryIndexes", list({index("local", "pk", "b")})},
                           {"GlobalSecondaryIndexes", list({index("global", "b", "sk")})}}));
  // Ten items in each partition of each.
  int made = 0;
  const auto grow = [&](int to) {
    while (made < to) {
      Value requests = Value::list();
      for (int i = 0; i < 25; ++i, ++made) {
        const int group = made / 10;
        requests.push(map({{"PutRequest", map({{"Item", map({{"pk", s("p" + std::to_string(group))},
                                                             {"sk", n(std::to_string(made))},
                                                             {"b", n(std::to_string(group))}})}})}}));
      }
      call("BatchWriteItem", map({{"RequestItems", map({{"things", requests}})}}));
    }
  };
  const auto cost = [&](const char* name, const char* condition, Value value) {
    Value q = map({{"TableName", "things"},
                   {"KeyConditionExpression", condition},
                   {"ExpressionAttributeValues", map({{":v", std::move(value)}})}});
    if (name != nullptr) q.set("IndexName", name);
    counting.rows = counting.calls = 0;
    EXPECT_EQ(call("Query", q)["Count"].as_int(), 10);
    return std::pair(counting.rows, counting.calls);
  };
  const auto costs = [&] {
    return std::vector{cost(nullptr, "pk = :v", s("p7")), cost("local", "pk = :v", s("p7")), cost("global", "b = :v", n("7"))};
  };
  grow(1000);
  const auto small = costs();
  EXPECT_EQ(small[0], std::pair(size_t{11}, size_t{2}));  // ten items and the table's record
  const char* setting = std::getenv("GUST_LONG");
  grow(setting && std::string_view(setting) == "1" ? 1'000'000 : 40'000);
  EXPECT_EQ(costs(), small);
}

TEST_P(Indexes, a_global_index_is_made_filled_and_deleted_while_writes_go_on) {
  for (int i = 0; i < 200; ++i) put("things", thing(std::to_string(i), {{"g", s("G" + std::to_string(i % 2))}, {"x", s("X")}}));
  put("things", thing("-1", {{"g", n("1")}}));  // cannot be in it, and stays out
  Value update = map({{"TableName", "things"},
                      {"AttributeDefinitions", list({attribute("g", "S"), attribute("sk", "N")})},
                      {"GlobalSecondaryIndexUpdates", list({map({{"Create", index("by-g", "g", "sk", projection("ALL"))}})})}});
  std::thread writer([&] {
    for (int i = 100; i < 300; ++i) put("things", thing(std::to_string(i), {{"g", s(i % 3 ? "G0" : "G1")}}));
  });
  const Value made = ok("UpdateTable", update)["TableDescription"];
  EXPECT_EQ(made["TableStatus"].as_string(), "UPDATING");
  EXPECT_EQ(made["GlobalSecondaryIndexes"].as_list().back()["IndexStatus"].as_string(), "CREATING");
  const Value t = until_active("by-g");
  writer.join();
  EXPECT_EQ(t["TableStatus"].as_string(), "ACTIVE");
  expect_agreement(record());
  EXPECT_EQ(ok("Scan", map({{"TableName", "things"}, {"IndexName", "by-g"}}))["Count"].as_int(), 300);
  EXPECT_EQ(rows(store::Space::Garbage), 0u);
  update =
      map({{"TableName", "things"}, {"GlobalSecondaryIndexUpdates", list({map({{"Delete", map({{"IndexName", "by-g"}})}})})}});
  const size_t before = rows(store::Space::Item);
  const Value deleted = ok("UpdateTable", update)["TableDescription"];
  EXPECT_EQ(deleted["GlobalSecondaryIndexes"].as_list().back()["IndexStatus"].as_string(), "DELETING");
  EXPECT_EQ(error("Query", by("by-g", "g = :v", {{":v", s("G0")}})),
            "ValidationException: The table does not have the specified index: by-g");
  while (rows(store::Space::Garbage) > 0) std::this_thread::yield();
  EXPECT_EQ(rows(store::Space::Item), before - 300);
  const Value after = ok("DescribeTable", map({{"TableName", "things"}}))["Table"];
  for (const Value& a : after["AttributeDefinitions"].as_list()) {
    EXPECT_NE(a["AttributeName"].as_string(), "g");
  }
  EXPECT_EQ(error("UpdateTable", update), "ResourceNotFoundException: Requested resource not found");
}

// As a crash leaves it: the index is in the record, half of the rows are there, nobody works on it.
TEST_P(Indexes, an_interrupted_filling_goes_on_after_the_next_start) {
  for (int i = 0; i < 150; ++i) put("things", thing(std::to_string(i), {{"g", s("G")}}));
  service_.reset();
  Table t = record();
  Index made{.name = "by-g", .state = Index::State::Backfilling};
  made.keys.account = t.account, made.keys.region = t.region, made.keys.storage = 77, made.keys.hash = {"g", Type::S};
  t.indexes.push_back(made);
  ASSERT_TRUE(store_->commit_and_wait([&](store::Transaction& transaction) -> Result<> {
    TRY(transaction.put(store::Space::Meta, table_key(t.account, t.region, t.name), encode(t)));
    return IndexBuild::mark(transaction, t, made);
  }));
  clock_.advance_us(1);
  service_ = std::make_unique<DynamoDbService>(*rerunning_, clock_);
  EXPECT_EQ(error("Query", by("by-g", "g = :v", {{":v", s("G")}})),
            "ValidationException: Cannot read from backfilling global secondary index: by-g");
  const Value described = ok("DescribeTable", map({{"TableName", "things"}}))["Table"]["GlobalSecondaryIndexes"].as_list().back();
  EXPECT_EQ(described["IndexStatus"].as_string(), "CREATING");
  EXPECT_TRUE(described["Backfilling"].as_bool());
  begin();
  until_active("by-g");
  EXPECT_EQ(ok("Query", by("by-g", "g = :v", {{":v", s("G")}}))["Count"].as_int(), 150);
  expect_agreement(record());
  EXPECT_EQ(rows(store::Space::Garbage), 0u);
}

// Fails every write while `full` is set.
class FullStore : public store::Store {
 public:
  explicit FullStore(store::Store& inner) : inner_(inner) {}
  void commit(store::Mutation mutation, store::Done done) override {
    if (full) return done(fail(Errc::Unavailable, "too many writes are waiting; try again"));
    inner_.commit(std::move(mutation), std::move(done));
  }
  Result<std::unique_ptr<store::View>> read() override { return inner_.read(); }
  std::atomic<bool> full = false;

 private:
  store::Store& inner_;
};

TEST_P(Indexes, a_filling_that_an_error_stopped_is_tried_again) {
  for (int i = 0; i < 150; ++i) put("things", thing(std::to_string(i), {{"g", s("G")}}));
  Table t = record();
  Index made{.name = "by-g", .state = Index::State::Creating};
  made.keys.account = t.account, made.keys.region = t.region, made.keys.storage = 77, made.keys.hash = {"g", Type::S};
  t.indexes.push_back(made);
  ASSERT_TRUE(store_->commit_and_wait([&](store::Transaction& transaction) -> Result<> {
    TRY(transaction.put(store::Space::Meta, table_key(t.account, t.region, t.name), encode(t)));
    return IndexBuild::mark(transaction, t, made);
  }));
  FullStore full(*store_);
  service_ = std::make_unique<DynamoDbService>(full, clock_);
  full.full = true;
  ASSERT_TRUE(service_->load());
  const auto index = [&] {
    return ok("DescribeTable", map({{"TableName", "things"}}))["Table"]["GlobalSecondaryIndexes"].as_list().back();
  };
  for (int i = 0; i < 3; ++i) EXPECT_EQ(index()["IndexStatus"].as_string(), "CREATING");
  full.full = false;
  until_active("by-g");
  expect_agreement(record());
  service_.reset();
}

TEST_P(Indexes, a_deleted_table_takes_its_indexes_with_it) {
  for (int i = 0; i < 20; ++i) put("things", thing(std::to_string(i), {{"a", s("A")}, {"b", n("5")}}));
  EXPECT_EQ(rows(store::Space::Item), 100u);
  ok("DeleteTable", map({{"TableName", "things"}}));
  while (rows(store::Space::Garbage) > 0) std::this_thread::yield();
  EXPECT_EQ(rows(store::Space::Item), 0u);
}

TEST_P(Indexes, are_described) {
  put("things", thing("1", {{"a", s("A")}, {"b", n("5")}}));
  const Value t = ok("DescribeTable", map({{"TableName", "things"}}))["Table"];
  const Value& local = t["LocalSecondaryIndexes"].as_list().at(0);
  EXPECT_EQ(local, map({{"IndexName", "local"},
                        {"KeySchema", list({element("pk", "HASH"), element("b", "RANGE")})},
                        {"Projection", projection("KEYS_ONLY")},
                        {"IndexSizeBytes", 10},
                        {"ItemCount", 1},
                        {"IndexArn", "arn:aws:dynamodb:us-east-1:000000000000:table/things/index/local"}}));
  const Value& global = t["GlobalSecondaryIndexes"].as_list().at(0);
  EXPECT_EQ(global["IndexStatus"].as_string(), "ACTIVE");
  EXPECT_EQ(global["Projection"], projection("INCLUDE", {"x"}));
  EXPECT_EQ(global["ProvisionedThroughput"]["ReadCapacityUnits"].as_int(1), 0);
  EXPECT_FALSE(global.has("Backfilling"));
  EXPECT_EQ(t["AttributeDefinitions"].size(), 5u);
}

TEST_P(Indexes, definitions_of_indexes_are_checked) {
  const auto says = [&](std::string_view member, Value value) {
    return error("CreateTable", with(indexed("other"), member, std::move(value)));
  };
  const auto one = [&](Value i) {
    return says("GlobalSecondaryIndexes", list({std::move(i), index("by-c", "c", "", projection("ALL"))}));
  };
  const std::string v = "ValidationException: One or more parameter values were invalid: ";
  EXPECT_EQ(one(index("x-x", "a", "b", projection("ALL"))), "none");  // control
  ok("DeleteTable", map({{"TableName", "other"}}));
  EXPECT_EQ(one(index("x-x", "z", "", projection("ALL"))),
            v + "Some index key attributes are not defined in AttributeDefinitions. Keys: [z], AttributeDefinitions: [pk, sk, a, "
                "b, c]");
  EXPECT_EQ(one(index("x-x", "a", "a", projection("ALL"))),
            "ValidationException: Both the Hash Key and the Range Key element in the KeySchema have the same name");
  EXPECT_EQ(one(index("by-c", "a", "", projection("ALL"))), v + "Duplicate index name: by-c");
  EXPECT_EQ(one(index("local", "a", "", projection("ALL"))), v + "Duplicate index name: local");
  EXPECT_EQ(one(index("x-x", "a", "", Value::map())), v + "Unknown ProjectionType: null");
  EXPECT_EQ(one(index("x-x", "a", "", projection("ALL", {"x"}))), v + "ProjectionType is ALL, but NonKeyAttributes is specified");
  EXPECT_EQ(one(index("x-x", "a", "", projection("INCLUDE"))),
            v + "ProjectionType is INCLUDE, but NonKeyAttributes is not specified");
  EXPECT_EQ(one(with(index("x-x", "a", "", projection("ALL")), "ProvisionedThroughput",
                     map({{"ReadCapacityUnits", 1}, {"WriteCapacityUnits", 1}}))),
            v + "ProvisionedThroughput should not be specified for index: x-x when BillingMode is PAY_PER_REQUEST");
  EXPECT_EQ(says("GlobalSecondaryIndexes", Value::list()), v + "List of GlobalSecondaryIndexes is empty");
  EXPECT_EQ(says("GlobalSecondaryIndexes", list({index("by-a", "a", "", projection("ALL"))})),
            v + "Some AttributeDefinitions are not used. AttributeDefinitions: [pk, sk, a, b, c], keys used: [pk, sk, b, a]");
  EXPECT_EQ(says("LocalSecondaryIndexes", list({index("x-x", "a", "b", projection("ALL"))})),
            v + "Index KeySchema does not have the same leading hash key as table KeySchema for index: x-x. index hash key: a, "
                "table hash key: pk");
  EXPECT_EQ(says("LocalSecondaryIndexes", list({index("x-x", "pk", "", projection("ALL"))})),
            v + "Index KeySchema does not have a range key for index: x-x");
  EXPECT_EQ(says("KeySchema", list({element("pk", "HASH")})),
            v + "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex");
  Value many = Value::list();
  for (int i = 0; i < 6; ++i) many.push(index("x-" + std::to_string(i), "pk", "b", projection("ALL")));
  EXPECT_EQ(says("LocalSecondaryIndexes", many), v + "Number of LocalSecondaryIndexes exceeds per-table limit of 5");
  many = Value::list();
  for (int i = 0; i < 21; ++i) many.push(index("x-" + std::to_string(i), "c", "", projection("ALL")));
  EXPECT_EQ(says("GlobalSecondaryIndexes", many), v + "GlobalSecondaryIndex count exceeds the per-table limit of 20");
  Value several = index("x-x", "a", "b", projection("ALL"));
  several.set("KeySchema", list({element("a", "HASH"), element("b", "HASH")}));
  EXPECT_EQ(call("CreateTable", with(indexed("other"), "GlobalSecondaryIndexes", list({several}))).code(), "NotImplemented");
  EXPECT_EQ(error("CreateTable", indexed("other")), "none");  // control
}

}  // namespace
}  // namespace gust::dynamodb
