# SPDX-License-Identifier: Apache-2.0
"""Bad input to DynamoDB, each refused with AWS's code and text. Requests are made by hand: no SDK would send most of them."""
import json

import pytest

from dynamodb_tools import outcome, raw, table

KEY = {"pk": {"S": "a"}, "sk": {"N": "1"}}
ONE = {"N": "1"}
INVALID = "One or more parameter values were invalid: "
EMPTY_VALUE = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
SEVERAL_VALUES = "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
NOT_NUMERIC = "The parameter cannot be converted to a numeric value"
OVERFLOW = "Number overflow. Attempting to store a number with magnitude larger than supported range"
UNDERFLOW = "Number underflow. Attempting to store a number with magnitude smaller than supported range"
DIGITS = "Attempting to store more than 38 significant digits in a Number"
NESTED = "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"
NO_EXPRESSION = "ExpressionAttributeValues can only be specified when using expressions: "
MIXED = "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: "
SCHEMA = "The provided key element does not match the schema"


@pytest.fixture(scope="module")
def things():
    with table() as name:
        yield name


@pytest.fixture(scope="module")
def single():
    with table(None) as name:
        yield name


def refused(operation, body):
    code, text = outcome(operation, body)
    assert code == "ValidationException", (code, text)
    return text


def violations(text):
    """The parts of "2 validation errors detected: ...", whose order AWS does not promise."""
    count, parts = text.split(" detected: ", 1)
    parts = parts.split("; ")
    assert count == (f"{len(parts)} validation error" + ("s" if len(parts) > 1 else ""))
    return sorted(parts)


def null(member):
    return f"Value null at '{member}' failed to satisfy constraint: Member must not be null"


# ---- attribute values

VALUES = [
    ({}, EMPTY_VALUE),
    ({"X": "a"}, EMPTY_VALUE),
    ({"S": None}, EMPTY_VALUE),
    ({"S": "a", "N": "1"}, SEVERAL_VALUES),
    ({"S": "a", "N": "x"}, NOT_NUMERIC + ": x"),
    ({"S": "a", "NULL": False}, INVALID + "Null attribute value types must have the value of true"),
    ({"N": ""}, NOT_NUMERIC),
    *[({"N": n}, f"{NOT_NUMERIC}: {n}") for n in (
        "x", " 1", "1 ", "-", "--1", ".", "e5", "1e", "1e+", "1.2.3", "NaN", "Infinity", "-Infinity", "0x10", "1_000", "1,5", "\u0661")],
    ({"N": "1e126"}, OVERFLOW),
    ({"N": "-1E+126"}, OVERFLOW),
    ({"N": "1e99999999999999999999"}, OVERFLOW),
    ({"N": "1" + "0" * 126}, OVERFLOW),
    ({"N": "1e-131"}, UNDERFLOW),
    ({"N": "0." + "0" * 130 + "1"}, UNDERFLOW),
    ({"N": "1" * 39}, DIGITS),
    ({"N": "1" + "0" * 37 + "1"}, DIGITS),
    ({"N": "1." + "0" * 37 + "1"}, DIGITS),
    ({"NULL": False}, INVALID + "Null attribute value types must have the value of true"),
    ({"SS": []}, INVALID + "An string set  may not be empty"),
    ({"NS": []}, INVALID + "An number set  may not be empty"),
    ({"BS": []}, INVALID + "Binary sets should not be empty"),
    ({"SS": ["a", "a"]}, INVALID + "Input collection [a, a] contains duplicates."),
    ({"SS": ["b", "a", "b"]}, INVALID + "Input collection [b, a, b] contains duplicates."),
    ({"NS": ["1", "1.0"]}, "Input collection contains duplicates"),
    ({"NS": ["1", "x"]}, NOT_NUMERIC + ": x"),
    ({"BS": ["YQ==", "YQ=="]}, INVALID + "Input collection [YQ==, YQ==]of type BS contains duplicates."),
]


