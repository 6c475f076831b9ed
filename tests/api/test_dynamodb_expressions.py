# SPDX-License-Identifier: Apache-2.0
"""Condition, filter, projection, key and update expressions: what they do, and what is refused in which words."""
import decimal
import os
import random
import re

import boto3
import pytest
from boto3.dynamodb.conditions import Attr, Key

from dynamodb_tools import outcome, table
from lambda_tools import unique

KEY = {"pk": {"S": "a"}, "sk": {"N": "1"}}
VALUES = {
    ":a": {"S": "a"}, ":b": {"S": "b"}, ":n": {"N": "1"}, ":m": {"N": "2"}, ":t": {"BOOL": True}, ":0": {"NULL": True}, ":l": {"L": []},
    ":mm": {"M": {}}, ":ss": {"SS": ["a"]}, ":ns": {"NS": ["1"]}, ":bin": {"B": "YQ=="}, ":S": {"S": "S"}, ":e": {"S": ""}}
NAMES = {"#n": "n", "#o": "o"}
TYPE = "Incorrect operand type for operator or function; operator or function: "
COUNT = "Incorrect number of operands for operator or function; operator or function: "
PATH = "Operator or function requires a document path; operator or function: "
MISUSE = "The function is not allowed to be used this way in an expression; function: "
FUNCTION = "Invalid function name; function: "
RESERVED = "Attribute name is a reserved keyword; reserved keyword: "
PARENTHESES = "The expression has redundant parentheses;"
VALUE = "An expression attribute value used in expression is not defined; attribute value: "
NAME = "An expression attribute name used in the document path is not defined; attribute name: "
DISTINCT = "The first operand must be distinct from the remaining operands for this operator or function; operator: "
OVERLAP = "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: "
CONFLICT = "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: "
BETWEEN = "The BETWEEN operator requires "
SIZE = "Expression size has exceeded the maximum allowed size; expression size: "


@pytest.fixture(scope="module")
def things():
    with table() as name:
        yield name


@pytest.fixture(scope="module")
def rows(things):
    return boto3.resource(
        "dynamodb", endpoint_url=os.environ["GUST_ENDPOINT"], region_name="us-east-1",
        aws_access_key_id=os.environ.get("AWS_ACCESS_KEY_ID", "test"),
        aws_secret_access_key=os.environ.get("AWS_SECRET_ACCESS_KEY", "test")).Table(things)


@pytest.fixture
def pk():
    return unique("pk")


def used(text):
    """The placeholders of a text, so that none is unused."""
    words = set(re.findall(r"[:#]\w+", text))
    body = {}
    if values := {k: v for k, v in VALUES.items() if k in words}:
        body["ExpressionAttributeValues"] = values
    if names := {k: v for k, v in NAMES.items() if k in words}:
        body["ExpressionAttributeNames"] = names
    return body


def condition(things, text, **more):
    return outcome("PutItem", {"TableName": things, "Item": KEY, "ConditionExpression": text, **used(text), **more})


def shown(text):
    return text if len(text) < 60 else text[:50] + "..."


# ---- conditions

