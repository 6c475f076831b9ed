# SPDX-License-Identifier: Apache-2.0
"""Every operation of our real tables against botocore's own client code: what its serializer makes of an input must decode to
that input, what we write of an output its parser must read as that output; in each protocol that botocore speaks for it."""
import base64
import datetime
import gzip
import json
import pathlib
import re

import botocore
from botocore.awsrequest import HeadersDict, prepare_request_dict
from botocore.model import ServiceModel
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from botocore.utils import percent_encode_sequence

DEPTH = 4
WHEN = datetime.datetime(2026, 11, 23, 3, 21, 9, tzinfo=datetime.timezone.utc)
# Tried in this order where a string has a pattern.
STRINGS = ["value", "a", "aa-1", "000000000000", "1", "Aa1", "/", "a.b", "0" * 64, "0" * 32, "s3:x", "rate(1 hour)", "0-1", "1.1",
           "arn:aws:iam::000000000000:role/r", "arn:aws:lambda:us-east-1:000000000000:function:f", "a@b.cc", "*", "a:b", "10.0.0.1/8",
           "00000000-0000-0000-0000-000000000000", "sha256:" + "0" * 64, "us-east-1", "i-0123456789abcdef0", "https://a/b", "$LATEST",
           "mw-0123456789abcdef0", "mi-0123456789abcdef0", "oi-0123456789ab", "aws.partner/a/b", "aws.partner/a/b/c", "AWS:x", "v1",
           "arn:aws:lambda:us-east-1:000000000000:code-signing-config:csc-0123456789abcdef0", "lambda:GetLayerVersion", "123456",
           "arn:aws:lambda:us-east-1:000000000000:layer:l:1", "arn:aws:ssm:us-east-1:000000000000:opsmetadata/a", "AAA::BB::CC",
           "arn:aws:events:us-east-1:000000000000:event-bus/b", "arn:aws:events:us-east-1:000000000000:connection/c/" + "0" * 8,
           "arn:aws:lambda:us-east-1:000000000000:function:f:1/durable-execution/a/b",
           "arn:aws:lambda:us-east-1:000000000000:capacity-provider:c", "arn:aws:route53:::healthcheck/a",
           "arn:aws:signer:us-east-1:000000000000:/signing-profiles/p", "o-0123456789/r-0123"]
EXCLUDED = {  # operation, and which way if only one
    "answer/s3.rest-xml/GetBucketLocation": "botocore reads it by a hook of its client, not by its parser",
    "request/s3.rest-xml/ListDirectoryBuckets": "differs from ListBuckets by its host only (s3express-control)",
    "request/s3.rest-xml/WriteGetObjectResponse": "differs from a form upload by its host only (s3-object-lambda)",
}


class Unfit(Exception):
    """No value for it is known."""