def shown(case):
    return case if isinstance(case, str) else json.dumps(case)[:60]


@pytest.mark.parametrize("value,text", VALUES, ids=shown)
def test_attribute_values(things, value, text):
    assert refused("PutItem", {"TableName": things, "Item": {**KEY, "a": value}}) == text
    assert refused("PutItem", {"TableName": things, "Item": {**KEY, "a": {"L": [ONE, value]}}}) == text
    assert refused("PutItem", {"TableName": things, "Item": {**KEY, "a": {"M": {"k": value}}}}) == text
    assert refused("BatchWriteItem", {"RequestItems": {things: [{"PutRequest": {"Item": {**KEY, "a": value}}}]}}) == text
    assert refused("UpdateItem", {
        "TableName": things, "Key": KEY, "UpdateExpression": "SET a = :v", "ExpressionAttributeValues": {":v": value},
    }) == f"ExpressionAttributeValues contains invalid value: {text} for key :v"


GOOD_VALUES = [
    {"S": ""}, {"B": ""}, {"S": "\u0000\U0001F600"}, {"BOOL": False}, {"NULL": True}, {"L": []}, {"M": {}}, {"M": {"": ONE}},
    {"SS": ["", "a"]}, {"BS": ["", "YQ=="]}, {"N": "9" * 38}, {"N": "1e125"}, {"N": "-1e-130"}, {"N": "1" + "0" * 60},
    {"N": "9.9999999999999999999999999999999999999E+125"}, {"N": "-0"}, {"N": "00.10"}, {"N": "1."}, {"N": ".5"}, {"N": "1E5"},
]


@pytest.mark.parametrize("value", GOOD_VALUES, ids=shown)
def test_attribute_values_at_the_limit(things, value):
    assert outcome("PutItem", {"TableName": things, "Item": {**KEY, "a": value}}) == ("ok", {})


def nested(levels, wrap):
    value = {"S": "x"}
    for _ in range(levels - 1):
        value = wrap(value)
    return value


@pytest.mark.parametrize("wrap", [lambda v: {"L": [v]}, lambda v: {"M": {"k": v}}], ids=["list", "map"])
def test_values_nest_32_levels(things, wrap):
    put = lambda levels: outcome("PutItem", {"TableName": things, "Item": {**KEY, "a": nested(levels, wrap)}})
    assert put(32) == ("ok", {})
    assert put(33) == ("ValidationException", NESTED)


# ---- keys

@pytest.mark.parametrize("key", [
    {}, {"pk": {"S": "a"}}, {"sk": ONE}, {"pk": {"S": "a"}, "sk": {"S": "1"}}, {"pk": {"N": "1"}, "sk": ONE},
    {"pk": {"S": "a"}, "sk": ONE, "more": {"S": "x"}}, {"pk": {"S": "a"}, "other": ONE}, {"pk": {"NULL": True}, "sk": ONE},
    {"pk": {"SS": ["a"]}, "sk": ONE}], ids=shown)
def test_keys_match_the_schema(things, key):
    assert refused("GetItem", {"TableName": things, "Key": key}) == SCHEMA
    assert refused("DeleteItem", {"TableName": things, "Key": key}) == SCHEMA
    assert refused("UpdateItem", {"TableName": things, "Key": key}) == SCHEMA
    assert refused("BatchGetItem", {"RequestItems": {things: {"Keys": [key]}}}) == SCHEMA
    assert refused("BatchWriteItem", {"RequestItems": {things: [{"DeleteRequest": {"Key": key}}]}}) == SCHEMA


@pytest.mark.parametrize("item,text", [
    ({}, "Missing the key pk in the item"),
    ({"pk": {"S": "a"}}, "Missing the key sk in the item"),
    ({"pk": {"S": "a"}, "sk": {"S": "x"}}, "Type mismatch for key sk expected: N actual: S"),
    ({"pk": {"BOOL": True}, "sk": ONE}, "Type mismatch for key pk expected: S actual: BOOL"),
    ({"pk": {"L": []}, "sk": ONE}, "Type mismatch for key pk expected: S actual: L")], ids=shown)