CONDITIONS = [
    ("", "The expression can not be empty;"),
    ("a" * 4097, SIZE + "4097"),
    ("((a = :a))", PARENTHESES),
    ("((a)) = :a", PARENTHESES),
    ("NOT ((a = :a))", PARENTHESES),
    ("((a = :a AND b = :b))", PARENTHESES),
    ("abort = :a", RESERVED + "abort"),
    ("a.Status = :a", RESERVED + "Status"),
    ("attribute_exists(NAME)", RESERVED + "NAME"),
    ("abort(a)", FUNCTION + "abort"),
    ("Size(a) = :n", FUNCTION + "Size"),
    ("attribute_exist(a)", FUNCTION + "attribute_exist"),
    ("foo(a, b) = :a", FUNCTION + "foo"),
    ("#z = :a", NAME + "#z"),
    ("a.#z[0] = :a", NAME + "#z"),
    ("a = :zz", VALUE + ":zz"),
    ("size(:n) = :n", TYPE + "size, operand type: N"),
    ("size(:t) = :n", TYPE + "size, operand type: BOOL"),
    ("size(:0) = :n", TYPE + "size, operand type: NULL"),
    ("size(size(a)) = :n", TYPE + "size, operand type: N"),
    ("size(a)", MISUSE + "size"),
    ("size(a, b) = :n", COUNT + "size, number of operands: 2"),
    ("attribute_exists(a) = :a", MISUSE + "attribute_exists"),
    ("a = contains(b, :a)", MISUSE + "contains"),
    ("contains(a, begins_with(b, :a))", MISUSE + "begins_with"),
    ("attribute_exists(:a)", PATH + "attribute_exists"),
    ("attribute_not_exists(:a)", PATH + "attribute_not_exists"),
    ("attribute_exists(size(a))", PATH + "attribute_exists"),
    ("attribute_exists(a, b)", COUNT + "attribute_exists, number of operands: 2"),
    ("contains(a)", COUNT + "contains, number of operands: 1"),
    ("contains(a, :a, :b)", COUNT + "contains, number of operands: 3"),
    ("begins_with(a)", COUNT + "begins_with, number of operands: 1"),
    ("contains(a, a)", DISTINCT + "contains, first operand: [a]"),
    ("begins_with(a.b, a.b)", DISTINCT + "begins_with, first operand: [a, b]"),
    ("begins_with(a, :n)", TYPE + "begins_with, operand type: N"),
    ("begins_with(a, :ss)", TYPE + "begins_with, operand type: SS"),
    ("begins_with(:n, a)", TYPE + "begins_with, operand type: N"),
    ("begins_with(a, size(b))", TYPE + "begins_with, operand type: N"),
    ("attribute_type(a, :n)", TYPE + "attribute_type, operand type: N"),
    ("attribute_type(a, b)", TYPE + "attribute_type, operand type: {NS,SS,L,BS,N,M,B,BOOL,NULL,S}"),
    ("attribute_type(a, :a)", "Invalid attribute type name found; type: a, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}"),
    ("a = a", DISTINCT + "=, first operand: [a]"),
    ("a < a", DISTINCT + "<, first operand: [a]"),
    ("a[1] = a[01]", DISTINCT + "=, first operand: [a, [1]]"),
    *[(f"a {op} {v}", f"{TYPE}{op}, operand type: {t}")
      for op in ("<", "<=", ">", ">=") for v, t in ((":t", "BOOL"), (":0", "NULL"), (":l", "L"), (":mm", "M"), (":ss", "SS"))],
    ("a BETWEEN :b AND :a", BETWEEN + "upper bound to be greater than or equal to lower bound; lower bound operand: "
     "AttributeValue: {S:b}, upper bound operand: AttributeValue: {S:a}"),
    ("a BETWEEN :m AND :n", BETWEEN + "upper bound to be greater than or equal to lower bound; lower bound operand: "
     "AttributeValue: {N:2}, upper bound operand: AttributeValue: {N:1}"),
    ("a BETWEEN :a AND :n", BETWEEN + "same data type for lower and upper bounds; lower bound operand: "
     "AttributeValue: {S:a}, upper bound operand: AttributeValue: {N:1}"),
    ("a BETWEEN :t AND :a", BETWEEN + "same data type for lower and upper bounds; lower bound operand: "
     "AttributeValue: {BOOL:true}, upper bound operand: AttributeValue: {S:a}"),
    ("a IN (" + ",".join([":a"] * 101) + ")", "The IN operator is provided with too many operands; number of operands: 101"),
    ("a[92233720368547758071] = :a", "List index is not within the allowable range; index: [92233720368547758071]"),
    # What is said first.
    ("((a = :a)) AND abort = :zz", PARENTHESES),
    ("abort = :zz AND foo(a)", FUNCTION + "foo"),
    ("#z = :a AND abort = :a", RESERVED + "abort"),
    ("a = a AND b = :zz", VALUE + ":zz"),
    ("a = a AND size(b)", MISUSE + "size"),
    ("b = b AND a BETWEEN :b AND :a", DISTINCT + "=, first operand: [b]"),
]


@pytest.mark.parametrize("text,message", CONDITIONS, ids=shown)
def test_conditions_that_are_refused(things, text, message):
    expected = ("ValidationException", "Invalid ConditionExpression: " + message)
    assert condition(things, text) == expected
    body = {"TableName": things, "FilterExpression": text, **used(text)}
    assert outcome("Scan", body) == ("ValidationException", "Invalid FilterExpression: " + message)


SYNTAX = [
    "a", "a =", "= :a", "a = :a AND", "AND a = :a", "a = :a OR b", "a = :a b", "a == :a", "a != :a", "a = 1", "a = 'x'", 'a = "x"', "a =: a",
    "a = :a = :b", "a < b < c", "(a = :a) = :b", "(a = :a", "a = :a)", "()", "a IN ()", "a IN :a", "a IN (:a", "a IN (:a,)", "a BETWEEN :a",
    "a BETWEEN :a, :b", "a BETWEEN :a AND", "attribute_exists()", "attribute_exists(a", "attribute_exists(a,)", "a[b] = :a", "a[-1] = :a",
    "a[:a] = :a", "a[] = :a", "a[0 = :a", "[0] = :a", ".a = :a", "a. = :a", "a..b = :a", "1a = :a", "a-b = :a", "_a = :a", "# = :a", "a = :",
    "and = :a", "between = :a", "in = :a", "or = :a", "not = :a", "NOT", "a = :a NOT b = :b", "a = :a; b = :b", "a = \u00e4", "a = :a\u0000"]


@pytest.mark.parametrize("text", SYNTAX, ids=shown)
def test_conditions_that_are_no_conditions(things, text):
    code, message = condition(things, text)
    assert code == "ValidationException"
    assert re.fullmatch(r'Invalid ConditionExpression: Syntax error; token: "[^\n]+", near: "[^\n]+"', message, re.DOTALL)


@pytest.mark.parametrize("text,token,near", [
    ("a-b = :a", "-", "a-b"), ("a = = :a", "=", "= = :a"), ("a = 1", "1", "= 1"), ("a IN :a", ":a", "IN :a")])
