# SPDX-License-Identifier: Apache-2.0
"""Outside --dev: who does not sign, or not rightly, is refused in the words of the service that was called, and what it asked
for has not happened. botocore signs; its requests are changed on their way."""
import datetime
import http.client
import json
import re
import time

import botocore.auth
import botocore.config
import botocore.awsrequest
import botocore.credentials
import botocore.exceptions
import boto3
import pytest

from conftest import gusts
from test_bad_input import FRANK_MEMORY, Wire, head, rss

JSON10 = {"X-Amz-Target": "DynamoDB_20120810.ListTables", "Content-Type": "application/x-amz-json-1.0"}


@pytest.fixture(scope="module")
def strict(work, runtimes):
    with gusts(work, runtimes) as make:
        yield make().start(dev=False, env=FRANK_MEMORY)


@pytest.fixture(scope="module")
def key(strict):
    keys = json.loads((strict.state / "credentials.json").read_text())["keys"]
    return botocore.credentials.Credentials(keys[0]["access_key_id"], keys[0]["secret_access_key"])


@pytest.fixture(autouse=True)
def nothing_breaks(strict, key):
    pid = strict.pid("daemon")
    yield
    assert strict.pid("daemon") == pid
    assert send(strict, signed(strict, key))[0] == 200


REAL = datetime.datetime


def shifted(minutes):
    """What botocore asks for the time, wrong by that much."""

    class Shifted(REAL):
        @classmethod
        def now(cls, tz=None):
            return REAL.now(tz) + datetime.timedelta(minutes=minutes)

        @classmethod
        def utcnow(cls):
            return cls.now(datetime.timezone.utc).replace(tzinfo=None)

    return Shifted


def signed(gust, key, service="dynamodb", method="POST", path="/", body=b"{}", headers=None, minutes=0, monkeypatch=None):
    """A request as botocore would send it."""
    request = botocore.awsrequest.AWSRequest(method=method, url=gust.endpoint + path, data=body, headers=JSON10 if headers is None else headers)
    signer = botocore.auth.S3SigV4Auth if service == "s3" else botocore.auth.SigV4Auth
    if minutes:
        monkeypatch.setattr(datetime, "datetime", shifted(minutes))
        if hasattr(botocore.auth, "get_current_datetime"):
            monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda remove_tzinfo=True: datetime.datetime.utcnow())
    signer(key, service, "us-east-1").add_auth(request)
    if minutes:
        monkeypatch.undo()
    return request.prepare()


def text(header):
    return header if isinstance(header, str) else header.decode()


def send(gust, request, path=None, body=None, drop=(), change=None, method=None):
    """(status, error code or ''); the request with what is to be changed."""
    fields = {k: text(v) for k, v in request.headers.items() if k not in drop}
    fields.update(change or {})
    connection = http.client.HTTPConnection("127.0.0.1", gust.port, timeout=30)
    target = path or request.url[len(gust.endpoint):] or "/"
    connection.request(method or request.method, target, body=request.body if body is None else body, headers=fields)
    answer = connection.getresponse()
    document = answer.read()
    connection.close()
    code = re.search(rb"<Code>(\w+)</Code>", document)
    code = code.group(1).decode() if code else answer.headers.get("x-amzn-ErrorType", "")
    if not code and document.startswith(b"{"):
        code = json.loads(document).get("__type", "").split("#")[-1]
    return answer.status, code


def lambda_list(gust, key, **how):
    return signed(gust, key, service="lambda", method="GET", path="/2015-03-31/functions/", body=None, headers={}, **how)


def s3_list(gust, key, **how):
    return signed(gust, key, service="s3", method="GET", path="/", body=None, headers={}, **how)


def test_the_right_signature_passes(strict, key):
    assert send(strict, signed(strict, key))[0] == 200
    assert send(strict, lambda_list(strict, key))[0] == 200
    assert send(strict, s3_list(strict, key))[0] == 200
    s3, dynamodb, functions = (boto3.client(s, endpoint_url=strict.endpoint, region_name="eu-west-1", aws_access_key_id=key.access_key,
                                            aws_secret_access_key=key.secret_key) for s in ("s3", "dynamodb", "lambda"))
    s3.create_bucket(Bucket="signed", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket="signed", Key="a b/ü+%/~.txt", Body=b"body", Metadata={"k": "two  spaces"})
    assert s3.get_object(Bucket="signed", Key="a b/ü+%/~.txt")["Body"].read() == b"body"
    assert [o["Key"] for o in s3.list_objects_v2(Bucket="signed", Prefix="a b/ü+%/~")["Contents"]] == ["a b/ü+%/~.txt"]
    assert dynamodb.list_tables()["TableNames"] == []
    assert functions.list_functions(MaxItems=3)["Functions"] == []