def test_items_have_their_keys(things, item, text):
    assert refused("PutItem", {"TableName": things, "Item": item}) == INVALID + text


def test_keys_are_neither_empty_nor_too_long(things, single):
    empty = "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: pk"
    assert refused("PutItem", {"TableName": single, "Item": {"pk": {"S": ""}}}) == empty
    assert refused("GetItem", {"TableName": single, "Key": {"pk": {"S": ""}}}) == empty
    assert outcome("PutItem", {"TableName": single, "Item": {"pk": {"S": "x" * 2048}}}) == ("ok", {})
    assert refused("PutItem", {"TableName": single, "Item": {"pk": {"S": "x" * 2049}}}).startswith(
        INVALID + "Size of hashkey has exceeded the maximum size limit of")
    with table("S") as name:
        key = lambda n: {"pk": {"S": "a"}, "sk": {"S": "x" * n}}
        assert outcome("PutItem", {"TableName": name, "Item": key(1024)}) == ("ok", {})
        assert refused("PutItem", {"TableName": name, "Item": key(1025)}) == (
            INVALID + "Aggregated size of all range keys has exceeded the size limit of 1024 bytes")


def test_an_item_has_at_most_400_kib(single):
    # 2 for the key's name, 1 for its value, 1 for "a".
    item = lambda n: {"pk": {"S": "k"}, "a": {"S": "x" * (n - 4)}}
    assert outcome("PutItem", {"TableName": single, "Item": item(400 * 1024)}) == ("ok", {})
    assert refused("PutItem", {"TableName": single, "Item": item(400 * 1024 + 1)}) == "Item size has exceeded the maximum allowed size"
    assert refused("UpdateItem", {
        "TableName": single, "Key": {"pk": {"S": "k"}}, "UpdateExpression": "SET b = :b", "ExpressionAttributeValues": {":b": {"S": "x"}},
    }) == "Item size to update has exceeded the maximum allowed size"


# ---- names and values of expressions

def condition(names=None, values=None, text="attribute_exists(a)", operation="PutItem", **more):
    body = {"Item": KEY} if operation == "PutItem" else {}
    body.update({"ConditionExpression": text} if text is not None else {})
    body.update({"ExpressionAttributeNames": names} if names is not None else {})
    body.update({"ExpressionAttributeValues": values} if values is not None else {})
    return operation, {**body, **more}


PLACEHOLDERS = [
    (condition({"#a": "a"}, text=None), "ExpressionAttributeNames can only be specified when using expressions"),
    (condition({}), "ExpressionAttributeNames must not be empty"),
    (condition({"a": "a"}), 'ExpressionAttributeNames contains invalid key: Syntax error; key: "a"'),
    (condition({"#": "a"}), 'ExpressionAttributeNames contains invalid key: Syntax error; key: "#"'),
    (condition({"#a-b": "a"}), 'ExpressionAttributeNames contains invalid key: Syntax error; key: "#a-b"'),
    (condition({"#a": "a"}), "Value provided in ExpressionAttributeNames unused in expressions: keys: {#a}"),
    (condition(values={":a": ONE}, text=None), NO_EXPRESSION + "ConditionExpression is null"),
    (condition(values={}), "ExpressionAttributeValues must not be empty"),
    (condition(values={"a": ONE}), 'ExpressionAttributeValues contains invalid key: Syntax error; key: "a"'),
    (condition(values={":": ONE}), 'ExpressionAttributeValues contains invalid key: Syntax error; key: ":"'),
    (condition(values={":a": {}}), f"ExpressionAttributeValues contains invalid value: {EMPTY_VALUE} for key :a"),
    (condition(values={":a": ONE}), "Value provided in ExpressionAttributeValues unused in expressions: keys: {:a}"),
    (condition({"#a": "a"}, {":a": ONE}, text="#a = :b"),
     "Invalid ConditionExpression: An expression attribute value used in expression is not defined; attribute value: :b"),
    (("Scan", {"ExpressionAttributeValues": {":a": ONE}}), NO_EXPRESSION + "FilterExpression is null"),
    (("Scan", {"ExpressionAttributeValues": {":a": ONE}, "ProjectionExpression": "a"}), NO_EXPRESSION + "FilterExpression is null"),
    (("Query", {"ExpressionAttributeValues": {":a": ONE}, "ProjectionExpression": "a"}),
     NO_EXPRESSION + "FilterExpression and KeyConditionExpression are null"),
    (("UpdateItem", {"Key": KEY, "ExpressionAttributeValues": {":a": ONE}}),
     NO_EXPRESSION + "UpdateExpression and ConditionExpression are null"),
]