def test_syntax_errors_show_their_place(things, text, token, near):
    assert condition(things, text) == (
        "ValidationException", f'Invalid ConditionExpression: Syntax error; token: "{token}", near: "{near}"')


def test_what_is_blank_is_empty(things):
    assert condition(things, "   ")[0] == "ValidationException"


def test_an_expression_has_at_most_4096_bytes(things):
    assert condition(things, "attribute_not_exists(" + "q" * 4074 + ")") == ("ok", {})
    assert condition(things, "attribute_not_exists(" + "q" * 4075 + ")")[1].endswith(SIZE + "4097")


def test_an_expression_has_at_most_300_operators(things):
    text = " OR ".join(["q=:a"] * 150)  # 150 comparisons, 149 times OR
    assert condition(things, text)[0] == "ConditionalCheckFailedException"
    assert condition(things, text + " OR NOT q=:b") == ("ValidationException", condition(things, text + " OR q=:a OR q=:a")[1])


def test_a_path_has_at_most_32_elements(things):
    assert condition(things, "attribute_not_exists(" + ".".join("q" * 32) + ")") == ("ok", {})
    assert condition(things, "attribute_not_exists(" + ".".join("q" * 33) + ")")[0] == "ValidationException"
    assert condition(things, "attribute_not_exists(q" + "[0]" * 31 + ")") == ("ok", {})
    assert condition(things, "attribute_not_exists(q" + "[0]" * 32 + ")")[0] == "ValidationException"


def test_in_takes_100_operands(things):
    assert condition(things, "NOT q IN (" + ",".join([":a"] * 100) + ")") == ("ok", {})


ADA = {
    "name": "Ada", "age": 36, "tags": {"x", "z"}, "nums": {1, 2, 5}, "els": ["zero", 1, {"deep": "deep", "also": 7}], "a.b": "dotted",
    "doc": {"deep": {"er": 3}, "l": [5, 6]}, "flag": True, "nothing": None, "bytes": b"\x01\x02\xff", "blank": "", "umlaut": "\u00e4b"}


@pytest.fixture(scope="module")
def ada(rows):
    rows.put_item(Item={"pk": "ada", "sk": 1, **ADA})
    yield rows
    rows.delete_item(Key={"pk": "ada", "sk": 1})


def holds(rows, text, values=None, names=None):
    arguments = {"FilterExpression": text, "KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": "ada", **(values or {})}}
    if names:
        arguments["ExpressionAttributeNames"] = names
    return rows.query(**arguments)["Count"] == 1


@pytest.mark.parametrize("text,values,expected", [
    ("age = :v", {":v": 36}, True),
    ("age = :v", {":v": decimal.Decimal("36.00")}, True),
    ("age = :v", {":v": "36"}, False),
    ("age <> :v", {":v": 36}, False),
    ("absent <> :v", {":v": 36}, True),
    ("absent = :v", {":v": 36}, False),
    ("absent < :v", {":v": 36}, False),
    ("NOT absent < :v", {":v": 36}, True),
    ("age < :v", {":v": 36}, False),
    ("age <= :v", {":v": 36}, True),
    ("age > :v", {":v": 9}, True),
    (":v < age", {":v": 9}, True),
    ("(age) >= (:v)", {":v": 36}, True),
    ("age > :v", {":v": "9"}, False),
    ("bytes > :v", {":v": b"\x01"}, True),
    ("age BETWEEN :v AND :w", {":v": 36, ":w": 36}, True),
    ("age BETWEEN :v AND :w", {":v": 37, ":w": 40}, False),
    (":v BETWEEN els[1] AND age", {":v": 20}, True),
    ("age IN (:v, :w)", {":v": 1, ":w": 36}, True),
    ("age IN (:v, :w)", {":v": 1, ":w": "36"}, False),
    ("els[1] IN (age, :v)", {":v": 1}, True),
    ("attribute_exists(nothing)", {}, True),
    ("attribute_exists(els[2].deep)", {}, True),
    ("attribute_exists(els[3])", {}, False),
    ("attribute_not_exists(doc.nope.er)", {}, True),
    ("attribute_type(els, :v)", {":v": "L"}, True),
    ("attribute_type(nothing, :v)", {":v": "NULL"}, True),
    ("attribute_type(absent, :v)", {":v": "NULL"}, False),
    ("begins_with(umlaut, :v)", {":v": "\u00e4"}, True),
    ("begins_with(bytes, :v)", {":v": b"\x01\x02"}, True),
    ("begins_with(age, :v)", {":v": "3"}, False),
    ("begins_with(blank, :v)", {":v": ""}, True),
    ("contains(tags, :v)", {":v": "x"}, True),
    ("contains(tags, :v)", {":v": "y"}, False),
    ("contains(nums, :v)", {":v": decimal.Decimal("2.0")}, True),
    ("contains(els, :v)", {":v": {"deep": "deep", "also": 7}}, True),
    ("contains(umlaut, :v)", {":v": "b"}, True),
    ("contains(bytes, :v)", {":v": b"\xff"}, True),
    ("contains(doc, :v)", {":v": "deep"}, False),
    ("size(els) = :v", {":v": 3}, True),
    ("size(umlaut) = :v", {":v": 2}, True),
    ("size(bytes) = :v", {":v": 3}, True),
    ("size(tags) = :v AND size(doc) = :v", {":v": 2}, True),
    ("size(age) = :v", {":v": 2}, False),
    ("size(blank) = :v", {":v": 0}, True),
    ("size(els) > size(tags)", {}, True),
    ("flag = :v", {":v": True}, True),
    ("nothing = :v", {":v": None}, True),
    ("els = :v", {":v": ADA["els"]}, True),
    ("tags = :v", {":v": {"z", "x"}}, True),
    ("doc = :v", {":v": {"l": [5, 6], "deep": {"er": 3}}}, True),
    ("doc = :v", {":v": {"l": [6, 5], "deep": {"er": 3}}}, False),
    ("attribute_exists(age) OR attribute_exists(x1) AND attribute_exists(x2)", {}, True),
    ("(attribute_exists(age) OR attribute_exists(x1)) AND attribute_exists(x2)", {}, False),
    ("NOT attribute_exists(x1) AND attribute_exists(age)", {}, True),
    ("NOT (attribute_exists(x1) OR attribute_exists(age))", {}, False),
    ("not attribute_exists(x1)And attribute_exists(age)oR attribute_exists(x2)", {}, True),
], ids=lambda c: str(c)[:60])
def test_conditions_that_hold_or_not(ada, text, values, expected):
    assert holds(ada, text, values) is expected


