# SPDX-License-Identifier: Apache-2.0
"""The parameters that came before expressions: Expected, AttributeUpdates, KeyConditions, QueryFilter, ScanFilter, AttributesToGet."""
import json

import pytest

from dynamodb_tools import outcome, table

KEY = {"pk": {"S": "a"}, "sk": {"N": "1"}}
INVALID = "One or more parameter values were invalid: "
ALL = {"S": "a", "N": "1", "B": "YQ==", "BOOL": True, "NULL": True, "L": [], "M": {}, "SS": ["a"], "NS": ["1"], "BS": ["YQ=="]}
ADA = {
    **KEY, "name": {"S": "Ada"}, "age": {"N": "36"}, "a.b": {"S": "dotted"}, "tags": {"SS": ["x", "z"]}, "nums": {"NS": ["1", "2"]},
    "els": {"L": [{"S": "zero"}, {"N": "1"}]}, "flag": {"BOOL": True}}


def compared(operator, *values):
    return {"ComparisonOperator": operator, "AttributeValueList": list(values)}


def shown(case):
    return case if isinstance(case, str) else json.dumps(case)[:60]


@pytest.fixture(scope="module")
def things():
    with table() as name:
        yield name


@pytest.fixture
def ada(things):
    assert outcome("PutItem", {"TableName": things, "Item": ADA}) == ("ok", {})
    return things


# ---- what conditions mean

CONDITIONS = [
    ("age", compared("EQ", {"N": "36.0"}), True),
    ("age", compared("EQ", {"S": "36"}), False),
    ("tags", compared("EQ", {"SS": ["z", "x"]}), True),
    ("flag", compared("EQ", {"BOOL": True}), True),
    ("els", compared("EQ", ADA["els"]), True),
    ("absent", compared("EQ", {"N": "1"}), False),
    ("age", compared("NE", {"N": "1"}), True),
    ("absent", compared("NE", {"N": "1"}), True),
    ("age", compared("LE", {"N": "36"}), True),
    ("age", compared("LT", {"N": "36"}), False),
    ("age", compared("GE", {"N": "36"}), True),
    ("age", compared("GT", {"N": "9"}), True),
    ("age", compared("GT", {"S": "9"}), False),
    ("age", compared("NOT_NULL"), True),
    ("absent", compared("NOT_NULL"), False),
    ("absent", compared("NULL"), True),
    ("age", compared("NULL"), False),
    ("name", compared("CONTAINS", {"S": "d"}), True),
    ("tags", compared("CONTAINS", {"S": "x"}), True),
    ("tags", compared("CONTAINS", {"S": "q"}), False),
    ("nums", compared("CONTAINS", {"N": "2.0"}), True),
    ("els", compared("CONTAINS", {"N": "1"}), True),
    ("tags", compared("NOT_CONTAINS", {"S": "q"}), True),
    ("tags", compared("NOT_CONTAINS", {"S": "x"}), False),
    ("absent", compared("NOT_CONTAINS", {"S": "x"}), False),
    ("name", compared("BEGINS_WITH", {"S": "Ad"}), True),
    ("age", compared("BEGINS_WITH", {"S": "3"}), False),
    ("age", compared("IN", {"N": "1"}, {"N": "36"}), True),
    ("age", compared("IN", {"N": "1"}), False),
    ("age", compared("BETWEEN", {"N": "36"}, {"N": "40"}), True),
    ("age", compared("BETWEEN", {"N": "37"}, {"N": "40"}), False),
    ("a.b", compared("EQ", {"S": "dotted"}), True),
]


@pytest.mark.parametrize("attribute,condition,expected", CONDITIONS, ids=shown)
def test_every_operator(ada, attribute, condition, expected):
    conditions = {attribute: condition}
    code, answer = outcome("PutItem", {"TableName": ada, "Item": ADA, "Expected": conditions})
    assert code == ("ok" if expected else "ConditionalCheckFailedException")
    assert outcome("Scan", {"TableName": ada, "ScanFilter": conditions})[1]["Count"] == int(expected)
    query = {"TableName": ada, "KeyConditions": {"pk": compared("EQ", KEY["pk"])}, "QueryFilter": conditions}
    assert outcome("Query", query)[1]["Count"] == int(expected)


