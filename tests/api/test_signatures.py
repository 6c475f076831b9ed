# SPDX-License-Identifier: Apache-2.0
"""Signatures that are right, wrong, old or changed: presigned URLs, forms, chunked bodies, sessions. They are verified only
outside --dev, so these tests start a Gust of their own without it; with another server's keys in the environment (and no
GUST_BINARY) they go there."""
import base64
import binascii
import datetime
import hashlib
import hmac
import json
import os
import re
import signal
import subprocess
import tempfile
import urllib.error
import urllib.parse
import urllib.request
import uuid

import boto3
import botocore.config
import botocore.exceptions
import pytest

REGION = "us-east-1"


class Server:
    def __init__(self, endpoint, key, secret):
        self.endpoint, self.key, self.secret = endpoint, key, secret
        self.host = urllib.parse.urlsplit(endpoint).netloc

    def client(self, service, key=None, secret=None, token=None, **config):
        return boto3.client(service, endpoint_url=self.endpoint, region_name=REGION, aws_access_key_id=key or self.key,
                            aws_secret_access_key=secret or self.secret, aws_session_token=token,
                            config=botocore.config.Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}, **config))


@pytest.fixture(scope="module")
def server():
    binary = os.environ.get("GUST_BINARY")
    if not binary:
        yield Server(os.environ["GUST_ENDPOINT"], os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
        return
    with tempfile.TemporaryDirectory() as work:
        os.chmod(work, 0o711)
        command = [binary, "serve", "--ephemeral", "--listen", "127.0.0.1:0", "--runtimes", os.path.join(work, "runtimes")]
        with open(os.path.join(work, "log"), "wb") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            ready = process.stdout.readline()
            assert ready.startswith("gust ready"), open(os.path.join(work, "log")).read()[-4000:]
            endpoint, path = re.search(r"endpoint=(\S+)", ready).group(1), re.search(r"credentials=(\S+)", ready).group(1)
            with open(path) as file:
                keys = json.load(file)["keys"]
            yield Server(endpoint, keys[0]["access_key_id"], keys[0]["secret_access_key"])
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0


@pytest.fixture(scope="module")
def bucket(server):
    s3 = server.client("s3")
    name = f"signed-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="here", Body=b"content")
    yield name
    for item in s3.list_objects_v2(Bucket=name).get("Contents", []):
        s3.delete_object(Bucket=name, Key=item["Key"])
    s3.delete_bucket(Bucket=name)


def fetch(url, method="GET", body=None, headers=None):
    """(status, error code, body, headers)"""
    request = urllib.request.Request(url, data=body, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            status, text, fields = answer.status, answer.read(), answer.headers
    except urllib.error.HTTPError as error:
        status, text, fields = error.code, error.read(), error.headers
    code = re.search(rb"<Code>(\w+)</Code>", text)
    return status, code.group(1).decode() if code else "", text, fields


def message(text):
    return re.search(rb"<Message>(.*?)</Message>", text, re.S).group(1).decode()


def signing_key(secret, day, service):
    key = ("AWS4" + secret).encode()
    for part in (day, REGION, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def quote(text):
    return urllib.parse.quote(text, safe="-_.~")


def utc(minutes=0):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)).strftime("%Y%m%dT%H%M%SZ")


def presign(server, path, method="GET", service="s3", minutes=0, expires="300", drop=(), more=(), payload="UNSIGNED-PAYLOAD", **other):
    """A URL as Signature Version 4 makes it; what is changed before signing is in `other`."""
    date = other.get("date") or utc(minutes)
    day = other.get("day") or date[:8]
    items = dict(more)
    items.update({"X-Amz-Algorithm": other.get("algorithm", "AWS4-HMAC-SHA256"),
                  "X-Amz-Credential": f"{other.get('key', server.key)}/{day}/{REGION}/{service}/aws4_request",
                  "X-Amz-Date": date, "X-Amz-Expires": expires, "X-Amz-SignedHeaders": "host"})
    for name in drop:
        items.pop(name, None)
    query = "&".join(f"{quote(k)}={quote(v)}" for k, v in sorted(items.items()))
    canonical = f"{method}\n{path}\n{query}\nhost:{server.host}\n\nhost\n{payload}"
    text = f"AWS4-HMAC-SHA256\n{date}\n{day}/{REGION}/{service}/aws4_request\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(signing_key(server.secret, day, service), text.encode(), hashlib.sha256).hexdigest()
    return f"{server.endpoint}{path}?{query}&X-Amz-Signature={signature}"


# --- presigned URLs ---------------------------------------------------------------------------------------------------


def test_a_presigned_url_works_for_what_was_signed_and_nothing_else(server, bucket):
    s3 = server.client("s3", signature_version="s3v4")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "here"}, ExpiresIn=60)
    assert fetch(url)[::2] == (200, b"content")
    for changed in (url.replace("/here", "/there"), url.replace("X-Amz-Expires=60", "X-Amz-Expires=61"), url + "&versionId=null",
                    url[:-1] + ("0" if url[-1] != "0" else "1")):
        status, code, text, _ = fetch(changed)
        assert (status, code) == (403, "SignatureDoesNotMatch"), changed
        assert message(text).startswith("The request signature we calculated does not match the signature you provided.")
        for member in (b"AWSAccessKeyId", b"StringToSign", b"SignatureProvided", b"CanonicalRequest"):
            assert b"<" + member + b">" in text
    assert fetch(url, method="DELETE")[1] == "SignatureDoesNotMatch"
    assert fetch(url)[0] == 200