def test_names_stand_for_whole_names(ada):
    assert holds(ada, "#d = :v", {":v": "dotted"}, {"#d": "a.b"})
    assert not holds(ada, "attribute_exists(#d)", {}, {"#d": "doc.deep"})
    assert holds(ada, "#a.#b.er = :v", {":v": 3}, {"#a": "doc", "#b": "deep"})


def test_conditions_made_by_boto3(ada):
    query = lambda f: ada.query(KeyConditionExpression=Key("pk").eq("ada") & Key("sk").between(0, 2), FilterExpression=f)["Count"]
    assert query(Attr("age").is_in([36]) & (Attr("name").begins_with("A") | ~Attr("tags").contains("x"))) == 1
    assert query(~Attr("doc.deep.er").eq(3)) == 0
    assert query(Attr("els").size().gte(3) & Attr("flag").attribute_type("BOOL") & Attr("q").not_exists()) == 1


# ---- updates

UPDATES = [
    ("", "The expression can not be empty;"),
    ("SET a = :a SET b = :a", 'The "SET" section can only be used once in an update expression;'),
    ("REMOVE a REMOVE b", 'The "REMOVE" section can only be used once in an update expression;'),
    ("ADD a :n ADD b :n", 'The "ADD" section can only be used once in an update expression;'),
    ("DELETE a :ss DELETE b :ss", 'The "DELETE" section can only be used once in an update expression;'),
    ("REMOVE a, a", OVERLAP + "[a], path two: [a]"),
    ("REMOVE a, a.b", OVERLAP + "[a], path two: [a, b]"),
    ("REMOVE a.b, a", OVERLAP + "[a, b], path two: [a]"),
    ("SET a = :a REMOVE a", OVERLAP + "[a], path two: [a]"),
    ("REMOVE a SET a.b = :a", OVERLAP + "[a], path two: [a, b]"),
    ("SET a.b = :a ADD a :n", OVERLAP + "[a, b], path two: [a]"),
    ("SET a[1] = :a REMOVE a[01]", OVERLAP + "[a, [1]], path two: [a, [1]]"),
    ("SET a.b = :a, a[1] = :b", CONFLICT + "[a, b], path two: [a, [1]]"),
    ("SET a[1] = :a REMOVE a.b", CONFLICT + "[a, [1]], path two: [a, b]"),
    ("SET a = b + :a", TYPE + "+, operand type: S"),
    ("SET a = :t - b", TYPE + "-, operand type: BOOL"),
    ("SET a = if_not_exists(:a, :a)", PATH + "if_not_exists"),
    ("SET a = if_not_exists(if_not_exists(a, b), :a)", PATH + "if_not_exists"),
    ("SET a = if_not_exists(a)", COUNT + "if_not_exists, number of operands: 1"),
    ("SET a = if_not_exists(a, b, c)", COUNT + "if_not_exists, number of operands: 3"),
    ("SET a = list_append(a)", COUNT + "list_append, number of operands: 1"),
    ("SET a = list_append(a, :a)", TYPE + "list_append, operand type: S"),
    ("SET a = list_append(:ss, b)", TYPE + "list_append, operand type: SS"),
    ("SET a = size(b)", FUNCTION + "size"),
    ("SET a = attribute_exists(b)", FUNCTION + "attribute_exists"),
    ("SET a = foo(foo(b))", FUNCTION + "foo"),
    ("SET abort = :a", RESERVED + "abort"),
    ("SET a = abort", RESERVED + "abort"),
    ("REMOVE a.abort", RESERVED + "abort"),
    ("SET #z = :a", NAME + "#z"),
    ("SET a = :zz", VALUE + ":zz"),
    ("ADD a :zz", VALUE + ":zz"),
    ("SET a = foo(abort)", RESERVED + "abort"),
    ("SET a = :a SET b = abort", RESERVED + "abort"),
    ("SET a = foo(b) SET b = :a", FUNCTION + "foo"),
    ("SET a = :a SET a = :zz", 'The "SET" section can only be used once in an update expression;'),
    ("SET a = :a, a = b + :a", OVERLAP + "[a], path two: [a]"),
    ("SET a = b + :a, c = c + :zz", VALUE + ":zz"),
]