@pytest.mark.parametrize("request_,text", PLACEHOLDERS, ids=lambda c: c[:70] if isinstance(c, str) else "")
def test_names_and_values_of_expressions(things, request_, text):
    operation, body = request_
    assert refused(operation, {"TableName": things, **body}) == text


def test_names_of_placeholders_have_255_bytes(things):
    def put(name):
        body = {"TableName": things, "Item": KEY, "ConditionExpression": f"attribute_not_exists({name})"}
        return outcome("PutItem", {**body, "ExpressionAttributeNames": {name: "q"}})
    longest = "#" + "n" * 254
    assert put(longest) == ("ok", {})
    code, text = put(longest + "n")
    assert (code, text.split(" ")[0]) == ("ValidationException", "ExpressionAttributeNames")


def test_placeholders_have_two_megabytes(things):
    def put(size):
        values = {f":v{i}": {"S": "x" * size} for i in range(8)}
        text = " OR ".join(f"a = {v}" for v in values)
        return outcome("PutItem", {"TableName": things, "Item": KEY, "ConditionExpression": text, "ExpressionAttributeValues": values})
    assert put(256 * 1024 - 3)[0] == "ConditionalCheckFailedException"
    assert put(256 * 1024 + 1)[0] == "ValidationException"


# ---- legacy parameters beside expressions

@pytest.mark.parametrize("operation,body,text", [
    ("PutItem", {"Item": KEY, "Expected": {}, "ConditionExpression": "a"}, "{Expected} Expression parameters: {ConditionExpression}"),
    ("DeleteItem", {"Key": KEY, "Expected": {}, "ConditionExpression": "a"}, "{Expected} Expression parameters: {ConditionExpression}"),
    ("UpdateItem", {"Key": KEY, "AttributeUpdates": {}, "Expected": {}, "UpdateExpression": "", "ConditionExpression": ""},
     "{AttributeUpdates, Expected} Expression parameters: {UpdateExpression, ConditionExpression}"),
    ("GetItem", {"Key": KEY, "AttributesToGet": ["a"], "ProjectionExpression": "a"},
     "{AttributesToGet} Expression parameters: {ProjectionExpression}"),
    ("Scan", {"AttributesToGet": ["a"], "ScanFilter": {}, "ConditionalOperator": "OR", "ProjectionExpression": "a", "FilterExpression": "a"},
     "{AttributesToGet, ScanFilter, ConditionalOperator} Expression parameters: {ProjectionExpression, FilterExpression}"),
    ("Query", {"AttributesToGet": ["a"], "QueryFilter": {}, "ConditionalOperator": "OR", "KeyConditions": {}, "ProjectionExpression": "a",
               "FilterExpression": "a", "KeyConditionExpression": "a"},
     "{AttributesToGet, QueryFilter, ConditionalOperator, KeyConditions} "
     "Expression parameters: {ProjectionExpression, FilterExpression, KeyConditionExpression}"),
    ("Query", {"KeyConditions": {}, "QueryFilter": {}, "FilterExpression": "a"}, "{QueryFilter} Expression parameters: {FilterExpression}"),
])
def test_expressions_and_what_came_before_them_do_not_mix(things, operation, body, text):
    assert refused(operation, {"TableName": things, **body}) == MIXED + text


