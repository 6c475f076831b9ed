# SPDX-License-Identifier: Apache-2.0
"""Secondary indexes of DynamoDB: every projection, every kind of write, Query and Scan, and indexes made later.

Reads of global indexes are tried again for a while: on AWS they follow the table a moment later."""
import concurrent.futures
import decimal
import time

import pytest
from boto3.dynamodb.conditions import Attr, Key

from lambda_tools import client, unique
from test_dynamodb import resource
from test_dynamodb_tables import active, definitions, error, index, schema, table

INVALID = "One or more parameter values were invalid: "


@pytest.fixture(scope="module")
def dynamodb():
    return client("dynamodb")


@pytest.fixture(scope="module")
def things(dynamodb):
    with table(dynamodb, AttributeDefinitions=definitions(pk="S", sk="N", a="S", b="N"),
               LocalSecondaryIndexes=[index("local", "pk", "b", "KEYS_ONLY"), index("local-all", "pk", "a")],
               GlobalSecondaryIndexes=[index("by-a", "a", "b", "INCLUDE", ["x"]), index("by-b", "b")]) as name:
        yield resource().Table(name)


@pytest.fixture
def pk():
    return unique("pk")


def eventually(expected, read):
    for _ in range(50):
        found = read()
        if found == expected:
            return
        time.sleep(0.1)
    assert found == expected


def test_every_projection(things, pk):
    item = {"pk": pk, "sk": 1, "a": pk, "b": decimal.Decimal("1.5"), "x": "X", "y": "Y"}
    things.put_item(Item=item)

    def query(name, condition, **more):
        return lambda: things.query(IndexName=name, KeyConditionExpression=condition, **more)["Items"]

    eventually([{k: item[k] for k in ("pk", "sk", "b")}], query("local", Key("pk").eq(pk)))
    eventually([item], query("local-all", Key("pk").eq(pk)))
    eventually([{k: item[k] for k in ("pk", "sk", "a", "b", "x")}], query("by-a", Key("a").eq(pk)))
    eventually([item], query("by-b", Key("b").eq(item["b"]), FilterExpression=Attr("a").eq(pk)))
    eventually([item], query("local", Key("pk").eq(pk), Select="ALL_ATTRIBUTES"))
    eventually([{"y": "Y"}], query("local", Key("pk").eq(pk), ProjectionExpression="y"))
    eventually([{"x": "X"}], query("by-a", Key("a").eq(pk), ProjectionExpression="x"))


def test_indexes_follow_their_table(things, pk):
    def held():
        return [int(i["sk"]) for i in things.query(IndexName="by-a", KeyConditionExpression=Key("a").eq(pk))["Items"]]

    for i in range(4):
        things.put_item(Item={"pk": pk, "sk": i, "a": pk, "b": -i})
    eventually([3, 2, 1, 0], held)
    things.update_item(Key={"pk": pk, "sk": 0}, UpdateExpression="SET b = :b", ExpressionAttributeValues={":b": -10})
    eventually([0, 3, 2, 1], held)
    things.update_item(Key={"pk": pk, "sk": 3}, UpdateExpression="REMOVE a")
    eventually([0, 2, 1], held)
    things.delete_item(Key={"pk": pk, "sk": 2})
    eventually([0, 1], held)
    with things.batch_writer() as batch:
        batch.delete_item(Key={"pk": pk, "sk": 0})
        batch.put_item(Item={"pk": pk, "sk": 5, "a": pk, "b": 100})
    eventually([1, 5], held)
    assert things.query(IndexName="local", KeyConditionExpression=Key("pk").eq(pk), ConsistentRead=True)["Count"] == 3


def test_pages_of_equal_index_keys_lose_none(dynamodb, things, pk):
    with things.batch_writer() as batch:
        for i in range(25):
            batch.put_item(Item={"pk": f"{pk}-{i % 4}", "sk": i, "a": pk, "b": 1})
    arguments = dict(TableName=things.name, IndexName="by-a", KeyConditionExpression="a = :a AND b = :b",
                     ExpressionAttributeValues={":a": {"S": pk}, ":b": {"N": "1"}})
    eventually(25, lambda: dynamodb.query(**arguments)["Count"])
    for forward in (True, False):
        pages = list(dynamodb.get_paginator("query").paginate(**arguments, ScanIndexForward=forward, PaginationConfig={"PageSize": 4}))
        assert sorted(int(i["sk"]["N"]) for p in pages for i in p["Items"]) == list(range(25))
        assert set(pages[0]["LastEvaluatedKey"]) == {"pk", "sk", "a", "b"}