@pytest.mark.parametrize("text,message", UPDATES, ids=shown)
def test_updates_that_are_refused(things, text, message):
    body = {"TableName": things, "Key": KEY, "UpdateExpression": text, **used(text)}
    assert outcome("UpdateItem", body) == ("ValidationException", "Invalid UpdateExpression: " + message)


@pytest.mark.parametrize("text,operator,kind", [
    ("ADD a :a", "ADD", "STRING"), ("ADD a :l", "ADD", "LIST"), ("ADD a :mm", "ADD", "MAP"), ("ADD a :t", "ADD", "BOOLEAN"),
    ("ADD a :0", "ADD", "NULL"), ("ADD a :bin", "ADD", "BINARY"), ("DELETE a :n", "DELETE", "NUMBER"), ("DELETE a :a", "DELETE", "STRING"),
    ("DELETE a :l", "DELETE", "LIST")])
def test_operands_of_add_and_delete(things, text, operator, kind):
    code, message = outcome("UpdateItem", {"TableName": things, "Key": KEY, "UpdateExpression": text, **used(text)})
    assert code == "ValidationException"
    assert message.startswith("Invalid UpdateExpression: Incorrect operand type for operator or function; operator: "
                              f"{operator}, operand type: {kind}")


@pytest.mark.parametrize("text", [
    "x", "SET", "SET a", "SET a =", "SET a = :a,", "SET a = :a, REMOVE b", "SET a = :a b = :b", "SET :a = :b", "SET a := b", "SET add = :a",
    "SET set = :a", "SET remove = :a", "SET delete = :a", "SET a = b + c + d", "SET a = b * :n", "SET a = -:n", "SET a = if_not_exists(a, :n + :m)",
    "SET a = list_append(b + c, :l)", "SETa=:a", "SET a=:aREMOVE b", "REMOVE", "REMOVE a :a", "REMOVE a b", "ADD a", "ADD a = :n", "ADD a b",
    "ADD a :n :m", "DELETE a", "DELETE a, b", "SET a = :a AND b = :b", "SET a[b] = :a", "SET a.[0] = :a", "SET size(a) = :n", "SET 1a = :a",
    "SET a-b = :a"], ids=shown)
def test_updates_that_are_no_updates(things, text):
    code, message = outcome("UpdateItem", {"TableName": things, "Key": KEY, "UpdateExpression": text, **used(text)})
    assert code == "ValidationException"
    assert message.startswith("Invalid UpdateExpression: Syntax error; token: ")


def test_key_attributes_are_not_updated(things):
    for text in ("SET sk = :n", "REMOVE pk", "ADD sk :n", "SET pk.a = :n"):
        name = text.split()[1].split(".")[0]
        assert outcome("UpdateItem", {"TableName": things, "Key": KEY, "UpdateExpression": text, **used(text)}) == (
            "ValidationException",
            f"One or more parameter values were invalid: Cannot update attribute {name}. This attribute is part of the key")


def updated(rows, pk, before, text, values=None):
    """The item after an update, without its key."""
    key = {"pk": pk, "sk": 1}
    rows.put_item(Item={**key, **before})
    arguments = {"ExpressionAttributeValues": values} if values else {}
    after = rows.update_item(Key=key, UpdateExpression=text, ReturnValues="ALL_NEW", **arguments)["Attributes"]
    assert rows.get_item(Key=key)["Item"] == after
    return {k: v for k, v in after.items() if k not in key}