def test_a_batch_does_not_mix_them_either(things):
    request = {"Keys": [KEY], "AttributesToGet": ["a"], "ProjectionExpression": "a"}
    assert refused("BatchGetItem", {"RequestItems": {things: request}}) == (
        MIXED + "{AttributesToGet} Expression parameters: {ProjectionExpression}")


# ---- constraints of the model

@pytest.mark.parametrize("operation,body,parts", [
    ("PutItem", {}, [null("item"), null("tableName")]),
    ("GetItem", {}, [null("key"), null("tableName")]),
    ("UpdateItem", {}, [null("key"), null("tableName")]),
    ("DeleteItem", {}, [null("key"), null("tableName")]),
    ("Query", {}, [null("tableName")]),
    ("Scan", {}, [null("tableName")]),
    ("BatchGetItem", {}, [null("requestItems")]),
    ("BatchWriteItem", {}, [null("requestItems")]),
    ("PutItem", {"TableName": None, "Item": None}, [null("item"), null("tableName")]),
    ("PutItem", {"TableName": "things"}, [null("item")]),
    ("Scan", {"TableName": "things", "Limit": 0},
     ["Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1"]),
    ("Scan", {"TableName": "things", "Segment": -1, "TotalSegments": 0},
     ["Value '-1' at 'segment' failed to satisfy constraint: Member must have value greater than or equal to 0",
      "Value '0' at 'totalSegments' failed to satisfy constraint: Member must have value greater than or equal to 1"]),
    ("Scan", {"TableName": "things", "Segment": 1000000, "TotalSegments": 1000001},
     ["Value '1000000' at 'segment' failed to satisfy constraint: Member must have value less than or equal to 999999",
      "Value '1000001' at 'totalSegments' failed to satisfy constraint: Member must have value less than or equal to 1000000"]),
    ("GetItem", {"TableName": "things", "Key": KEY, "AttributesToGet": []},
     ["Value '[]' at 'attributesToGet' failed to satisfy constraint: Member must have length greater than or equal to 1"]),
    ("BatchGetItem", {"RequestItems": {}},
     ["Value '{}' at 'requestItems' failed to satisfy constraint: Member must have length greater than or equal to 1"]),
    ("BatchWriteItem", {"RequestItems": {}},
     ["Value '{}' at 'requestItems' failed to satisfy constraint: Member must have length greater than or equal to 1"]),
    ("BatchGetItem", {"RequestItems": {"things": {"Keys": []}}},
     ["Value '[]' at 'requestItems.things.member.keys' failed to satisfy constraint: Member must have length greater than or equal to 1"]),
    ("BatchGetItem", {"RequestItems": {"things": {}}}, [null("requestItems.things.member.keys")]),
    ("Scan", {"TableName": "things", "ScanFilter": {"a": {}}}, [null("scanFilter.a.member.comparisonOperator")]),
    ("PutItem", {"TableName": "things", "Item": KEY, "ReturnConsumedCapacity": "x"},
     ["Value 'x' at 'returnConsumedCapacity' failed to satisfy constraint: Member must satisfy enum value set: [INDEXES, TOTAL, NONE]"]),
    ("PutItem", {"TableName": "things", "Item": KEY, "ReturnItemCollectionMetrics": ""},
     ["Value '' at 'returnItemCollectionMetrics' failed to satisfy constraint: Member must satisfy enum value set: [SIZE, NONE]"]),
])
def test_constraints_of_the_model(operation, body, parts):
    assert violations(refused(operation, body)) == sorted(parts)