SERVICES = {
    "dynamodb": (signed, 400, {"missing": "MissingAuthenticationTokenException", "malformed": "IncompleteSignatureException",
                               "unknown": "UnrecognizedClientException", "wrong": "InvalidSignatureException", "late": "InvalidSignatureException"}),
    "lambda": (lambda_list, 403, {"missing": "MissingAuthenticationTokenException", "malformed": "IncompleteSignatureException",
                                  "unknown": "UnrecognizedClientException", "wrong": "InvalidSignatureException", "late": "InvalidSignatureException"}),
    "s3": (s3_list, 403, {"missing": "AccessDenied", "malformed": "AuthorizationHeaderMalformed", "unknown": "InvalidAccessKeyId",
                          "wrong": "SignatureDoesNotMatch", "late": "RequestTimeTooSkewed"}),
}


@pytest.mark.parametrize("service", SERVICES)
def test_refusals_in_the_words_of_the_service(strict, key, service, monkeypatch):
    make, status, codes = SERVICES[service]
    good = make(strict, key)
    assert send(strict, good)[0] == 200
    assert send(strict, good, drop=("Authorization",)) == (status, codes["missing"])
    malformed = send(strict, good, change={"Authorization": "AWS4-HMAC-SHA256 Credential=x, SignedHeaders=host, Signature=y"})
    assert malformed[1] == codes["malformed"] and malformed[0] in (400, status)
    wrong = botocore.credentials.Credentials(key.access_key, key.secret_key[:-1] + ("a" if key.secret_key[-1] != "a" else "b"))
    assert send(strict, make(strict, wrong)) == (status, codes["wrong"])
    stranger = botocore.credentials.Credentials("AKIAIOSFODNN7EXAMPLE", key.secret_key)
    assert send(strict, make(strict, stranger)) == (status, codes["unknown"])
    for minutes in (-14, 14):
        assert send(strict, make(strict, key, minutes=minutes, monkeypatch=monkeypatch))[0] == 200
    for minutes in (-16, 16, -60 * 24 * 3):
        assert send(strict, make(strict, key, minutes=minutes, monkeypatch=monkeypatch)) == (status, codes["late"]), minutes
    with_token = botocore.credentials.Credentials(key.access_key, key.secret_key, "a token that nobody gave")
    assert send(strict, make(strict, with_token))[0] in (400, 403)


def flipped(signature):
    return signature[:-1] + ("0" if signature[-1] != "0" else "1")


@pytest.mark.parametrize("how", ["signature", "region", "service", "date", "empty", "upper", "longer", "two", "basic", "bearer", "sigv2"])
def test_a_changed_authorization(strict, key, how):
    good = s3_list(strict, key)
    value = text(good.headers["Authorization"])
    signature = re.search(r"Signature=(\w+)", value).group(1)
    other = {
        "signature": value.replace(signature, flipped(signature)),
        "region": value.replace("us-east-1", "eu-west-1"),
        "service": value.replace("/s3/", "/lambda/"),
        "date": re.sub(r"/\d{8}/", "/20200101/", value),
        "empty": value.replace(signature, ""),
        "upper": value.replace(signature, signature.upper()),
        "longer": value.replace(signature, signature + "0"),
        "two": value + ", " + value.replace(signature, flipped(signature)).split(" ", 1)[1],
        "basic": "Basic dGVzdDp0ZXN0",
        "bearer": "Bearer x",
        "sigv2": f"AWS {key.access_key}:c2lnbmF0dXJl",
    }[how]
    assert other != value
    status, code = send(strict, good, change={"Authorization": other})
    assert status in (400, 403) and code, (status, code)
    assert send(strict, good)[0] == 200


def test_a_signature_covers_path_query_method_body_and_headers(strict, key):
    s3 = boto3.client("s3", endpoint_url=strict.endpoint, region_name="us-east-1", aws_access_key_id=key.access_key, aws_secret_access_key=key.secret_key)
    s3.create_bucket(Bucket="covered")
    put = signed(strict, key, service="s3", method="PUT", path="/covered/mine", body=b"mine", headers={})
    bad = [
        dict(path="/covered/other"), dict(path="/covered/mine?acl"), dict(path="/covered/%6dine2"), dict(method="DELETE"),
        dict(change={"x-amz-copy-source": "/covered/secret"}), dict(change={"X-Amz-Meta-A": "b"}), dict(change={"Host": "localhost:1"}),
        dict(change={"x-amz-content-sha256": "UNSIGNED-PAYLOAD"}), dict(drop=("X-Amz-Content-SHA256",)), dict(drop=("X-Amz-Date",)),
        dict(change={"X-Amz-Date": "20200101T000000Z"}),
    ]
    for how in bad:
        status, code = send(strict, put, **how)
        assert status in (400, 403) and code, (how, status, code)
    status, code = send(strict, put, body=b"your")
    assert (status, code) == (400, "XAmzContentSHA256Mismatch")
    assert s3.list_objects_v2(Bucket="covered")["KeyCount"] == 0
    assert send(strict, put)[0] == 200
    assert s3.get_object(Bucket="covered", Key="mine")["Body"].read() == b"mine"
    get = signed(strict, key, service="s3", method="GET", path="/covered?list-type=2&prefix=m", body=None, headers={})
    assert send(strict, get, path="/covered?list-type=2&prefix=")[1] == "SignatureDoesNotMatch"
    assert send(strict, get, path="/covered?prefix=m&list-type=2")[0] == 200  # the order is not part of it