@pytest.mark.parametrize("before,text,values,after", [
    ({"a": 5}, "SET a = :v, b = :w", {":v": 1, ":w": "x"}, {"a": 1, "b": "x"}),
    ({"a": 1, "b": 2}, "SET a = b, b = a", {}, {"a": 2, "b": 1}),
    ({"a": 2}, "SET a = a + :v, b = :w - a", {":v": 1, ":w": 10}, {"a": 3, "b": 8}),
    ({"a": 2}, "SET a = (a - :v)", {":v": decimal.Decimal("0.5")}, {"a": decimal.Decimal("1.5")}),
    ({}, "SET a = if_not_exists(a, :v) + :v", {":v": 1}, {"a": 2}),
    ({"a": 7}, "SET a = if_not_exists(a, :v) + :v", {":v": 1}, {"a": 8}),
    ({}, "SET a = if_not_exists(b, if_not_exists(c, :v))", {":v": 1}, {"a": 1}),
    ({"a": [1]}, "SET a = list_append(a, :v), b = list_append(:v, a)", {":v": [3]}, {"a": [1, 3], "b": [3, 1]}),
    ({}, "SET a = list_append(if_not_exists(a, :e), :v)", {":v": [3], ":e": []}, {"a": [3]}),
    ({"m": {}, "l": ["x"]}, "SET m.k = :v, l[0] = :v", {":v": 1}, {"m": {"k": 1}, "l": [1]}),
    ({"l": ["x"]}, "SET l[9] = :v, l[5] = :w", {":v": 2, ":w": 1}, {"l": ["x", 1, 2]}),
    ({"l": [0, 1, 2, 3, 4]}, "REMOVE l[0], l[3], l[9]", {}, {"l": [1, 2, 4]}),
    ({"l": [8, 9]}, "REMOVE l[0] SET l[1] = :v, l[7] = :w", {":v": 1, ":w": 2}, {"l": [1, 2]}),
    ({"l": [[1, 2], [3, 4]]}, "REMOVE l[0][1], l[1]", {}, {"l": [[1]]}),
    ({"a": 1, "b": 2}, "REMOVE a, absent", {}, {"b": 2}),
    ({"m": {"a": 1, "b": 2}}, "REMOVE m.a", {}, {"m": {"b": 2}}),
    ({"a": 5}, "ADD a :v, b :w", {":v": decimal.Decimal("-1.5"), ":w": 2}, {"a": decimal.Decimal("3.5"), "b": 2}),
    ({"t": {"x", "q"}}, "ADD t :v", {":v": {"x", "y"}}, {"t": {"q", "x", "y"}}),
    ({}, "ADD t :v", {":v": {1, 2}}, {"t": {1, 2}}),
    ({"m": {"n": 1}}, "ADD m.n :v, m.o :v", {":v": 1}, {"m": {"n": 2, "o": 1}}),
    ({"t": {"x", "q"}}, "DELETE t :v, u :v", {":v": {"x", "y"}}, {"t": {"q"}}),
    ({"t": {"x"}}, "DELETE t :v", {":v": {"x"}}, {}),
    ({"a": 1, "t": {1, 2}}, "set a = :v remove b add c :v delete t :w", {":v": 2, ":w": {1}}, {"a": 2, "c": 2, "t": {2}}),
], ids=lambda c: str(c)[:50])
def test_what_updates_do(rows, pk, before, text, values, after):
    assert updated(rows, pk, before, text, values) == after


@pytest.mark.parametrize("text,message", [
    ("SET a = absent", "The provided expression refers to an attribute that does not exist in the item"),
    ("SET a = absent + :n", "The provided expression refers to an attribute that does not exist in the item"),
    ("SET a = s + :n", "An operand in the update expression has an incorrect data type"),
    ("SET a = list_append(s, :l)", "An operand in the update expression has an incorrect data type"),
    ("SET absent.a = :n", "The document path provided in the update expression is invalid for update"),
    ("SET s[0] = :n", "The document path provided in the update expression is invalid for update"),
    ("SET s.k = :n", "The document path provided in the update expression is invalid for update"),
    ("REMOVE absent.a", "The document path provided in the update expression is invalid for update"),
    ("ADD s :n", "An operand in the update expression has an incorrect data type"),
    ("ADD t :ns", "An operand in the update expression has an incorrect data type"),
    ("DELETE t :ns", "An operand in the update expression has an incorrect data type"),
    ("SET a = big + :n", "Attempting to store more than 38 significant digits in a Number"),
])
def test_updates_that_do_not_fit_the_item(things, text, message):
    item = {**KEY, "s": {"S": "x"}, "t": {"SS": ["x"]}, "big": {"N": "1" + "0" * 38}}
    assert outcome("PutItem", {"TableName": things, "Item": item}) == ("ok", {})
    assert outcome("UpdateItem", {"TableName": things, "Key": KEY, "UpdateExpression": text, **used(text)}) == (
        "ValidationException", message)
    assert outcome("GetItem", {"TableName": things, "Key": KEY}) == ("ok", {"Item": item})


def test_what_updates_return(rows, pk):
    key = {"pk": pk, "sk": 1}
    rows.put_item(Item={**key, "a": 1, "m": {"x": 1, "y": 2}, "l": [1, 2, 3]})
    update = lambda how, **values: rows.update_item(
        Key=key, UpdateExpression="SET a = :a, m.x = :a, l[1] = :a REMOVE q", ReturnValues=how,
        ExpressionAttributeValues={":a": values["a"]}).get("Attributes")
    assert update("NONE", a=2) is None
    assert update("UPDATED_OLD", a=3) == {"a": 2, "m": {"x": 2}, "l": [2]}
    assert update("UPDATED_NEW", a=4) == {"a": 4, "m": {"x": 4}, "l": [4]}
    assert update("ALL_OLD", a=5)["a"] == 4
    assert update("ALL_NEW", a=6) == {**key, "a": 6, "m": {"x": 6, "y": 2}, "l": [1, 6, 3]}


# ---- projections