def test_a_presigned_put_and_its_headers(server, bucket):
    s3 = server.client("s3", signature_version="s3v4")
    params = {"Bucket": bucket, "Key": "put", "ContentType": "text/plain"}
    url = s3.generate_presigned_url("put_object", Params=params, ExpiresIn=60)
    assert fetch(url, "PUT", b"body", {"Content-Type": "text/html"})[:2] == (403, "SignatureDoesNotMatch")
    assert fetch(url, "PUT", b"body", {"Content-Type": "text/plain", "x-amz-acl": "private"})[:2] == (403, "AccessDenied")
    assert fetch(url, "PUT", b"body", {"Content-Type": "text/plain"})[0] == 200
    assert s3.get_object(Bucket=bucket, Key="put")["Body"].read() == b"body"


def test_javascripts_presigned_put_has_a_checksum_of_nothing(server, bucket):
    url = presign(server, f"/{bucket}/js", "PUT", more={"x-id": "PutObject", "x-amz-checksum-crc32": "AAAAAA=="})
    assert fetch(url, "PUT", b"not empty", {"Content-Type": "application/octet-stream"})[0] == 200


@pytest.mark.parametrize("how, code, text", [
    (dict(minutes=-10, expires="60"), "AccessDenied", "Request has expired"),
    (dict(expires="604801"), "AuthorizationQueryParametersError", "X-Amz-Expires must be less than a week (in seconds)"),
    (dict(expires="-1"), "AuthorizationQueryParametersError", "X-Amz-Expires must be non-negative"),
    (dict(expires="soon"), "AuthorizationQueryParametersError", "X-Amz-Expires should be a number"),
    (dict(drop=["X-Amz-Expires"]), "AuthorizationQueryParametersError", "Query-string authentication version 4 requires"),
    (dict(drop=["X-Amz-Date"]), "AuthorizationQueryParametersError", "Query-string authentication version 4 requires"),
    (dict(day="20200101"), "AuthorizationQueryParametersError", "This date is not the same as X-Amz-Date"),
    (dict(key="AKIAIOSFODNN7EXAMPLE"), "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."),
])
def test_presigned_urls_that_are_refused(server, bucket, how, code, text):
    assert fetch(presign(server, f"/{bucket}/here"))[0] == 200
    status, found, body, _ = fetch(presign(server, f"/{bucket}/here", **how))
    assert found == code and text in message(body), body
    assert status == (400 if code == "AuthorizationQueryParametersError" else 403)


def test_two_ways_to_sign_at_once(server, bucket):
    url = presign(server, f"/{bucket}/here")
    scope = f"{server.key}/{utc()[:8]}/{REGION}/s3/aws4_request"
    header = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature={'0' * 64}"
    status, code, text, _ = fetch(url, headers={"Authorization": header})
    assert (status, code) == (400, "InvalidArgument") and message(text).startswith("Only one auth mechanism allowed")


def test_other_services_are_presigned_too(server):
    empty = hashlib.sha256(b"").hexdigest()
    more = {"Action": "GetCallerIdentity", "Version": "2011-06-15"}
    assert fetch(presign(server, "/", service="sts", more=more, payload=empty))[0] == 200
    assert fetch(presign(server, "/", service="sts", more=more, payload=empty) + "&x=y")[:2] == (403, "SignatureDoesNotMatch")


# --- headers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("service, call, status, codes", [
    ("s3", lambda c: c.list_buckets(), 403, ("SignatureDoesNotMatch", "InvalidAccessKeyId")),
    ("dynamodb", lambda c: c.list_tables(), 400, ("InvalidSignatureException", "UnrecognizedClientException")),
    ("lambda", lambda c: c.list_functions(), 403, ("InvalidSignatureException", "UnrecognizedClientException")),
    ("sts", lambda c: c.get_caller_identity(), 403, ("SignatureDoesNotMatch", "InvalidClientTokenId")),
])
def test_wrong_and_unknown_keys(server, service, call, status, codes):
    call(server.client(service))
    for client, code in ((server.client(service, secret=server.secret[:-1] + "-"), codes[0]),
                         (server.client(service, key="AKIAIOSFODNN7EXAMPLE"), codes[1])):
        with pytest.raises(botocore.exceptions.ClientError) as refused:
            call(client)
        assert refused.value.response["Error"]["Code"] == code
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