def test_a_signature_covers_a_call_in_the_body(strict, key):
    good = signed(strict, key, body=b'{"Limit":1}')
    assert send(strict, good)[0] == 200
    assert send(strict, good, body=b'{"Limit":2}') == (400, "InvalidSignatureException")
    assert send(strict, good, change={"X-Amz-Target": "DynamoDB_20120810.CreateTable"}) == (400, "InvalidSignatureException")
    event = signed(strict, key, service="lambda", path="/2015-03-31/functions/f/invocations", body=b"{}", headers={})
    assert send(strict, event)[1] == "ResourceNotFoundException"  # the control: it got as far as that
    assert send(strict, event, body=b"[]") == (403, "InvalidSignatureException")
    assert send(strict, event, path="/2015-03-31/functions/g/invocations") == (403, "InvalidSignatureException")
    assert send(strict, event, path="/x/../2015-03-31/functions/f/invocations")[0] in (403, 404)
    assert send(strict, event, change={"X-Amz-Invocation-Type": "Event"}) == (403, "InvalidSignatureException")


def test_large_and_spooled_bodies_are_covered_too(strict, key):
    body = json.dumps({"TableName": "no-such-table", "Item": {"k": {"S": "x" * 300_000}}}).encode()
    headers = {**JSON10, "X-Amz-Target": "DynamoDB_20120810.PutItem"}
    good = signed(strict, key, body=body, headers=headers)
    assert send(strict, good)[1] == "ResourceNotFoundException"
    assert send(strict, good, body=body.replace(b"xxx}", b"xxy}").replace(b"xx", b"xy", 1))[1] == "InvalidSignatureException"
    s3 = boto3.client("s3", endpoint_url=strict.endpoint, region_name="us-east-1", aws_access_key_id=key.access_key, aws_secret_access_key=key.secret_key)
    s3.create_bucket(Bucket="large")
    put = signed(strict, key, service="s3", method="PUT", path="/large/k", body=b"a" * 1_000_000, headers={})
    assert send(strict, put, body=b"a" * 999_999 + b"b") == (400, "XAmzContentSHA256Mismatch")
    assert s3.list_objects_v2(Bucket="large")["KeyCount"] == 0
    assert send(strict, put)[0] == 200


def test_an_unsigned_body_is_not_read(strict):
    """The head alone says that nobody signed it: 5 GiB are refused before they come."""
    with Wire(strict.port) as wire:
        wire.send(head("PUT /b/k HTTP/1.1", f"Content-Length: {5 << 30}", "Expect: 100-continue"))
        assert wire.answer().status == 403 and wire.ended()


@pytest.mark.parametrize("query, code", [
    ("?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a%2F20260101%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Signature=0",
     b"AuthorizationQueryParametersError"),
    ("?AWSAccessKeyId=a&Signature=b&Expires=9999999999", b"InvalidRequest")])
def test_half_a_presigned_url(strict, query, code):
    with Wire(strict.port) as wire:
        answer = wire.send(head(f"GET /b/k{query} HTTP/1.1")).answer()
        assert answer.status == 400 and b"<Code>" + code + b"</Code>" in answer.body, answer


def fetch(gust, url, method="GET", body=None):
    connection = http.client.HTTPConnection("127.0.0.1", gust.port, timeout=30)
    connection.request(method, url[len(gust.endpoint):], body=body)
    answer = connection.getresponse()
    document = answer.read()
    connection.close()
    code = re.search(rb"<Code>(\w+)</Code>", document)
    return answer.status, code.group(1).decode() if code else document