@pytest.mark.parametrize("text,message", [
    ("", "The expression can not be empty;"),
    ("a, a", OVERLAP + "[a], path two: [a]"),
    ("a, a.b", OVERLAP + "[a], path two: [a, b]"),
    ("a.b.c, a.b", OVERLAP + "[a, b, c], path two: [a, b]"),
    ("a[0], a[0]", OVERLAP + "[a, [0]], path two: [a, [0]]"),
    ("a.b, a[1]", CONFLICT + "[a, b], path two: [a, [1]]"),
    ("abort", RESERVED + "abort"),
    ("a, #z", NAME + "#z"),
    ("a, abort, #z, a", RESERVED + "abort"),
    ("a, a, #z", NAME + "#z"),
    ("q" * 4097, SIZE + "4097")], ids=shown)
def test_projections_that_are_refused(things, text, message):
    expected = ("ValidationException", "Invalid ProjectionExpression: " + message)
    assert outcome("GetItem", {"TableName": things, "Key": KEY, "ProjectionExpression": text}) == expected
    assert outcome("Scan", {"TableName": things, "ProjectionExpression": text}) == expected
    assert outcome("BatchGetItem", {"RequestItems": {things: {"Keys": [KEY], "ProjectionExpression": text}}}) == expected


@pytest.mark.parametrize("text", ["a,", ",a", "a b", "a,,b", ":a", "size(a)", "(a)", "[0]", "a-b", "1a", "a = :a", "a."], ids=shown)
def test_projections_that_are_no_projections(things, text):
    code, message = outcome("GetItem", {"TableName": things, "Key": KEY, "ProjectionExpression": text})
    assert (code, message.split("; ")[0]) == ("ValidationException", "Invalid ProjectionExpression: Syntax error")


@pytest.mark.parametrize("text,expected", [
    ("age, absent", {"age": 36}),
    ("doc.deep.er, doc.l[1]", {"doc": {"deep": {"er": 3}, "l": [6]}}),
    ("els[2].also, els[0]", {"els": ["zero", {"also": 7}]}),
    ("els[7], absent.x, tags[0]", {}),
    ("els", {"els": ADA["els"]})])
def test_what_projections_take(ada, text, expected):
    assert ada.get_item(Key={"pk": "ada", "sk": 1}, ProjectionExpression=text).get("Item", {}) == expected
    assert ada.query(KeyConditionExpression=Key("pk").eq("ada"), ProjectionExpression=text)["Items"] == [expected]


# ---- key conditions

MATCH = "One or more parameter values were invalid: Condition parameter type does not match schema type"
OPERATOR = "Invalid operator used in KeyConditionExpression: "
SHAPE = "Invalid condition in KeyConditionExpression: "

KEY_CONDITIONS = [
    ("pk = :n", MATCH),
    ("pk = :a AND sk = :a", MATCH),
    ("pk = :a AND begins_with(sk, :a)", MATCH),
    ("pk = :ss", MATCH),
    ("sk = :n", "Query condition missed key schema element: pk"),
    ("a = :a", "Query condition missed key schema element: pk"),
    ("pk = :a AND a = :n", "Query condition missed key schema element: sk"),
    ("pk > :a", "Query key condition not supported"),
    ("begins_with(pk, :a)", "Query key condition not supported"),
    ("pk BETWEEN :a AND :b", "Query key condition not supported"),
    ("pk = :a AND sk <> :n", OPERATOR + "<>"),
    ("pk = :a OR sk = :n", OPERATOR + "OR"),
    ("NOT pk = :a", OPERATOR + "NOT"),
    ("pk IN (:a)", OPERATOR + "IN"),
    ("attribute_exists(pk)", OPERATOR + "attribute_exists"),
    ("pk = :a AND contains(sk, :n)", OPERATOR + "contains"),
    ("pk = :a AND pk = :b", "KeyConditionExpressions must only contain one condition per key"),
    ("pk = :a AND (sk > :n AND sk < :m)", "KeyConditionExpressions must only contain one condition per key"),
    ("pk = :a AND sk = :n AND a = :a", "Conditions can be of length 1 or 2 only"),
    ("pk = :a AND size(sk) = :n", "KeyConditionExpressions cannot contain nested operations"),
    ("pk.a = :a", "KeyConditionExpressions cannot have conditions on nested attributes"),
    ("pk[0] = :a", "KeyConditionExpressions cannot have conditions on nested attributes"),
    ("pk = sk", SHAPE + "Multiple attribute names used in one condition"),
    (":a = :b", SHAPE + "No key attribute specified"),
    ("pk = :a AND begins_with(:a, sk)", SHAPE + "begins_with operator must have the key attribute as its first operand"),
    ("pk = :a AND :n BETWEEN sk AND :m", SHAPE + "BETWEEN operator must have the key attribute as its first operand"),
    ("", "Invalid KeyConditionExpression: The expression can not be empty;"),
    ("((pk = :a)) AND sk = :n", "Invalid KeyConditionExpression: " + PARENTHESES),
    ("pk = :a AND begins_with(sk, :n)", "Invalid KeyConditionExpression: " + TYPE + "begins_with, operand type: N"),
    ("pk = :a AND sk BETWEEN :m AND :n", "Invalid KeyConditionExpression: " + BETWEEN + "upper bound to be greater than or equal to "
     "lower bound; lower bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {N:1}"),
    ("pk = :e", "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. "
     "Key: pk"),
]


