# SPDX-License-Identifier: Apache-2.0
"""What strangers send: each gets an error of AWS or HTTP, or a closed connection, while others are served as before."""
import contextlib
import datetime
import io
import json
import resource
import socket
import threading
import time
import zipfile

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.exceptions
import pytest

from conftest import LONG, gusts, read, wait_until

GOOD = b"GET /_gust/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
AUTHORIZATION = b"Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/%s/aws4_request, SignedHeaders=host, Signature=0\r\n"


def connect(gust, seconds=20):
    s = socket.create_connection(("127.0.0.1", gust.port), timeout=seconds)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def exchange(gust, request, seconds=20):
    """All that comes back until the server closes; it must, for what is malformed."""
    with contextlib.closing(connect(gust, seconds)) as s:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            s.sendall(request)
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := s.recv(65536):
                answer += piece
        return answer


def status(answer):
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else None


def rss_kib(gust):
    return int(next(line for line in read(f"/proc/{gust.pid('daemon')}/status").splitlines() if line.startswith(b"VmRSS:")).split()[1])


@contextlib.contextmanager
def others_are_served(gust):
    """A well-behaved client that asks all the while; every answer must be right."""
    stop, served, wrong = threading.Event(), [], []

    def ask():
        while not stop.is_set():
            answer = exchange(gust, GOOD)
            (served if status(answer) == 200 else wrong).append(answer)
            time.sleep(0.02)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        wait_until(lambda: served or wrong, "a first answer")
        before = len(served)
        yield
        wait_until(lambda: len(served) > before or wrong, "an answer during and after")
    finally:
        stop.set()
        thread.join()
    assert not wrong, wrong[:3]


MALFORMED = {
    "both framings": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
    "negative length": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    "endless length": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    "length with sign": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: +5\r\n\r\nabcde",
    "bare line feeds": b"GET / HTTP/1.1\nHost: localhost\n\n",
    "folded header": b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n",
    "space before colon": b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n",
    "control character": b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\x00b\r\n\r\n",
    "bad chunk size": b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
    "endless chunk size": b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nabc\r\n0\r\n\r\n",
    "unknown coding": b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: other\r\n\r\n",
    "no version": b"GET /\r\n\r\n",
    "http2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "tls hello": bytes.fromhex("16030100c8010000c40303") + bytes(190),
    "noise": bytes(range(256)) * 4,
    "lower-case method line": b"get / http/1.1\r\nHost: localhost\r\n\r\n",
}


@pytest.mark.parametrize("kind", MALFORMED)
def test_malformed_requests_are_refused(shared_gust, kind):
    with others_are_served(shared_gust):
        answer = exchange(shared_gust, MALFORMED[kind])
    assert status(answer) in (400, 403, 411, 413, 431, 501, 505), answer[:300]


def test_whole_requests_are_answered(shared_gust):  # the control of the above
    assert status(exchange(shared_gust, GOOD)) == 200
    assert status(exchange(shared_gust, GOOD.replace(b"HTTP/1.1", b"HTTP/1.0"))) == 200
    both = exchange(shared_gust, GOOD.replace(b"Connection: close\r\n", b"") + GOOD)
    assert both.count(b"HTTP/1.1 200") == 2


def test_what_follows_a_refused_request_is_not_another_request(shared_gust):
    answer = exchange(shared_gust, MALFORMED["both framings"] + GOOD)
    assert answer.count(b"HTTP/1.1") == 1 and status(answer) == 400