def test_nobody_signed(server, bucket):
    assert fetch(f"{server.endpoint}/{bucket}/here")[:2] == (403, "AccessDenied")
    assert fetch(f"{server.endpoint}/{bucket}/here", "PUT", b"x")[:2] == (403, "AccessDenied")
    assert fetch(f"{server.endpoint}/{bucket}/here", headers={"Authorization": "AWS key:c2ln"})[:2] == (400, "InvalidRequest")


def test_sessions(server):
    session = server.client("sts").get_session_token(DurationSeconds=900)["Credentials"]
    key, secret, token = session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"]
    server.client("s3", key, secret, token).list_buckets()
    server.client("dynamodb", key, secret, token).list_tables()
    url = server.client("s3", key, secret, token, signature_version="s3v4").generate_presigned_url("list_buckets")
    assert fetch(url)[0] == 200
    for client, code in ((server.client("s3", key, secret, token[:-8] + "AAAAAAAA"), "InvalidToken"),
                         (server.client("s3", key, secret), "InvalidAccessKeyId"),
                         (server.client("s3", key, secret[:-1] + "-", token), "SignatureDoesNotMatch")):
        with pytest.raises(botocore.exceptions.ClientError) as refused:
            client.list_buckets()
        assert refused.value.response["Error"]["Code"] == code


# --- chunked bodies ---------------------------------------------------------------------------------------------------


def chunked_put(server, path, mode, wire, fields):
    """The signed head; wire(sign) makes the body, where sign(kind, previous, *texts) signs a chunk."""
    date = utc()
    scope = f"{date[:8]}/{REGION}/s3/aws4_request"
    headers = {"host": server.host, "x-amz-date": date, "x-amz-content-sha256": mode, **fields}
    names = ";".join(sorted(headers))
    lines = "".join(f"{k}:{headers[k]}\n" for k in sorted(headers))
    canonical = f"PUT\n{path}\n\n{lines}\n{names}\n{mode}"
    key = signing_key(server.secret, date[:8], "s3")

    def mac(text):
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()

    seed = mac(f"AWS4-HMAC-SHA256\n{date}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}")
    empty = hashlib.sha256(b"").hexdigest()
    chunk = lambda previous, data: mac(f"AWS4-HMAC-SHA256-PAYLOAD\n{date}\n{scope}\n{previous}\n{empty}\n{hashlib.sha256(data).hexdigest()}")
    trailer = lambda previous, text: mac(f"AWS4-HMAC-SHA256-TRAILER\n{date}\n{scope}\n{previous}\n{hashlib.sha256(text.encode()).hexdigest()}")
    headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={server.key}/{scope}, SignedHeaders={names}, Signature={seed}"
    headers.pop("host")
    return fetch(server.endpoint + path, "PUT", wire(seed, chunk, trailer), headers)


DATA = b"streamed " * 2000
CRC = base64.b64encode(binascii.crc32(DATA).to_bytes(4, "big")).decode()


def signed_chunks(parts, change=lambda data: data, crc=None):
    def wire(seed, chunk, trailer):
        out, previous = b"", seed
        for data in parts + [b""]:
            previous = chunk(previous, data)
            out += b"%x;chunk-signature=%s\r\n" % (len(data), previous.encode())
            out += change(data) + b"\r\n" if data else b""
        if crc is not None:
            out += f"x-amz-checksum-crc32:{crc}\r\nx-amz-trailer-signature:{trailer(previous, f'x-amz-checksum-crc32:{crc}' + chr(10))}\r\n".encode()
        return out + b"\r\n"

    return wire


def test_signed_chunks(server, bucket):
    """As Java's first SDK: no Content-Encoding."""
    mode, fields = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", {"x-amz-decoded-content-length": str(len(DATA))}
    parts = [DATA[:8192], DATA[8192:]]
    assert chunked_put(server, f"/{bucket}/chunks", mode, signed_chunks(parts), fields)[0] == 200
    assert server.client("s3").get_object(Bucket=bucket, Key="chunks")["Body"].read() == DATA
    changed = signed_chunks(parts, change=lambda data: data[:-1] + b"!")
    assert chunked_put(server, f"/{bucket}/bad", mode, changed, fields)[:2] == (403, "SignatureDoesNotMatch")
    small = signed_chunks([DATA[:100], DATA[100:]])
    assert chunked_put(server, f"/{bucket}/bad", mode, small, fields)[:2] == (403, "InvalidChunkSizeError")
    short = signed_chunks([DATA[:-1]])
    assert chunked_put(server, f"/{bucket}/bad", mode, short, fields)[:2] == (400, "IncompleteBody")
    assert chunked_put(server, f"/{bucket}/bad", mode, signed_chunks(parts), {})[:2] == (411, "MissingContentLength")
    assert "Contents" not in server.client("s3").list_objects_v2(Bucket=bucket, Prefix="bad")