@pytest.mark.parametrize("operation,member,path", [
    ("PutItem", {"ReturnValues": "x"}, "returnValues"),
    ("PutItem", {"ConditionalOperator": "and"}, "conditionalOperator"),
    ("Query", {"Select": "x"}, "select"),
    ("Scan", {"ScanFilter": {"a": {"ComparisonOperator": "eq"}}}, "scanFilter.a.member.comparisonOperator"),
    ("Query", {"KeyConditions": {"a": {"ComparisonOperator": "XX"}}}, "keyConditions.a.member.comparisonOperator"),
    ("PutItem", {"Expected": {"a": {"ComparisonOperator": "XX"}}}, "expected.a.member.comparisonOperator"),
    ("UpdateItem", {"AttributeUpdates": {"a": {"Action": "put"}}}, "attributeUpdates.a.member.action"),
])
def test_enumerations(things, operation, member, path):
    text = refused(operation, {"TableName": things, "Item": KEY, "Key": KEY, **member})
    assert f"at '{path}' failed to satisfy constraint: Member must satisfy enum value set: [" in text


def test_many_violations_are_joined():
    body = {"ReturnValues": "x", "ReturnConsumedCapacity": "x", "ReturnItemCollectionMetrics": "x", "ConditionalOperator": "x"}
    assert len(violations(refused("PutItem", body))) == 6
    assert len(violations(refused("PutItem", {**body, "TableName": "things"}))) == 5


# ---- ReturnValues, Select and the like

@pytest.mark.parametrize("operation,body,text", [
    ("PutItem", {"Item": KEY, "ReturnValues": "ALL_NEW"}, "ReturnValues can only be ALL_OLD or NONE"),
    ("PutItem", {"Item": KEY, "ReturnValues": "UPDATED_OLD"}, "ReturnValues can only be ALL_OLD or NONE"),
    ("DeleteItem", {"Key": KEY, "ReturnValues": "UPDATED_NEW"}, "ReturnValues can only be ALL_OLD or NONE"),
    ("Query", {}, "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."),
    ("Scan", {"Select": "SPECIFIC_ATTRIBUTES"},
     "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"),
    ("Scan", {"Select": "COUNT", "ProjectionExpression": "a"},
     "Cannot specify the ProjectionExpression when choosing to get only the Count"),
    ("Scan", {"Select": "ALL_ATTRIBUTES", "ProjectionExpression": "a"},
     "Cannot specify the ProjectionExpression when choosing to get ALL_ATTRIBUTES"),
    ("Scan", {"Select": "COUNT", "AttributesToGet": ["a"]}, "Cannot specify the AttributesToGet when choosing to get only the Count"),
    ("Scan", {"Select": "ALL_PROJECTED_ATTRIBUTES"},
     INVALID + "ALL_PROJECTED_ATTRIBUTES can be used only when Scanning using an IndexName"),
    ("Scan", {"Segment": 0},
     "The TotalSegments parameter is required but was not present in the request when Segment parameter is present"),
    ("Scan", {"TotalSegments": 1},
     "The Segment parameter is required but was not present in the request when parameter TotalSegments is present"),
    ("Scan", {"Segment": 2, "TotalSegments": 2},
     "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 2 is not less than TotalSegments: 2"),
    ("Scan", {"ExclusiveStartKey": {"pk": {"S": "x"}}}, f"The provided starting key is invalid: {SCHEMA}"),
])
def test_members_that_do_not_go_together(things, operation, body, text):
    assert refused(operation, {"TableName": things, **body}) == text


def test_batches_have_limits(things):
    keys = [{"pk": {"S": "a"}, "sk": {"N": str(i)}} for i in range(101)]
    assert outcome("BatchGetItem", {"RequestItems": {things: {"Keys": keys[:100]}}})[0] == "ok"
    assert outcome("BatchGetItem", {"RequestItems": {things: {"Keys": keys}}})[0] == "ValidationException"
    deletes = [{"DeleteRequest": {"Key": k}} for k in keys]
    assert outcome("BatchWriteItem", {"RequestItems": {things: deletes[:25]}})[0] == "ok"
    assert outcome("BatchWriteItem", {"RequestItems": {things: deletes[:26]}})[0] == "ValidationException"
    duplicates = "Provided list of item keys contains duplicates"
    assert refused("BatchGetItem", {"RequestItems": {things: {"Keys": [keys[0], keys[0]]}}}) == duplicates
    assert refused("BatchWriteItem", {"RequestItems": {things: [deletes[0], deletes[0]]}}) == duplicates
    assert refused("BatchWriteItem", {"RequestItems": {things: [{}]}}) == EMPTY_VALUE
    assert refused("BatchWriteItem", {"RequestItems": {things: [{**deletes[0], "PutRequest": {"Item": KEY}}]}}) == SEVERAL_VALUES