def test_large_heads_are_refused(shared_gust):
    for head in (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
                 b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
                 b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: a\r\n" * 300 + b"\r\n"):
        assert status(exchange(shared_gust, head)) == 431
    small = b"GET /_gust/health HTTP/1.1\r\nHost: localhost\r\n" + b"X: a\r\n" * 100 + b"Connection: close\r\n\r\n"
    assert status(exchange(shared_gust, small)) == 200


def test_a_page_of_a_stranger_is_refused(shared_gust):
    def ask(*headers, method=b"GET"):
        return status(exchange(shared_gust, method + b" /_gust/health HTTP/1.1\r\nConnection: close\r\n" + b"".join(h + b"\r\n" for h in headers) + b"\r\n"))

    assert ask(b"Host: evil.example") == 403  # a name that was rebound to 127.0.0.1
    assert ask(b"Host: localhost", b"Origin: http://evil.example") == 403
    assert ask(b"Host: localhost", b"Origin: null") == 403
    for host in (b"localhost", b"127.0.0.1", b"bucket.localhost", b"[::1]"):
        assert ask(b"Host: " + host) == 200, host
    # A form on any page can send this without asking.
    form = b"PUT /some-bucket HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    assert status(exchange(shared_gust, form)) == 403
    signed = form.replace(b"Content-Length", AUTHORIZATION % b"s3" + b"Content-Length")
    assert status(exchange(shared_gust, signed)) == 200


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(shared_gust):
    head = (b"POST /2015-03-31/functions/f/invocations HTTP/1.1\r\nHost: localhost\r\n" + AUTHORIZATION % b"lambda" +
            b"Expect: 100-continue\r\nContent-Length: 7000000\r\n\r\n")
    with contextlib.closing(connect(shared_gust)) as s:
        s.sendall(head)
        answer = s.recv(65536)
    assert status(answer) == 413 and b"100 Continue" not in answer


def test_slow_and_broken_uploads_hold_nobody_up(shared_gust):
    s3 = shared_gust.client("s3")
    s3.create_bucket(Bucket="slow-bucket")
    upload = (b"PUT /slow-bucket/half-%d HTTP/1.1\r\nHost: localhost\r\n" + AUTHORIZATION % b"s3" + b"Content-Length: 300000\r\n\r\n")
    slow = []
    with others_are_served(shared_gust):
        for i in range(60):
            s = connect(shared_gust)
            s.sendall(GOOD[:20] if i % 2 else upload % i + b"x" * 100_000)
            slow.append(s)
        for i in range(20):  # more than there are workers
            s3.put_object(Bucket="slow-bucket", Key=f"whole-{i}", Body=b"y" * 200_000)
        for s in slow:
            s.close()
    keys = [o["Key"] for o in s3.list_objects_v2(Bucket="slow-bucket")["Contents"]]
    assert sorted(keys) == sorted(f"whole-{i}" for i in range(20))
    spool = shared_gust.state / "spool"
    wait_until(lambda: not list(spool.iterdir()), "an empty spool")


@pytest.mark.skipif(not LONG, reason="waits for the server's own limits")
def test_a_stalled_request_is_ended(shared_gust):
    with contextlib.closing(connect(shared_gust, 60)) as s:
        s.sendall(GOOD[:20])
        assert status(s.recv(65536)) == 408


def test_five_thousand_idle_connections(shared_gust):
    wanted = 5000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, wanted + 500), hard))
    assert hard >= wanted + 500, "this test needs 5500 descriptors"
    before = rss_kib(shared_gust)
    idle = []
    try:
        with others_are_served(shared_gust):
            for _ in range(wanted):
                idle.append(connect(shared_gust))
            idle[0].sendall(GOOD)  # the oldest one still works
            assert status(idle[0].recv(65536)) == 200
            idle[-1].sendall(GOOD)
            assert status(idle[-1].recv(65536)) == 200
            grown = rss_kib(shared_gust) - before
        assert grown < 64 * wanted, f"{grown} KiB for {wanted} connections"
    finally:
        for s in idle:
            s.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert status(exchange(shared_gust, GOOD)) == 200


def post(gust, service, headers, body, path=b"/", method=b"POST"):
    head = method + b" " + path + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + AUTHORIZATION % service
    head += b"".join(h + b"\r\n" for h in headers) + b"Content-Length: " + str(len(body)).encode() + b"\r\n\r\n"
    return exchange(gust, head + body)


def dynamodb(gust, body, operation=b"PutItem"):
    return post(gust, b"dynamodb", [b"Content-Type: application/x-amz-json-1.0", b"X-Amz-Target: DynamoDB_20120810." + operation], body)


