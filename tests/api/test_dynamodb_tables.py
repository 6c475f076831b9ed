# SPDX-License-Identifier: Apache-2.0
"""DynamoDB's tables: what CreateTable and UpdateTable take, show and refuse, and what tools read of every table."""
import contextlib
import time

import botocore.exceptions
import pytest

from lambda_tools import client, unique

UNITS = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
INVALID = "One or more parameter values were invalid: "


@pytest.fixture(scope="module")
def dynamodb():
    return client("dynamodb")


def definitions(**types):
    return [{"AttributeName": name, "AttributeType": kind} for name, kind in types.items()]


def schema(hash_key, range_key=None):
    keys = [{"AttributeName": hash_key, "KeyType": "HASH"}]
    return keys + ([{"AttributeName": range_key, "KeyType": "RANGE"}] if range_key else [])


def index(name, hash_key, range_key=None, kind="ALL", non_key=None, **more):
    projection = {"ProjectionType": kind, **({"NonKeyAttributes": non_key} if non_key else {})}
    return {"IndexName": name, "KeySchema": schema(hash_key, range_key), "Projection": projection, **more}


def active(dynamodb, name):
    """The table's description once it and its indexes are ready."""
    for _ in range(600):
        table = dynamodb.describe_table(TableName=name)["Table"]
        states = [table["TableStatus"]] + [i["IndexStatus"] for i in table.get("GlobalSecondaryIndexes", [])]
        if set(states) == {"ACTIVE"}:
            return table
        time.sleep(0.1)
    raise AssertionError(states)


@contextlib.contextmanager
def table(dynamodb, **settings):
    name = unique("table")
    arguments = dict(TableName=name, BillingMode="PAY_PER_REQUEST", AttributeDefinitions=definitions(pk="S", sk="N"), KeySchema=schema("pk", "sk"))
    arguments.update(settings)
    dynamodb.create_table(**arguments)
    active(dynamodb, name)
    try:
        yield name
    finally:
        active(dynamodb, name)
        dynamodb.delete_table(TableName=name)


def error(call, *arguments, **named):
    with pytest.raises(botocore.exceptions.ClientError) as e:
        call(*arguments, **named)
    return e.value.response["Error"]["Code"], e.value.response["Error"]["Message"]


def knows(dynamodb, operation, member):
    return member in dynamodb.meta.service_model.operation_model(operation).input_shape.members