def test_a_batch_with_one_bad_item_writes_nothing(things):
    good = {"pk": {"S": "batch"}, "sk": {"N": "1"}}
    assert outcome("BatchWriteItem", {"RequestItems": {things: [{"PutRequest": {"Item": good}}, {"PutRequest": {"Item": {"pk": {"S": "x"}}}}]}})[0] == "ValidationException"
    assert outcome("GetItem", {"TableName": things, "Key": good}) == ("ok", {})


# ---- what is not there

@pytest.mark.parametrize("operation,body", [
    ("GetItem", {"Key": KEY}), ("PutItem", {"Item": KEY}), ("UpdateItem", {"Key": KEY}), ("DeleteItem", {"Key": KEY}), ("Scan", {}),
    ("Query", {"KeyConditionExpression": "pk = :p", "ExpressionAttributeValues": {":p": ONE}})])
def test_a_table_that_is_not_there(operation, body):
    assert outcome(operation, {"TableName": "not-there", **body}) == ("ResourceNotFoundException", "Requested resource not found")


@pytest.mark.parametrize("operation", ["DescribeTable", "DeleteTable"])
def test_a_table_that_is_not_there_is_named(operation):
    assert outcome(operation, {"TableName": "not-there"}) == (
        "ResourceNotFoundException", "Requested resource not found: Table: not-there not found")


def test_values_are_checked_before_the_table(things):
    assert refused("PutItem", {"TableName": "not-there", "Item": {"a": {}}}) == EMPTY_VALUE


def test_an_index_that_is_not_there(things):
    assert refused("Scan", {"TableName": things, "IndexName": "nothing"}) == "The table does not have the specified index: nothing"


# ---- JSON

@pytest.mark.parametrize("member,body", [
    ("TableName", '{"TableName":1,"Item":{}}'), ("TableName", '{"TableName":true,"Item":{}}'), ("TableName", '{"TableName":[],"Item":{}}'),
    ("TableName", '{"TableName":{},"Item":{}}'), ("Item", '{"TableName":"things","Item":[]}'), ("Item", '{"TableName":"things","Item":"x"}'),
    ("Item", '{"TableName":"things","Item":1}'), ("Item.a", '{"TableName":"things","Item":{"a":"x"}}'),
    ("Item.a", '{"TableName":"things","Item":{"a":[]}}'), ("S", '{"TableName":"things","Item":{"a":{"S":1}}}'),
    ("S", '{"TableName":"things","Item":{"a":{"S":{}}}}'), ("S", '{"TableName":"things","Item":{"a":{"S":["x"]}}}'),
    ("N", '{"TableName":"things","Item":{"a":{"N":1}}}'), ("N", '{"TableName":"things","Item":{"a":{"N":1.5}}}'),
    ("B", '{"TableName":"things","Item":{"a":{"B":"x"}}}'), ("B", '{"TableName":"things","Item":{"a":{"B":"****"}}}'),
    ("B", '{"TableName":"things","Item":{"a":{"B":1}}}'), ("BOOL", '{"TableName":"things","Item":{"a":{"BOOL":"x"}}}'),
    ("BOOL", '{"TableName":"things","Item":{"a":{"BOOL":1}}}'), ("SS", '{"TableName":"things","Item":{"a":{"SS":"x"}}}'),
    ("SS", '{"TableName":"things","Item":{"a":{"SS":[1]}}}'), ("NS", '{"TableName":"things","Item":{"a":{"NS":[1]}}}'),
    ("L", '{"TableName":"things","Item":{"a":{"L":{}}}}'), ("L", '{"TableName":"things","Item":{"a":{"L":["x"]}}}'),
    ("M", '{"TableName":"things","Item":{"a":{"M":[]}}}'), ("M", '{"TableName":"things","Item":{"a":{"M":{"k":1}}}}'),
    ("Expected", '{"TableName":"things","Item":{},"Expected":[]}'),
    ("ExpressionAttributeNames", '{"TableName":"things","Item":{},"ExpressionAttributeNames":{"#a":1}}'),
    ("ReturnValues", '{"TableName":"things","Item":{},"ReturnValues":1}'),
], ids=lambda c: c[:60])
def test_members_of_the_wrong_json_type(member, body):
    code, text = outcome("PutItem", body)
    assert code == "SerializationException"
    assert text