@pytest.mark.parametrize("text,message", KEY_CONDITIONS, ids=shown)
def test_key_conditions_that_are_refused(things, text, message):
    body = {"TableName": things, "KeyConditionExpression": text, **used(text)}
    assert outcome("Query", body) == ("ValidationException", message)


def test_filters_leave_the_key_alone(things):
    query = lambda text: outcome("Query", {
        "TableName": things, "KeyConditionExpression": "pk = :a", "FilterExpression": text, **used("pk = :a " + text)})
    for text, name in (("pk = :a", "pk"), ("a = :a OR NOT size(sk) > :n", "sk"), ("sk.a = :a", "sk")):
        assert query(text) == (
            "ValidationException", f"Filter Expression can only contain non-primary key attributes: Primary key attribute: {name}")
    assert query("a.pk = :a")[0] == "ok"


@pytest.mark.parametrize("text,values,expected", [
    ("", {}, [-2, -1, 0, decimal.Decimal("0.5"), 1, 10]),
    ("sk = :v", {":v": decimal.Decimal("1.0")}, [1]),
    ("sk < :v", {":v": 0}, [-2, -1]),
    ("sk <= :v", {":v": 0}, [-2, -1, 0]),
    ("sk > :v", {":v": 0}, [decimal.Decimal("0.5"), 1, 10]),
    (":v <= sk", {":v": 1}, [1, 10]),
    ("sk BETWEEN :v AND :w", {":v": -1, ":w": decimal.Decimal("0.5")}, [-1, 0, decimal.Decimal("0.5")]),
    ("sk > :v", {":v": 10}, [])])
def test_what_key_conditions_find(rows, text, values, expected):
    pk = "numbers"
    for n in (-2, -1, 0, decimal.Decimal("0.5"), 1, 10):
        rows.put_item(Item={"pk": pk, "sk": n})
    whole = "pk = :pk" + (" AND " + text if text else "")
    for forward in (True, False):
        found = rows.query(KeyConditionExpression=whole, ExpressionAttributeValues={":pk": pk, **values}, ScanIndexForward=forward)
        assert [i["sk"] for i in found["Items"]] == (expected if forward else expected[::-1])


# ---- numbers: Python's decimal is the oracle

EXACT = decimal.Context(prec=600)


def fits(d):
    """Whether DynamoDB can store a number: 38 significant digits, magnitudes 1E-130 to 9.99E+125."""
    return d == 0 or (len(d.normalize(EXACT).as_tuple().digits) <= 38 and -130 <= d.adjusted() <= 125)


def canonical(d):
    """As DynamoDB prints it: no exponent, no superfluous zeros."""
    if d == 0:
        return "0"
    text = format(d, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def some_numbers(seed, count):
    r = random.Random(seed)
    while count:
        digits = r.choice((1, 2, 3, 17, 37, 38))
        significand = r.randrange(10 ** (digits - 1), 10 ** digits)
        exponent = r.choice((0, 1, -1, r.randint(-130, 125 - digits + 1), r.randint(-5, 5)))
        number = decimal.Decimal((r.randint(0, 1), tuple(map(int, str(significand))), exponent))
        if fits(number):
            count -= 1
            yield number


def test_numbers_come_back_exactly(things):
    ways = (str, lambda n: format(n, "e"), lambda n: format(n, "E").replace("E+", "E"), canonical, lambda n: "00" + canonical(abs(n)))
    sent = [{"N": ways[i % 5](n)} for i, n in enumerate(some_numbers(1, 400))]
    assert outcome("PutItem", {"TableName": things, "Item": {**KEY, "l": {"L": sent}}}) == ("ok", {})
    answer = outcome("GetItem", {"TableName": things, "Key": KEY})[1]["Item"]["l"]["L"]
    assert [v["N"] for v in answer] == [canonical(decimal.Decimal(v["N"])) for v in sent]


def test_sums_are_exact_or_refused(things):
    numbers = list(some_numbers(2, 240))
    refused = 0
    for a, b in zip(numbers[::2], numbers[1::2]):
        expected = EXACT.add(a, b)
        outcome("PutItem", {"TableName": things, "Item": {**KEY, "a": {"N": str(a)}}})
        code, answer = outcome("UpdateItem", {
            "TableName": things, "Key": KEY, "UpdateExpression": "ADD a :b", "ExpressionAttributeValues": {":b": {"N": str(b)}},
            "ReturnValues": "UPDATED_NEW"})
        if fits(expected):
            assert (code, answer) == ("ok", {"Attributes": {"a": {"N": canonical(expected)}}}), (a, b)
        else:
            assert code == "ValidationException", (a, b, answer)
            refused += 1
    assert 10 < refused < 110


def test_numbers_sort_by_value(rows, pk):
    numbers = {n.normalize(EXACT) for n in some_numbers(3, 90) if -89 < n.adjusted() < 38}  # boto3 reads no longer ones
    with rows.batch_writer() as batch:
        for n in numbers:
            batch.put_item(Item={"pk": pk, "sk": n})
    found = rows.query(KeyConditionExpression=Key("pk").eq(pk))["Items"]
    assert [i["sk"] for i in found] == sorted(numbers)