def test_the_conditional_operator_joins(ada):
    conditions = {"age": compared("EQ", {"N": "36"}), "name": compared("EQ", {"S": "Bob"})}
    scan = lambda **more: outcome("Scan", {"TableName": ada, "ScanFilter": conditions, **more})[1]["Count"]
    assert (scan(), scan(ConditionalOperator="AND"), scan(ConditionalOperator="OR")) == (0, 0, 1)
    delete = lambda **more: outcome("DeleteItem", {"TableName": ada, "Key": KEY, "Expected": conditions, **more})[0]
    assert delete(ConditionalOperator="AND") == "ConditionalCheckFailedException"
    assert delete(ConditionalOperator="OR") == "ok"


@pytest.mark.parametrize("expected,holds", [
    ({"age": {"Value": {"N": "36"}}}, True),
    ({"age": {"Value": {"N": "36"}, "Exists": True}}, True),
    ({"age": {"Value": {"N": "1"}}}, False),
    ({"age": {"Value": {"N": "1"}, "ComparisonOperator": "GT"}}, True),
    ({"age": {"Exists": False}}, False),
    ({"absent": {"Exists": False}}, True),
    ({"age": {"Value": {"N": "36"}}, "absent": {"Exists": False}}, True),
    ({}, True),
], ids=shown)
def test_value_and_exists(ada, expected, holds):
    code, _ = outcome("UpdateItem", {
        "TableName": ada, "Key": KEY, "Expected": expected, "AttributeUpdates": {"q": {"Value": {"S": "x"}}}})
    assert code == ("ok" if holds else "ConditionalCheckFailedException")


# ---- what is refused