@pytest.mark.parametrize("body,text", [
    ('{"TableName":1}', "NUMBER_VALUE cannot be converted to String"),
    ('{"TableName":1.5}', "DECIMAL_VALUE cannot be converted to String"),
    ('{"TableName":true}', "TRUE_VALUE cannot be converted to String"),
    ('{"TableName":false}', "FALSE_VALUE cannot be converted to String"),
    ('{"TableName":"things","Limit":"x"}', "STRING_VALUE cannot be converted to Integer"),
    ('{"TableName":"things","Limit":true}', "TRUE_VALUE cannot be converted to Integer"),
    ('{"TableName":"things","AttributesToGet":"x"}', "Unexpected field type"),
    ('{"TableName":"things","ScanFilter":"x"}', "Unexpected field type"),
])
def test_texts_of_wrong_json_types(body, text):
    assert outcome("Scan", body) == ("SerializationException", text)


@pytest.mark.parametrize("body", [
    "{", "}", "x", '{"TableName"}', '{"TableName":}', '{"TableName":"a",}', "{'TableName':'a'}", '{"TableName":"a"} x', "\x00",
    b'{"TableName":"\xff"}', b"\xef\xbb\xbf{}x", '{"TableName":"\\q"}', '{"TableName":"\n"}', "[" * 10_000, '{"Item":' * 10_000,
    '{"TableName":"things","Item":{"a":' + '{"L":[' * 10_000 + "]}" * 10_000 + "}}"],
    ids=lambda b: str(b[:20]))
def test_what_is_no_json(body):
    assert outcome("PutItem", body)[0] == "SerializationException"


def test_the_server_goes_on_after_deep_json(things):
    for _ in range(5):
        assert outcome("PutItem", "[" * 100_000)[0] == "SerializationException"
    assert outcome("Scan", {"TableName": things})[0] == "ok"


def test_members_that_the_model_does_not_know_are_ignored(things):
    assert outcome("PutItem", {"TableName": things, "Item": KEY, "Unknown": {"a": [1, None]}, "item": 1}) == ("ok", {})


@pytest.mark.parametrize("operation", ["Nothing", "putItem", "", "PutItem2", "../PutItem"])
def test_an_unknown_operation(operation):
    status, headers, content = raw(operation, {})
    assert status == 400
    assert json.loads(content)["__type"] == "com.amazon.coral.service#UnknownOperationException"


def test_another_version_of_the_api_is_unknown():
    status, _, content = raw("PutItem", {}, target="DynamoDB_20111205.")
    assert status == 400
    assert b"UnknownOperationException" in content


def test_legacy_lists_have_no_duplicates(things):
    text = INVALID + "Duplicate value in attribute name: a"
    assert refused("GetItem", {"TableName": things, "Key": KEY, "AttributesToGet": ["a", "b", "a"]}) == text
    assert refused("Scan", {"TableName": things, "AttributesToGet": ["a", "a"]}) == text
    assert refused("BatchGetItem", {"RequestItems": {things: {"Keys": [KEY], "AttributesToGet": ["a", "a"]}}}) == text