BAD_JSON = {
    "deep": b'{"Item":' + b'{"M":{"a":' * 200_000 + b"}}" * 200_000 + b"}",
    "deep list": b"[" * 1_000_000,
    "not utf-8": b'{"TableName":"\xff\xfe"}',
    "cut off": b'{"TableName":"t',
    "no json": b"hello",
    "a list": b"[]",
    "wrong type": b'{"TableName":{"S":"t"}}',
    "huge number": b'{"TableName":"ttt","Limit":1e999999}',
    "empty": b"",
}


@pytest.mark.parametrize("kind", BAD_JSON)
def test_bad_json_is_refused_in_the_words_of_the_service(shared_gust, kind):
    before = rss_kib(shared_gust)
    with others_are_served(shared_gust):
        answer = dynamodb(shared_gust, BAD_JSON[kind], b"Scan")
    assert status(answer) == 400, answer[:300]
    name = json.loads(answer.split(b"\r\n\r\n", 1)[1])["__type"]
    assert name.split("#")[1] in ("SerializationException", "ValidationException")
    assert rss_kib(shared_gust) - before < 300 << 10


def test_good_json_is_taken(shared_gust):  # the control
    assert status(dynamodb(shared_gust, b"{}", b"ListTables")) == 200


BAD_XML = {
    "entities": b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + b"".join(
        b'<!ENTITY %c "&%c;&%c;&%c;&%c;&%c;&%c;&%c;&%c;">' % ((98 + i, *[97 + i] * 8)) for i in range(9)
    ) + b"]><NotificationConfiguration>&j;</NotificationConfiguration>",
    "external": b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><NotificationConfiguration>&a;</NotificationConfiguration>',
    "deep": b"<a>" * 100_000 + b"</a>" * 100_000,
    "cut off": b"<NotificationConfiguration><Cloud",
    "another root": b"<Delete/>",
    "no xml": b"hello",
}


@pytest.mark.parametrize("kind", BAD_XML)
def test_bad_xml_is_refused(shared_gust, kind):
    s3 = shared_gust.client("s3")
    with contextlib.suppress(botocore.exceptions.ClientError):
        s3.create_bucket(Bucket="xml-bucket")
    with others_are_served(shared_gust):
        answer = post(shared_gust, b"s3", [], BAD_XML[kind], b"/xml-bucket?notification", b"PUT")
    assert status(answer) == 400 and b"<Code>MalformedXML</Code>" in answer, answer[:400]
    assert b"root:" not in answer
    good = post(shared_gust, b"s3", [], b"<NotificationConfiguration/>", b"/xml-bucket?notification", b"PUT")
    assert status(good) == 200


def zipped(name, content, mode):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        info = zipfile.ZipInfo(name)
        info.create_system, info.external_attr = 3, mode << 16
        z.writestr(info, content)
    return out.getvalue()


BOOTSTRAPS = {
    "exits": (zipped("bootstrap", "#!/bin/sh\nexit 7\n", 0o100755), "Runtime.ExitError"),
    "dies": (zipped("bootstrap", "#!/bin/sh\nkill -SEGV $$\n", 0o100755), "Runtime.ExitError"),
    "is missing": (zipped("other", "x", 0o100644), "Runtime.InvalidEntrypoint"),
    "is no program": (zipped("bootstrap", "\x7fELF and nothing else", 0o100755), "Runtime.InvalidEntrypoint"),
    "has no interpreter": (zipped("bootstrap", "#!/no/such/interpreter\n", 0o100755), "Runtime.InvalidEntrypoint"),
    "never asks": (zipped("bootstrap", "#!/bin/sh\nsleep 1000\n", 0o100755), "Sandbox.Timedout"),
}


