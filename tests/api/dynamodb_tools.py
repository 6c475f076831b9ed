# SPDX-License-Identifier: Apache-2.0
"""What the DynamoDB tests share: tables, and requests that no SDK would send."""
import contextlib
import json
import os
import urllib.error
import urllib.request
import zlib

import botocore.auth
import botocore.awsrequest
import botocore.credentials

from lambda_tools import client, unique

NAMESPACES = {
    "ValidationException": "com.amazon.coral.validate#",
    "SerializationException": "com.amazon.coral.service#",
    "UnknownOperationException": "com.amazon.coral.service#",
}


@contextlib.contextmanager
def table(range_type="N", hash_type="S", **settings):
    """The name of a table for one module. Keys: pk and, unless range_type is None, sk."""
    dynamodb = client("dynamodb")
    name = unique("table")
    attributes, schema = [{"AttributeName": "pk", "AttributeType": hash_type}], [{"AttributeName": "pk", "KeyType": "HASH"}]
    if range_type:
        attributes.append({"AttributeName": "sk", "AttributeType": range_type})
        schema.append({"AttributeName": "sk", "KeyType": "RANGE"})
    dynamodb.create_table(TableName=name, AttributeDefinitions=attributes, KeySchema=schema, BillingMode="PAY_PER_REQUEST", **settings)
    dynamodb.get_waiter("table_exists").wait(TableName=name)
    try:
        yield name
    finally:
        dynamodb.delete_table(TableName=name)


def raw(operation, body, target="DynamoDB_20120810."):
    """(status, headers, body) of a request whose body is sent as it is: text, bytes, or what json can write."""
    if not isinstance(body, (str, bytes)):
        body = json.dumps(body)
    data = body.encode() if isinstance(body, str) else body
    credentials = botocore.credentials.Credentials(
        os.environ.get("AWS_ACCESS_KEY_ID", "test"), os.environ.get("AWS_SECRET_ACCESS_KEY", "test"), os.environ.get("AWS_SESSION_TOKEN"))
    request = botocore.awsrequest.AWSRequest(
        "POST", os.environ["GUST_ENDPOINT"] + "/", data=data,
        headers={"X-Amz-Target": target + operation, "Content-Type": "application/x-amz-json-1.0"})
    botocore.auth.SigV4Auth(credentials, "dynamodb", "us-east-1").add_auth(request)
    sent = urllib.request.Request(request.url, data, dict(request.headers.items()), method="POST")
    try:
        with urllib.request.urlopen(sent, timeout=30) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as e:
        return e.code, e.headers, e.read()


def outcome(operation, body):
    """(code, text) of a request; ("ok", answer) where it was no error. Checks what every answer has."""
    status, headers, content = raw(operation, body)
    assert int(headers["x-amz-crc32"]) == zlib.crc32(content)
    assert headers["x-amzn-RequestId"]
    answer = json.loads(content)
    if status == 200:
        return "ok", answer
    assert status == 400
    code = answer["__type"].split("#")[1]
    assert answer["__type"] == NAMESPACES.get(code, "com.amazonaws.dynamodb.v20120810#") + code
    return code, answer.get("message", answer.get("Message"))