def test_signed_trailers(server, bucket):
    """As Java's second SDK."""
    mode = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
    fields = {"x-amz-decoded-content-length": str(len(DATA)), "content-encoding": "aws-chunked", "x-amz-trailer": "x-amz-checksum-crc32"}
    assert chunked_put(server, f"/{bucket}/trailed", mode, signed_chunks([DATA], crc=CRC), fields)[0] == 200
    stored = server.client("s3").get_object(Bucket=bucket, Key="trailed", ChecksumMode="ENABLED")
    assert stored["Body"].read() == DATA and stored["ChecksumCRC32"] == CRC and "ContentEncoding" not in stored
    assert chunked_put(server, f"/{bucket}/bad", mode, signed_chunks([DATA], crc="AAAAAA=="), fields)[:2] == (400, "BadDigest")
    assert chunked_put(server, f"/{bucket}/bad", mode, signed_chunks([DATA]), fields)[:2] == (400, "MalformedTrailerError")
    assert "Contents" not in server.client("s3").list_objects_v2(Bucket=bucket, Prefix="bad")


def test_unsigned_trailers(server, bucket):
    """As JavaScript's SDK sends a stream."""
    mode = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
    fields = {"x-amz-decoded-content-length": str(len(DATA)), "content-encoding": "aws-chunked", "x-amz-trailer": "x-amz-checksum-crc32"}
    wire = lambda crc: lambda *_: b"%x\r\n%s\r\n0\r\nx-amz-checksum-crc32:%s\r\n\r\n" % (len(DATA), DATA, crc.encode())
    assert chunked_put(server, f"/{bucket}/unsigned", mode, wire(CRC), fields)[0] == 200
    assert chunked_put(server, f"/{bucket}/bad", mode, wire("AAAAAA=="), fields)[:2] == (400, "BadDigest")
    assert chunked_put(server, f"/{bucket}/bad", mode, lambda *_: wire(CRC)()[:-20], fields)[:2] == (400, "IncompleteBody")
    other = {**fields, "x-amz-trailer": "x-amz-meta-a"}
    assert chunked_put(server, f"/{bucket}/bad", mode, wire(CRC), other)[:2] == (400, "InvalidRequest")


# --- forms ------------------------------------------------------------------------------------------------------------


def post(url, fields, content, name="a b.txt"):
    boundary = uuid.uuid4().hex
    out = b""
    for key, value in fields.items():
        out += f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
    out += f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode() + content
    out += f"\r\n--{boundary}--\r\n".encode()
    return fetch(url, "POST", out, {"Content-Type": f"multipart/form-data; boundary={boundary}"})


def test_a_form_with_a_policy(server, bucket):
    s3 = server.client("s3", signature_version="s3v4")
    conditions = [["content-length-range", 1, 20], {"success_action_status": "201"}]
    form = s3.generate_presigned_post(bucket, "form/${filename}", {"success_action_status": "201"}, conditions, ExpiresIn=60)
    status, _, text, headers = post(form["url"], form["fields"], b"from a form")
    assert status == 201 and b"<Key>form/a b.txt</Key>" in text, text
    assert headers["ETag"] and headers["Location"].endswith("/form/a%20b.txt")
    assert s3.get_object(Bucket=bucket, Key="form/a b.txt")["Body"].read() == b"from a form"
    fields = form["fields"]
    for changed, content, expected in (
        (fields, b"x" * 21, (400, "EntityTooLarge")),
        (fields, b"", (400, "EntityTooSmall")),
        ({**fields, "key": "elsewhere"}, b"x", (403, "AccessDenied")),
        ({**fields, "acl": "public-read"}, b"x", (403, "AccessDenied")),
        ({**fields, "x-amz-signature": "0" * 64}, b"x", (403, "SignatureDoesNotMatch")),
        ({k: v for k, v in fields.items() if k != "key"}, b"x", (400, "InvalidArgument")),
        ({"key": "form/nobody"}, b"x", (403, "AccessDenied")),
    ):
        assert post(form["url"], changed, content)[:2] == expected
    assert [o["Key"] for o in s3.list_objects_v2(Bucket=bucket, Prefix="form/")["Contents"]] == ["form/a b.txt"]
    assert s3.list_objects_v2(Bucket=bucket, Prefix="elsewhere")["KeyCount"] == 0