class Maker:
    def __init__(self, patterns=True):
        self.patterns = patterns  # answers are not checked

    def make(self, shape, depth=0):
        kind = shape.type_name
        if shape.metadata.get("document") or getattr(shape, "is_document_type", False):
            return {"a": [1, "b"]}
        if kind == "structure":
            return self.structure(shape, depth)
        if kind == "list":
            return [self.make(shape.member, depth + 1)] * max(1, int(shape.metadata.get("min", 1)))
        if kind == "map":
            key, value = self.make(shape.key, depth + 1), self.make(shape.value, depth + 1)
            if shape.metadata.get("min", 1) > 1:
                raise Unfit("several keys")
            return {key: value}
        if kind == "string" or kind == "character":
            return self.string(shape)
        low = shape.metadata.get("min")
        real = max(low or 0.5, min(1.5, shape.metadata.get("max", 1.5)))
        return {"integer": int(low or 1), "long": int(low or 1), "float": real, "double": real, "boolean": True, "timestamp": WHEN,
                "blob": b"\0\1x" * max(1, int(low or 1))}[kind]

    def structure(self, shape, depth):
        out = {}
        required = shape.metadata.get("required", [])
        for name, member in shape.members.items():
            if member.serialization.get("eventstream"):
                raise Unfit("event stream")
            scalar = member.type_name not in ("structure", "list", "map")
            if name not in required and depth >= DEPTH and not (scalar and not out):
                continue
            if depth > 4 * DEPTH:
                raise Unfit("endless")
            try:
                out[name] = self.make(member, depth + 1)
            except Unfit:
                if name in required:
                    raise
            if shape.is_tagged_union and out:
                break
        if shape.members and not out and depth > 0:
            raise Unfit("an empty structure, which forms do not show")
        return out

    def string(self, shape):
        if shape.enum:
            return shape.enum[0]
        low, high = int(shape.metadata.get("min", 0)), shape.metadata.get("max", 1 << 30)
        pattern = shape.metadata.get("pattern") if self.patterns else None
        if pattern and "\\uD800" in pattern:  # surrogates as Java writes them: any text
            pattern = None
        for text in STRINGS:
            text = text * (low // len(text) + 1) if len(text) < low else text
            if low <= len(text) <= high:
                try:
                    if not pattern or re.fullmatch(pattern.replace("\\p{L}", "a-zA-Z").replace("\\p{Z}", " ").replace("\\p{N}", "0-9"), text):
                        return text
                except re.error:
                    break
        raise Unfit(f"pattern {pattern}")


def typed(shape, value):
    kind = shape.type_name
    if shape.metadata.get("document") or value is None or getattr(shape, "is_document_type", False):
        return value
    if kind == "structure":
        return {k: typed(shape.members[k], v) for k, v in value.items() if k in shape.members}
    if kind == "list":
        return [typed(shape.member, v) for v in value]
    if kind == "map":
        return {k: typed(shape.value, v) for k, v in value.items()}
    if kind == "blob":
        value = value.read() if hasattr(value, "read") else value
        return {"$blob": base64.b64encode(value if isinstance(value, bytes) else value.encode()).decode()}
    if kind == "timestamp":
        return {"$time": round(value.timestamp() * 1000)}
    return value


def sent(model, operation, protocol, value):
    serializer = create_serializer(protocol, include_validation=False)
    request = serializer.serialize_to_request(value, operation)
    prepare_request_dict(request, "http://127.0.0.1:4566")
    path, _, query = request["url"].removeprefix("http://127.0.0.1:4566").partition("?")
    body = request["body"]
    if isinstance(body, dict):
        body = percent_encode_sequence(body)
    body = body.read() if hasattr(body, "read") else body
    body = body.encode() if isinstance(body, str) else bytes(body or b"")
    headers = [[k, v.decode() if isinstance(v, bytes) else str(v)] for k, v in request["headers"].items()]
    return dict(do="decode", service=None, method=request["method"], path=path or "/", query=query, headers=headers,
                body=base64.b64encode(body).decode())


def check_request(interpreter, sid, model, operation, protocol):
    if operation.input_shape is None:
        value, wanted = {}, {}
    else:
        value = Maker().make(operation.input_shape)
        wanted = typed(operation.input_shape, value)
    answer = interpreter.ask(**{**sent(model, operation, protocol, value), "service": sid})
    if answer.get("operation") != operation.name:
        return f"taken for {answer.get('operation')}: {answer.get('error')}"
    if "error" in answer:
        return f"refused: {answer['error']}"
    return None if operation.input_shape is None or answer["input"] == wanted else f"decoded {answer['input']}\nwanted {wanted}"


def check_answer(interpreter, sid, operation, protocol):
    shape = operation.output_shape
    value = Maker(patterns=False).make(shape) if shape is not None else {}
    for name, member in shape.members.items() if shape is not None else ():
        if member.serialization.get("location") == "statusCode":
            value[name] = 200
    wanted = typed(shape, value) if shape is not None else {}
    answer = interpreter.ask(do="encode", service=sid, operation=operation.name, protocol=protocol, output=wanted)
    headers = HeadersDict()
    for name, text in answer["headers"]:
        headers[name] = text
    response = {"status_code": answer["status"], "headers": headers, "body": base64.b64decode(answer["body"]),
                "context": {"operation_name": operation.name}}
    got = create_parser(protocol).parse(response, shape)
    got.pop("ResponseMetadata", None)
    got = typed(shape, got) if shape is not None else got
    return None if got == wanted else f"understood as {got}\nwanted {wanted}"


def run(interpreter, services, only):
    """Yields (name, what is wrong or None, reason why it could not be tried or None)."""
    data = pathlib.Path(botocore.__file__).parent / "data"
    for sid, version in services:
        raw = data / sid / version / "service-2.json"  # without botocore's own extras
        packed = raw.with_suffix(".json.gz")
        model = ServiceModel(json.loads(gzip.decompress(packed.read_bytes()) if packed.exists() else raw.read_bytes()), sid)
        for protocol in model.metadata.get("protocols", [model.metadata["protocol"]]):
            for name in model.operation_names:
                operation = model.operation_model(name)
                for direction in ("request", "answer"):
                    test = f"{direction}/{sid}.{protocol}/{name}"
                    if only not in test:
                        continue
                    if operation.deprecated or test in EXCLUDED:
                        yield test, None, EXCLUDED.get(test, "deprecated: its successor has the same request")
                        continue
                    try:
                        wrong = (check_request(interpreter, sid, model, operation, protocol) if direction == "request" else
                                 check_answer(interpreter, sid, operation, protocol))
                        yield test, wrong, None
                    except Unfit as e:
                        yield test, None, f"no value known: {e}"
                    except Exception as e:  # botocore's
                        yield test, f"{type(e).__name__}: {e}", None