def test_presigned_urls(strict, key):
    """Good for one method on one object until their time; every change is refused, and version 2 while it is off."""
    def client(version):
        return boto3.client("s3", endpoint_url=strict.endpoint, region_name="us-east-1", aws_access_key_id=key.access_key,
                            aws_secret_access_key=key.secret_key, config=botocore.config.Config(signature_version=version))

    s3 = client("s3v4")
    s3.create_bucket(Bucket="presigned")
    named = {"Bucket": "presigned", "Key": "a b+c/ü"}
    put, get = s3.generate_presigned_url("put_object", named), s3.generate_presigned_url("get_object", named)
    assert fetch(strict, put, "PUT", b"by url") == (200, b"")
    assert fetch(strict, get) == (200, b"by url")
    assert fetch(strict, get, "PUT", b"other") == (403, "SignatureDoesNotMatch")
    assert fetch(strict, get.replace("a%20b", "b%20b")) == (403, "SignatureDoesNotMatch")
    assert fetch(strict, get.replace("X-Amz-Expires=3600", "X-Amz-Expires=3601")) == (403, "SignatureDoesNotMatch")
    assert fetch(strict, get.replace(key.access_key, "AKIAOTHER")) == (403, "InvalidAccessKeyId")
    short = s3.generate_presigned_url("get_object", named, ExpiresIn=1)
    time.sleep(2.1)
    assert fetch(strict, short) == (403, "AccessDenied")
    assert fetch(strict, client("s3").generate_presigned_url("get_object", named)) == (400, "InvalidRequest")
    assert fetch(strict, get) == (200, b"by url")


def test_a_users_key_until_it_is_taken_away(strict, key):
    def client(service, of):
        return boto3.client(service, endpoint_url=strict.endpoint, region_name="us-east-1", aws_access_key_id=of["AccessKeyId"],
                            aws_secret_access_key=of["SecretAccessKey"], aws_session_token=of.get("SessionToken"))

    def refused(of):
        with pytest.raises(botocore.exceptions.ClientError) as e:
            client("dynamodb", of).list_tables()
        return e.value.response["Error"]["Code"]

    iam = client("iam", {"AccessKeyId": key.access_key, "SecretAccessKey": key.secret_key})
    iam.create_user(UserName="signer")
    made = iam.create_access_key(UserName="signer")["AccessKey"]
    named = {"UserName": "signer", "AccessKeyId": made["AccessKeyId"]}
    assert iam.get_access_key_last_used(AccessKeyId=made["AccessKeyId"])["AccessKeyLastUsed"]["ServiceName"] == "N/A"
    assert refused(made | {"SecretAccessKey": "wrong"}) == "InvalidSignatureException"
    client("dynamodb", made).list_tables()
    last = iam.get_access_key_last_used(AccessKeyId=made["AccessKeyId"])
    assert (last["UserName"], last["AccessKeyLastUsed"]["ServiceName"], last["AccessKeyLastUsed"]["Region"]) == ("signer", "dynamodb", "us-east-1")
    session = client("sts", made).get_session_token(DurationSeconds=900)["Credentials"]
    assert client("sts", session).get_caller_identity()["Arn"] == "arn:aws:iam::000000000000:user/signer"
    assert refused(session | {"SessionToken": "other"}) == "UnrecognizedClientException"
    iam.update_access_key(Status="Inactive", **named)
    assert refused(made) == "UnrecognizedClientException"
    iam.update_access_key(Status="Active", **named)
    client("dynamodb", made).list_tables()
    iam.delete_access_key(**named)
    assert refused(made) == "UnrecognizedClientException"
    iam.delete_user(UserName="signer")


def test_own_endpoints_want_a_signature_too(strict, key):
    for path in ("/_gust/functions", "/_gust/environments", "/_gust/services"):
        with Wire(strict.port) as wire:
            assert wire.send(head(f"GET {path} HTTP/1.1")).answer().status in (403, 404), path
    with Wire(strict.port) as wire:
        assert wire.send(head("GET /_gust/health HTTP/1.1")).answer().status == 200  # says nothing but that it runs


def test_a_flood_of_wrong_signatures_keeps_no_memory(strict, key):
    """Signing keys are cached by date, region and service, all of which a stranger can make up."""
    good = s3_list(strict, key)
    fields = {name: text(good.headers[name]) for name in ("Authorization", "X-Amz-Date", "X-Amz-Content-SHA256")}
    before = rss(strict)
    with Wire(strict.port) as wire:
        for number in range(3000):
            region = f"region-{number}-" + "x" * (50_000 if number % 2 else 40)
            changed = [f"{name}: {value.replace('us-east-1', region)}" for name, value in fields.items()]
            assert wire.send(head("GET / HTTP/1.1", *changed, host=f"127.0.0.1:{strict.port}")).answer().status in (400, 403)
    assert rss(strict) - before < 24 << 20, (rss(strict) - before) >> 20