def test_what_a_table_shows(dynamodb):
    with table(dynamodb, AttributeDefinitions=definitions(pk="S", sk="N", a="S"), LocalSecondaryIndexes=[index("local", "pk", "a", "KEYS_ONLY")],
               GlobalSecondaryIndexes=[index("global", "a", "sk", "INCLUDE", ["x", "y"])]) as name:
        shown = active(dynamodb, name)
        assert {(a["AttributeName"], a["AttributeType"]) for a in shown["AttributeDefinitions"]} == {("pk", "S"), ("sk", "N"), ("a", "S")}
        assert shown["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
        assert shown["ProvisionedThroughput"] == {"NumberOfDecreasesToday": 0, "ReadCapacityUnits": 0, "WriteCapacityUnits": 0}
        local, = shown["LocalSecondaryIndexes"]
        assert local == {"IndexName": "local", "KeySchema": schema("pk", "a"), "Projection": {"ProjectionType": "KEYS_ONLY"},
                         "IndexSizeBytes": 0, "ItemCount": 0, "IndexArn": shown["TableArn"] + "/index/local"}
        shown_index, = shown["GlobalSecondaryIndexes"]
        assert shown_index["IndexArn"] == shown["TableArn"] + "/index/global" and "Backfilling" not in shown_index
        assert shown_index["Projection"]["ProjectionType"] == "INCLUDE"
        assert sorted(shown_index["Projection"]["NonKeyAttributes"]) == ["x", "y"]


def test_what_a_table_cannot_be(dynamodb):
    def create(**settings):
        arguments = dict(TableName=unique("table"), BillingMode="PAY_PER_REQUEST", AttributeDefinitions=definitions(pk="S", sk="N", a="S"),
                         KeySchema=schema("pk", "sk"))
        arguments.update(settings)
        code, message = error(dynamodb.create_table, **arguments)
        assert code == "ValidationException"
        return message

    assert create() == INVALID + "Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions"
    assert create(KeySchema=schema("pk", "a"), AttributeDefinitions=definitions(pk="S")) == (
        "Invalid KeySchema: Some index key attribute have no definition")
    assert create(KeySchema=schema("z"), AttributeDefinitions=definitions(pk="S")) == (
        INVALID + "Some index key attributes are not defined in AttributeDefinitions. Keys: [z], AttributeDefinitions: [pk]")
    assert create(ProvisionedThroughput=UNITS) == (
        INVALID + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
    assert create(BillingMode="PROVISIONED") == (
        INVALID + "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
    assert create(LocalSecondaryIndexes=[]) == INVALID + "List of LocalSecondaryIndexes is empty"
    assert create(GlobalSecondaryIndexes=[]) == INVALID + "List of GlobalSecondaryIndexes is empty"
    assert create(LocalSecondaryIndexes=[index("one", "a", "sk")]) == (
        INVALID + "Index KeySchema does not have the same leading hash key as table KeySchema for index: one. index hash key: a, table hash key: pk")
    assert create(LocalSecondaryIndexes=[index("one", "pk")]) == INVALID + "Index KeySchema does not have a range key for index: one"
    assert create(GlobalSecondaryIndexes=[index("one", "a"), index("one", "sk")]) == INVALID + "Duplicate index name: one"
    assert create(GlobalSecondaryIndexes=[index("one", "a", kind="ALL", non_key=["x"])]) == (
        INVALID + "ProjectionType is ALL, but NonKeyAttributes is specified")
    assert create(GlobalSecondaryIndexes=[index("one", "a", ProvisionedThroughput=UNITS)]) == (
        INVALID + "ProvisionedThroughput should not be specified for index: one when BillingMode is PAY_PER_REQUEST")
    assert create(LocalSecondaryIndexes=[index(f"idx{i}", "pk", "a") for i in range(6)]) == (
        INVALID + "Number of LocalSecondaryIndexes exceeds per-table limit of 5")
    assert create(GlobalSecondaryIndexes=[index(f"idx{i}", "a") for i in range(21)]) == (
        INVALID + "GlobalSecondaryIndex count exceeds the per-table limit of 20")


def test_throughput_and_billing_change(dynamodb):
    with table(dynamodb, BillingMode="PROVISIONED", ProvisionedThroughput=UNITS) as name:
        assert "BillingModeSummary" not in active(dynamodb, name)
        code, message = error(dynamodb.update_table, TableName=name, ProvisionedThroughput=UNITS)
        assert code == "ValidationException"
        assert message.startswith("The provisioned throughput for the table will not change. The requested value equals the current value.")
        answer = dynamodb.update_table(TableName=name, ProvisionedThroughput={"ReadCapacityUnits": 2, "WriteCapacityUnits": 1})
        assert answer["TableDescription"]["TableStatus"] == "UPDATING"
        assert active(dynamodb, name)["ProvisionedThroughput"]["ReadCapacityUnits"] == 2
        dynamodb.update_table(TableName=name, BillingMode="PAY_PER_REQUEST")
        assert active(dynamodb, name)["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
        assert error(dynamodb.update_table, TableName=name, BillingMode="PROVISIONED") == (
            "ValidationException", INVALID + "ProvisionedThroughput must be specified when BillingMode is PROVISIONED")


def test_updates_of_nothing_are_refused(dynamodb):
    with table(dynamodb) as name:
        code, message = error(dynamodb.update_table, TableName=name)
        assert code == "ValidationException" and message.startswith("At least one of ProvisionedThroughput, BillingMode,")
        assert error(dynamodb.update_table, TableName="no-such-table", BillingMode="PAY_PER_REQUEST") == (
            "ResourceNotFoundException", "Requested resource not found: Table: no-such-table not found")
        code, _ = error(dynamodb.update_table, TableName=name, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "nothere"}}])
        assert code == "ResourceNotFoundException"


def test_deletion_protection(dynamodb):
    if not knows(dynamodb, "CreateTable", "DeletionProtectionEnabled"):
        pytest.skip("this botocore does not know DeletionProtectionEnabled")
    with table(dynamodb, DeletionProtectionEnabled=True) as name:
        assert active(dynamodb, name)["DeletionProtectionEnabled"] is True
        code, message = error(dynamodb.delete_table, TableName=name)
        assert code == "ValidationException" and "currently protected against deletion" in message
        dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)


def test_tables_are_listed_in_pages(dynamodb):
    with table(dynamodb) as one, table(dynamodb) as two:
        names = [n for page in dynamodb.get_paginator("list_tables").paginate(PaginationConfig={"PageSize": 1}) for n in page["TableNames"]]
        assert {one, two} <= set(names) and names == sorted(names)
        first = dynamodb.list_tables(Limit=1)
        assert first["LastEvaluatedTableName"] == first["TableNames"][0] == names[0]


def test_tags(dynamodb):
    with table(dynamodb, Tags=[{"Key": "a", "Value": "1"}]) as name:
        arn = active(dynamodb, name)["TableArn"]
        dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": "b", "Value": "2"}, {"Key": "a", "Value": "3"}])
        dynamodb.untag_resource(ResourceArn=arn, TagKeys=["b"])
        assert dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "3"}]


def test_what_tools_read_of_every_table(dynamodb):
    with table(dynamodb) as name:
        backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
        assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "DISABLED"
        assert dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]["TimeToLiveStatus"] == "DISABLED"
        assert dynamodb.describe_contributor_insights(TableName=name)["ContributorInsightsStatus"] == "DISABLED"
        assert dynamodb.describe_kinesis_streaming_destination(TableName=name)["KinesisDataStreamDestinations"] == []
    assert error(dynamodb.describe_continuous_backups, TableName="no-such-table")[0] == "TableNotFoundException"
    assert dynamodb.describe_limits()["TableMaxReadCapacityUnits"] >= 40_000
    endpoint, = dynamodb.describe_endpoints()["Endpoints"]
    assert endpoint["CachePeriodInMinutes"] > 0 and endpoint["Address"] in dynamodb.meta.endpoint_url