@pytest.mark.parametrize("condition,text", [
    *[(compared(op, {t: ALL[t]}), f"{INVALID}ComparisonOperator {op} is not valid for {t} AttributeValue type")
      for op in ("LE", "LT", "GE", "GT", "CONTAINS", "NOT_CONTAINS", "IN", "BEGINS_WITH") for t in ("SS", "NS", "BS", "L", "M", "BOOL", "NULL")],
    (compared("BEGINS_WITH", {"N": "1"}), INVALID + "ComparisonOperator BEGINS_WITH is not valid for N AttributeValue type"),
    (compared("BETWEEN", {"SS": ["a"]}, {"SS": ["b"]}), INVALID + "ComparisonOperator BETWEEN is not valid for SS AttributeValue type"),
    *[(compared(op, {"S": "a"}, {"S": "b"}), f"{INVALID}Invalid number of argument(s) for the {op} ComparisonOperator")
      for op in ("EQ", "NE", "LE", "LT", "GE", "GT", "CONTAINS", "NOT_CONTAINS", "BEGINS_WITH", "NULL", "NOT_NULL")],
    *[(compared(op), f"{INVALID}Invalid number of argument(s) for the {op} ComparisonOperator")
      for op in ("EQ", "NE", "LE", "LT", "GE", "GT", "CONTAINS", "NOT_CONTAINS", "BEGINS_WITH", "IN", "BETWEEN")],
    (compared("BETWEEN", {"S": "a"}), INVALID + "Invalid number of argument(s) for the BETWEEN ComparisonOperator"),
    (compared("BETWEEN", {"S": "b"}, {"N": "1"}), INVALID + "AttributeValues inside AttributeValueList must be of same type"),
    (compared("IN", {"S": "b"}, {"N": "1"}), INVALID + "AttributeValues inside AttributeValueList must be of same type"),
    (compared("BETWEEN", {"S": "b"}, {"S": "a"}),
     "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"),
    (compared("BETWEEN", {"N": "10"}, {"N": "9"}),
     "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"),
    (compared("EQ", {}), "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
    (compared("EQ", {"N": "x"}), "The parameter cannot be converted to a numeric value: x"),
], ids=shown)
def test_conditions_that_are_refused(things, condition, text):
    refusal = ("ValidationException", text)
    assert outcome("Scan", {"TableName": things, "ScanFilter": {"a": condition}}) == refusal
    query = {"TableName": things, "KeyConditions": {"pk": compared("EQ", KEY["pk"])}, "QueryFilter": {"a": condition}}
    assert outcome("Query", query) == refusal
    for operation, member in (("PutItem", "Item"), ("DeleteItem", "Key"), ("UpdateItem", "Key")):
        assert outcome(operation, {"TableName": things, member: KEY, "Expected": {"a": condition}}) == refusal


@pytest.mark.parametrize("expected,text", [
    ({}, "Value must be provided when Exists is null for Attribute: a"),
    ({"Exists": True}, "Value must be provided when Exists is true for Attribute: a"),
    ({"Exists": False, "Value": {"S": "a"}}, "Value cannot be used when Exists is false for Attribute: a"),
    ({"Value": {"S": "a"}, "AttributeValueList": [{"S": "a"}]}, "Value and AttributeValueList cannot be used together for Attribute: a"),
    ({"AttributeValueList": [{"S": "a"}]}, "AttributeValueList can only be used with a ComparisonOperator for Attribute: a"),
    ({"ComparisonOperator": "EQ"}, "Value or AttributeValueList must be used with ComparisonOperator: EQ for Attribute: a"),
    ({"ComparisonOperator": "EQ", "Value": {"S": "a"}, "Exists": True}, "Exists and ComparisonOperator cannot be used together for Attribute: a"),
    ({"ComparisonOperator": "NULL", "Value": {"S": "a"}}, "Invalid number of argument(s) for the NULL ComparisonOperator"),
], ids=shown)
def test_expectations_that_are_refused(things, expected, text):
    assert outcome("PutItem", {"TableName": things, "Item": KEY, "Expected": {"a": expected}}) == ("ValidationException", INVALID + text)


def test_a_conditional_operator_needs_two_conditions(things):
    alone = ("ValidationException", "ConditionalOperator can only be used when Filter or Expected has two or more elements")
    put = {"TableName": things, "Item": KEY, "ConditionalOperator": "OR"}
    assert outcome("PutItem", {**put, "Expected": {"a": {"Exists": False}}}) == alone
    assert outcome("Scan", {"TableName": things, "ConditionalOperator": "AND", "ScanFilter": {"a": compared("NULL")}}) == alone
    assert outcome("PutItem", put) == ("ValidationException", "ConditionalOperator cannot be used without Filter or Expected")
    assert outcome("PutItem", {**put, "Expected": {"a": {"Exists": False}, "b": {"Exists": False}}}) == ("ok", {})


# ---- AttributeUpdates

def update(things, updates, **more):
    return outcome("UpdateItem", {"TableName": things, "Key": KEY, "AttributeUpdates": updates, **more})


def test_put_add_and_delete(things):
    before = {"a": {"N": "1"}, "t": {"SS": ["x"]}, "l": {"L": [{"N": "1"}]}, "gone": {"S": "x"}, "u": {"SS": ["x"]}}
    outcome("PutItem", {"TableName": things, "Item": {**KEY, **before}})
    code, answer = update(things, {
        "a": {"Action": "ADD", "Value": {"N": "2.5"}},
        "b": {"Action": "ADD", "Value": {"N": "-3"}},
        "t": {"Action": "ADD", "Value": {"SS": ["y", "x"]}},
        "l": {"Action": "ADD", "Value": {"L": [{"N": "2"}]}},
        "new.name": {"Action": "PUT", "Value": {"M": {"k": {"NULL": True}}}},
        "put": {"Value": {"BOOL": True}},
        "gone": {"Action": "DELETE"},
        "never": {"Action": "DELETE"},
        "u": {"Action": "DELETE", "Value": {"SS": ["x", "q"]}},
        "v": {"Action": "DELETE", "Value": {"SS": ["x"]}},
    }, ReturnValues="ALL_NEW")
    assert code == "ok"
    after = answer["Attributes"]
    after["t"]["SS"].sort()
    assert after == {
        **KEY, "a": {"N": "3.5"}, "b": {"N": "-3"}, "t": {"SS": ["x", "y"]}, "l": {"L": [{"N": "1"}, {"N": "2"}]},
        "new.name": {"M": {"k": {"NULL": True}}}, "put": {"BOOL": True}}


def test_what_updates_return(things):
    outcome("PutItem", {"TableName": things, "Item": {**KEY, "a": {"N": "1"}, "b": {"N": "1"}}})
    change = {"a": {"Action": "ADD", "Value": {"N": "1"}}}
    assert update(things, change, ReturnValues="UPDATED_NEW") == ("ok", {"Attributes": {"a": {"N": "2"}}})
    assert update(things, change, ReturnValues="UPDATED_OLD") == ("ok", {"Attributes": {"a": {"N": "2"}}})
    assert update(things, {}, ReturnValues="ALL_NEW") == ("ok", {"Attributes": {**KEY, "a": {"N": "3"}, "b": {"N": "1"}}})


def test_an_update_makes_an_item(things):
    key = {"pk": {"S": "made"}, "sk": {"N": "1"}}
    outcome("DeleteItem", {"TableName": things, "Key": key})
    body = {"TableName": things, "Key": key, "AttributeUpdates": {"n": {"Action": "ADD", "Value": {"N": "5"}}}}
    assert outcome("UpdateItem", body) == ("ok", {})
    assert outcome("GetItem", {"TableName": things, "Key": key}) == ("ok", {"Item": {**key, "n": {"N": "5"}}})


@pytest.mark.parametrize("change,text", [
    ({"Action": "PUT"}, INVALID + "Only DELETE action is allowed when no attribute value is specified"),
    ({"Action": "ADD"}, INVALID + "Only DELETE action is allowed when no attribute value is specified"),
    ({}, INVALID + "Only DELETE action is allowed when no attribute value is specified"),
    *[({"Action": "ADD", "Value": {t: ALL[t]}}, f"{INVALID}ADD action is not supported for the type {t}") for t in ("S", "B", "BOOL", "NULL", "M")],
    *[({"Action": "DELETE", "Value": {t: ALL[t]}}, f"{INVALID}DELETE action with value is not supported for the type {t}")
      for t in ("S", "N", "B", "BOOL", "NULL", "L", "M")],
    ({"Action": "PUT", "Value": {}}, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
    ({"Action": "PUT", "Value": {"N": "x"}}, "The parameter cannot be converted to a numeric value: x"),
    ({"Action": "ADD", "Value": {"SS": ["x"]}}, "Type mismatch for attribute to add"),
    ({"Action": "ADD", "Value": {"L": []}}, "Type mismatch for attribute to add"),
    ({"Action": "DELETE", "Value": {"SS": ["x"]}}, "Type mismatch for attribute to remove"),
], ids=shown)
def test_updates_that_are_refused(things, change, text):
    outcome("PutItem", {"TableName": things, "Item": {**KEY, "a": {"N": "1"}}})
    assert update(things, {"a": change}) == ("ValidationException", text)


def test_key_attributes_are_not_updated(things):
    assert update(things, {"sk": {"Action": "ADD", "Value": {"N": "1"}}}) == (
        "ValidationException", INVALID + "Cannot update attribute sk. This attribute is part of the key")


# ---- KeyConditions and QueryFilter

def query(things, conditions, **more):
    return outcome("Query", {"TableName": things, "KeyConditions": conditions, **more})


HASH = compared("EQ", {"S": "numbers"})


@pytest.mark.parametrize("condition,expected", [
    (None, ["-1", "0", "0.5", "1", "10"]),
    (compared("EQ", {"N": "1.0"}), ["1"]),
    (compared("LT", {"N": "0"}), ["-1"]),
    (compared("LE", {"N": "0"}), ["-1", "0"]),
    (compared("GT", {"N": "0.5"}), ["1", "10"]),
    (compared("GE", {"N": "0.5"}), ["0.5", "1", "10"]),
    (compared("BETWEEN", {"N": "0"}, {"N": "1"}), ["0", "0.5", "1"]),
], ids=shown)
def test_key_conditions(things, condition, expected):
    for n in ("-1", "0", "0.5", "1", "10"):
        outcome("PutItem", {"TableName": things, "Item": {"pk": {"S": "numbers"}, "sk": {"N": n}}})
    found = query(things, {"pk": HASH, **({"sk": condition} if condition else {})})[1]["Items"]
    assert [i["sk"]["N"] for i in found] == expected
    backward = query(things, {"pk": HASH, **({"sk": condition} if condition else {})}, ScanIndexForward=False)[1]["Items"]
    assert [i["sk"]["N"] for i in backward] == expected[::-1]


def test_key_conditions_on_texts():
    with table("S") as name:
        for s in ("a", "ab", "abc", "b"):
            outcome("PutItem", {"TableName": name, "Item": {"pk": {"S": "p"}, "sk": {"S": s}}})
        found = query(name, {"pk": compared("EQ", {"S": "p"}), "sk": compared("BEGINS_WITH", {"S": "ab"})})[1]["Items"]
        assert [i["sk"]["S"] for i in found] == ["ab", "abc"]


@pytest.mark.parametrize("conditions,text", [
    ({}, "Conditions can be of length 1 or 2 only"),
    ({"pk": HASH, "sk": compared("EQ", {"N": "1"}), "a": HASH}, "Conditions can be of length 1 or 2 only"),
    *[({"pk": compared(op, {"S": "a"})}, "Attempted conditional constraint is not an indexable operation")
      for op in ("NE", "IN", "CONTAINS", "NOT_CONTAINS")],
    ({"pk": HASH, "sk": compared("NULL")}, "Attempted conditional constraint is not an indexable operation"),
    ({"pk": compared("GT", {"S": "a"})}, "Query key condition not supported"),
    ({"pk": compared("BEGINS_WITH", {"S": "a"})}, "Query key condition not supported"),
    ({"sk": compared("EQ", {"N": "1"})}, "Query condition missed key schema element: pk"),
    ({"pk": HASH, "a": HASH}, "Query condition missed key schema element: sk"),
    ({"pk": compared("EQ", {"N": "1"})}, INVALID + "Condition parameter type does not match schema type"),
    ({"pk": HASH, "sk": compared("EQ", {"S": "1"})}, INVALID + "Condition parameter type does not match schema type"),
    ({"pk": HASH, "sk": compared("BETWEEN", {"N": "2"}, {"N": "1"})},
     "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"),
], ids=shown)
def test_key_conditions_that_are_refused(things, conditions, text):
    assert query(things, conditions) == ("ValidationException", text)


def test_a_query_filter_leaves_the_key_alone(things):
    assert query(things, {"pk": HASH}, QueryFilter={"sk": compared("EQ", {"N": "1"})}) == (
        "ValidationException", "QueryFilter can only contain non-primary key attributes: Primary key attribute: sk")
    assert query(things, {"pk": HASH}, QueryFilter={"a": compared("NULL")})[0] == "ok"


# ---- AttributesToGet

def test_attributes_to_get(ada):
    wanted = {"a.b": ADA["a.b"], "age": ADA["age"]}
    names = ["a.b", "age", "absent"]
    assert outcome("GetItem", {"TableName": ada, "Key": KEY, "AttributesToGet": names})[1]["Item"] == wanted
    assert query(ada, {"pk": compared("EQ", KEY["pk"])}, AttributesToGet=names)[1]["Items"] == [wanted]
    assert wanted in outcome("Scan", {"TableName": ada, "AttributesToGet": names})[1]["Items"]
    batch = outcome("BatchGetItem", {"RequestItems": {ada: {"Keys": [KEY], "AttributesToGet": names}}})[1]
    assert batch["Responses"][ada] == [wanted]