@pytest.mark.parametrize("kind", BOOTSTRAPS)
def test_a_bootstrap_that_is_of_no_use_fails_its_own_calls_only(shared_gust, kind):
    lam = shared_gust.client("lambda")
    name = "bad-" + kind.replace(" ", "-")
    code, error = BOOTSTRAPS[kind]
    lam.create_function(FunctionName=name, Runtime="provided.al2023", Handler="h", Role="arn:aws:iam::000000000000:role/r", Timeout=1,
                        Code={"ZipFile": code})
    lam.get_waiter("function_active_v2").wait(FunctionName=name)
    with others_are_served(shared_gust):
        answer = lam.invoke(FunctionName=name, Payload=b"{}")
    assert answer["StatusCode"] == 200 and answer["FunctionError"] == "Unhandled"
    assert json.loads(answer["Payload"].read())["errorType"] == error
    lam.delete_function(FunctionName=name)


# --- signatures, outside of --dev -------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def strict(work, runtimes):
    with gusts(work, runtimes) as make:
        yield make().start(dev=False)


@pytest.fixture(scope="module")
def key(strict):
    found = json.loads((strict.state / "credentials.json").read_text())["keys"][0]
    return found["access_key_id"], found["secret_access_key"]


def signed(strict, key, method="GET", path="/", body=b"", when=None, headers=None):
    request = botocore.awsrequest.AWSRequest(method, strict.endpoint + path, data=body, headers=headers or {})
    auth = botocore.auth.S3SigV4Auth(botocore.credentials.Credentials(*key), "s3", "us-east-1")
    real = botocore.auth.datetime
    if when:
        class Shifted(datetime.datetime):
            @classmethod
            def utcnow(cls):
                return real.datetime.utcnow() + when
        botocore.auth.datetime = type("m", (), {"datetime": Shifted})
    try:
        auth.add_auth(request)
    finally:
        botocore.auth.datetime = real
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{strict.port}\r\nConnection: close\r\n"
    return head, dict(request.headers.items())


def send(strict, head, headers, body=b""):
    lines = "".join(f"{n}: {v}\r\n" for n, v in headers.items() if n.lower() != "content-length")
    return exchange(strict, (head + lines + f"Content-Length: {len(body)}\r\n\r\n").encode() + body)


def test_a_right_signature_passes(strict, key):
    assert status(send(strict, *signed(strict, key))) == 200


def test_wrong_signatures_are_refused(strict, key):
    def code(head, headers, body=b""):
        answer = send(strict, head, headers, body)
        assert status(answer) == 403, answer[:300]
        return answer.split(b"<Code>")[1].split(b"</Code>")[0].decode()

    head, headers = signed(strict, key)
    assert code(head, {}) == "AccessDenied"
    assert code(*signed(strict, (key[0], "wrong"))) == "SignatureDoesNotMatch"
    assert code(*signed(strict, ("AKIAUNKNOWN", key[1]))) == "InvalidAccessKeyId"
    assert code(*signed(strict, key, when=datetime.timedelta(minutes=-20))) == "RequestTimeTooSkewed"
    assert code(*signed(strict, key, when=datetime.timedelta(minutes=20))) == "RequestTimeTooSkewed"
    assert code(head.replace("GET / ", "GET /another "), headers) == "SignatureDoesNotMatch"
    assert code(head.replace("GET / ", "GET /?list-type=2 "), headers) == "SignatureDoesNotMatch"
    assert status(send(strict, *signed(strict, key, when=datetime.timedelta(minutes=-10)))) == 200


def test_a_changed_body_is_refused(strict, key):
    assert status(send(strict, *signed(strict, key, "PUT", "/strict-bucket"))) == 200
    head, headers = signed(strict, key, "PUT", "/strict-bucket/k", b"signed")
    answer = send(strict, head, headers, b"forged")
    assert status(answer) == 400 and b"XAmzContentSHA256Mismatch" in answer
    assert status(send(strict, *signed(strict, key, "GET", "/strict-bucket/k"))) == 404
    assert status(send(strict, head, headers, b"signed")) == 200  # the control: the same request with its own body
    assert status(send(strict, *signed(strict, key, "GET", "/strict-bucket/k"))) == 200


def test_internal_pages_need_a_signature(strict, key):
    answer = exchange(strict, b"GET /_gust/ps HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert status(answer) == 403
    assert status(exchange(strict, GOOD)) == 200  # health tells nothing that is worth a key