def test_scans_of_indexes_are_parallel_and_sparse(dynamodb):
    with table(dynamodb, AttributeDefinitions=definitions(pk="S", sk="N", g="S"), GlobalSecondaryIndexes=[index("by-g", "g")]) as name:
        t = resource().Table(name)
        with t.batch_writer() as batch:
            for i in range(60):
                batch.put_item(Item={"pk": "p", "sk": i, **({"g": f"g{i}"} if i % 2 else {})})
        eventually(30, lambda: t.scan(IndexName="by-g")["Count"])
        seen = []
        for segment in range(3):
            for page in dynamodb.get_paginator("scan").paginate(TableName=name, IndexName="by-g", Segment=segment, TotalSegments=3,
                                                                PaginationConfig={"PageSize": 4}):
                seen += [int(i["sk"]["N"]) for i in page["Items"]]
        assert sorted(seen) == list(range(1, 60, 2))


def test_an_index_is_made_and_deleted_later(dynamodb):
    with table(dynamodb) as name:
        t = resource().Table(name)
        with t.batch_writer() as batch:
            for i in range(200):
                batch.put_item(Item={"pk": f"p{i % 10}", "sk": i, "g": f"g{i % 2}"})
        create = {"Create": index("by-g", "g", "sk")}
        updated = dynamodb.update_table(TableName=name, AttributeDefinitions=definitions(g="S", sk="N"), GlobalSecondaryIndexUpdates=[create])
        made, = updated["TableDescription"]["GlobalSecondaryIndexes"]
        assert (updated["TableDescription"]["TableStatus"], made["IndexStatus"]) == ("UPDATING", "CREATING")
        t.put_item(Item={"pk": "p", "sk": 1000, "g": "g1"})
        active(dynamodb, name)
        eventually(101, lambda: t.query(IndexName="by-g", KeyConditionExpression=Key("g").eq("g1"))["Count"])
        dynamodb.update_table(TableName=name, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-g"}}])
        eventually(None, lambda: dynamodb.describe_table(TableName=name)["Table"].get("GlobalSecondaryIndexes"))
        assert error(t.query, IndexName="by-g", KeyConditionExpression=Key("g").eq("g1")) == (
            "ValidationException", "The table does not have the specified index: by-g")


def test_only_one_index_at_a_time(dynamodb):
    with table(dynamodb) as name:
        creations = [{"Create": index(n, "sk")} for n in ("one", "two")]
        assert error(dynamodb.update_table, TableName=name, AttributeDefinitions=definitions(sk="N"), GlobalSecondaryIndexUpdates=creations) == (
            "LimitExceededException", "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table")


def test_items_that_an_index_cannot_hold(dynamodb, things, pk):
    def put(**attributes):
        code, message = error(dynamodb.put_item, TableName=things.name, Item={"pk": {"S": pk}, "sk": {"N": "1"}, **attributes})
        assert code == "ValidationException"
        return message

    assert put(b={"S": "1"}).startswith(INVALID + "Type mismatch for Index Key b Expected: N Actual: S IndexName: ")
    assert "A value specified for a secondary index key is not supported." in put(a={"S": ""})
    code, message = error(things.update_item, Key={"pk": pk, "sk": 1}, UpdateExpression="SET b = :v", ExpressionAttributeValues={":v": "x"})
    assert (code, message.startswith(INVALID + "Type mismatch for Index Key b Expected: N Actual: S IndexName: ")) == ("ValidationException", True)
    assert "Item" not in things.get_item(Key={"pk": pk, "sk": 1})


def test_errors_of_queries(dynamodb, things, pk):
    def query(name, condition="a = :v", value=None, **more):
        return error(dynamodb.query, TableName=things.name, IndexName=name, KeyConditionExpression=condition,
                     ExpressionAttributeValues={":v": value or {"S": pk}}, **more)

    assert query("nothere") == ("ValidationException", "The table does not have the specified index: nothere")
    assert query("by-a", ConsistentRead=True) == ("ValidationException", "Consistent reads are not supported on global secondary indexes")
    assert query("by-a", Select="ALL_ATTRIBUTES") == (
        "ValidationException",
        INVALID + "Select type ALL_ATTRIBUTES is not supported for global secondary index by-a because its projection type is not ALL")
    assert query("by-a", ProjectionExpression="x, y") == ("ValidationException", INVALID + "Global secondary index by-a does not project [y]")
    assert query("by-a", "pk = :v") == ("ValidationException", "Query condition missed key schema element: a")
    assert query("by-a", value={"N": "1"}) == ("ValidationException", INVALID + "Condition parameter type does not match schema type")
    key = {"pk": {"S": pk}, "sk": {"N": "1"}, "a": {"S": pk}, "b": {"N": "1"}}
    assert query("by-a", ExclusiveStartKey={k: key[k] for k in ("a", "b")}) == ("ValidationException", "The provided starting key is invalid")
    assert query("by-a", ExclusiveStartKey={**key, "a": {"S": "other"}}) == (
        "ValidationException", "The provided starting key is outside query boundaries based on provided conditions")
    assert dynamodb.query(TableName=things.name, IndexName="by-a", KeyConditionExpression="a = :v", ExpressionAttributeValues={":v": {"S": pk}},
                          ExclusiveStartKey=key)["Count"] == 0


def test_capacity_and_collections(dynamodb, things, pk):
    item = {"pk": {"S": pk}, "sk": {"N": "1"}, "a": {"S": pk}, "b": {"N": "1"}, "y": {"S": "x" * 1500}}
    put = dynamodb.put_item(TableName=things.name, Item=item, ReturnConsumedCapacity="INDEXES", ReturnItemCollectionMetrics="SIZE")
    used = put["ConsumedCapacity"]
    assert used["Table"]["CapacityUnits"] == 2
    assert used["LocalSecondaryIndexes"] == {"local": {"CapacityUnits": 1}, "local-all": {"CapacityUnits": 2}}
    assert used["GlobalSecondaryIndexes"] == {"by-a": {"CapacityUnits": 1}, "by-b": {"CapacityUnits": 2}}
    assert used["CapacityUnits"] == 8
    assert put["ItemCollectionMetrics"]["ItemCollectionKey"] == {"pk": {"S": pk}}
    lower, upper = put["ItemCollectionMetrics"]["SizeEstimateRangeGB"]
    assert lower == 0 and upper >= 1
    again = dynamodb.put_item(TableName=things.name, Item=item, ReturnConsumedCapacity="INDEXES")["ConsumedCapacity"]
    assert again == {"TableName": things.name, "CapacityUnits": 2.0, "Table": {"CapacityUnits": 2.0}}
    read = dynamodb.query(TableName=things.name, IndexName="local-all", KeyConditionExpression="pk = :p",
                          ExpressionAttributeValues={":p": {"S": pk}}, ReturnConsumedCapacity="INDEXES")["ConsumedCapacity"]
    assert read == {"TableName": things.name, "CapacityUnits": 0.5, "Table": {"CapacityUnits": 0.0},
                    "LocalSecondaryIndexes": {"local-all": {"CapacityUnits": 0.5}}}


def test_parallel_updates_leave_one_entry_each(things, pk):
    def move(i):
        things.meta.client.update_item(TableName=things.name, Key={"pk": pk, "sk": i % 5}, UpdateExpression="SET a = :a, b = :b",
                                       ExpressionAttributeValues={":a": pk, ":b": i})

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(move, range(60)))
    now = {i["sk"]: i["b"] for i in things.query(KeyConditionExpression=Key("pk").eq(pk), ConsistentRead=True)["Items"]}
    eventually(now, lambda: {i["sk"]: i["b"] for i in things.query(IndexName="by-a", KeyConditionExpression=Key("a").eq(pk))["Items"]})
    assert len(now) == 5
