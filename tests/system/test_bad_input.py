# SPDX-License-Identifier: Apache-2.0
"""Bytes that are no good HTTP, from strangers and pages: refused with AWS's error or a close, nothing behind them is read,
and a well-behaved client is served before, during and after. Each has a twin that differs in what is wrong, and is served."""
import contextlib
import http.client
import os
import pathlib
import re
import resource
import socket
import ssl
import threading
import time

import pytest

from conftest import read, wait_until

# Without the quarantine in which the sanitizer keeps freed memory: VmRSS then says what the daemon holds.
FRANK_MEMORY = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1:thread_local_quarantine_size_kb=16:"
                                "allocator_release_to_os_interval_ms=100"}
DAEMON_RSS_GROWTH = 128 << 20  # bytes that a test of a few requests may leave behind, sanitizers' shadow included


def authorization(service="dynamodb"):
    """As --dev wants it: there, but nobody looks at the signature."""
    return (f"Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{service}/aws4_request, "
            f"SignedHeaders=host;x-amz-date, Signature={'0' * 64}")


LIST_TABLES = ("X-Amz-Target: DynamoDB_20120810.ListTables", "Content-Type: application/x-amz-json-1.0")


def head(line, *fields, host="127.0.0.1"):
    named = (f"Host: {host}",) if host is not None else ()
    return "\r\n".join((line,) + named + fields + ("", "")).encode("latin-1")


def call(*fields, body=b"", service="dynamodb", line="POST / HTTP/1.1"):
    """A ListTables that --dev answers; `fields` besides the usual ones, which say how long the body is."""
    return head(line, authorization(service), *LIST_TABLES, *fields) + body


HEALTH = head("GET /_gust/health HTTP/1.1")


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def __repr__(self):
        return f"{self.status} {self.headers} {self.body[:300]}"


class Wire:
    """A connection whose bytes the test chooses."""

    def __init__(self, port, seconds=30):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=seconds)
        self.buffer = b""

    def send(self, data):
        # A refusal may come, and the end of the connection, while bytes are still on their way.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(data)
        return self

    def more(self):
        try:
            part = self.socket.recv(1 << 16)
        except ConnectionResetError:
            part = b""
        self.buffer += part
        return part != b""

    def answer(self, to_head=False):
        """The next whole answer; None where the connection ended before one."""
        while b"\r\n\r\n" not in self.buffer:
            if not self.more():
                assert self.buffer == b"", f"half an answer: {self.buffer[:200]}"
                return None
        top, _, rest = self.buffer.partition(b"\r\n\r\n")
        lines = top.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        status = int(re.fullmatch(r"HTTP/1\.1 (\d{3}) .*", lines[0]).group(1))
        length = 0 if to_head or status in (100, 204, 304) else int(headers["content-length"])
        self.buffer = rest
        while len(self.buffer) < length:
            assert self.more(), "the connection ended in a body"
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return Answer(status, headers, body)

    def ended(self):
        """Waits for the server's end of the connection; False where another answer comes."""
        return self.buffer == b"" and not self.more()

    def close(self):
        self.socket.close()

    __enter__ = lambda self: self
    __exit__ = lambda self, *_: self.close()


def rss(gust, field=b"VmRSS"):
    return int(re.search(field + rb":\s*(\d+)", read(f"/proc/{gust.pid('daemon')}/status")).group(1)) << 10


@contextlib.contextmanager
def peak_below(gust, growth):
    """The daemon never holds so many bytes more than at the beginning."""
    pathlib.Path(f"/proc/{gust.pid('daemon')}/clear_refs").write_text("5")  # proc(5): the peak begins anew
    before = rss(gust)
    yield
    assert rss(gust, b"VmHWM") - before < growth, f"{(rss(gust, b'VmHWM') - before) >> 20} MiB at the peak"


def cpu_seconds(gust):
    fields = read(f"/proc/{gust.pid('daemon')}/stat").rsplit(b")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def assert_served(gust):
    """What a well-behaved client does: health, and a call on the same connection."""
    with Wire(gust.port) as wire:
        assert wire.send(HEALTH).answer().status == 200
        assert wire.send(call("Content-Length: 2", body=b"{}")).answer().status == 200


def many_files():
    """Thousands of connections need as many descriptors."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 32768) if hard != resource.RLIM_INFINITY else 32768, hard))


@contextlib.contextmanager
def somebody_asks(gust):
    """A well-behaved client that asks all the while; every answer must be right."""
    stop, served, wrong = threading.Event(), [], []

    def ask():
        try:
            with Wire(gust.port) as wire:
                while not stop.wait(0.02):
                    answer = wire.send(HEALTH).answer()
                    (served if answer and answer.status == 200 else wrong).append(answer)
        except (OSError, AssertionError) as e:
            wrong.append(e)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        wait_until(lambda: served or wrong, "a first answer")
        yield
    finally:
        before = len(served)
        wait_until(lambda: len(served) > before or wrong, "an answer in the end")
        stop.set()
        thread.join()
    assert not wrong, wrong[:3]


@contextlib.contextmanager
def unharmed(gust, growth=DAEMON_RSS_GROWTH):
    """The daemon lives on, holds no more memory than before, and serves before, during and after."""
    pid, before = gust.pid("daemon"), rss(gust)
    assert_served(gust)
    with somebody_asks(gust):
        yield
    assert_served(gust)
    assert gust.pid("daemon") == pid, f"the daemon died:\n{gust.tail()}"
    assert rss(gust) - before < growth, f"{before} -> {rss(gust)} bytes"


@pytest.fixture(autouse=True)
def nothing_breaks(request):
    if "shared_gust" not in request.fixturenames:
        yield
        return
    with unharmed(request.getfixturevalue("shared_gust")):
        yield


def assert_refused(gust, data, status):
    """One answer with that status, then the end: what is behind a bad request belongs to nobody."""
    with Wire(gust.port) as wire:
        answer = wire.send(data + HEALTH).answer()
        assert answer is not None and answer.status == status, answer
        assert wire.ended(), wire.answer()


def assert_taken(gust, data, status=200):
    """That answer, and the connection goes on where the request ended."""
    with Wire(gust.port) as wire:
        answer = wire.send(data).answer()
        assert answer is not None and answer.status == status, answer
        assert wire.send(HEALTH).answer().status == 200


# name: (status, the bad one, its twin)
MALFORMED = {
    "length beside chunked": (400, call("Content-Length: 2", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"), call("Transfer-Encoding: chunked", body=b"2\r\n{}\r\n0\r\n\r\n")),
    "chunked beside length": (400, call("Transfer-Encoding: chunked", "Content-Length: 5", body=b"0\r\n\r\n"), call("Content-Length: 2", body=b"{}")),
    "two lengths": (400, call("Content-Length: 2", "Content-Length: 3", body=b"{} "), call("Content-Length: 3", body=b"{} ")),
    "the same length twice": (400, call("Content-Length: 2", "Content-Length: 2", body=b"{}"), call("Content-Length: 2", body=b"{}")),
    "a list of lengths": (400, call("Content-Length: 2, 2", body=b"{}"), call("Content-Length: 2", body=b"{}")),
    "a negative length": (400, call("Content-Length: -2", body=b"{}"), call("Content-Length: 2", body=b"{}")),
    "a length with a sign": (400, call("Content-Length: +2", body=b"{}"), call("Content-Length: 02", body=b"{}")),
    "a length in hex": (400, call("Content-Length: 0x2", body=b"{}"), call("Content-Length: 2", body=b"{}")),
    "an empty length": (400, call("Content-Length:", body=b""), call("Content-Length: 0")),
    "a length over 64 bits": (400, call("Content-Length: 18446744073709551618", body=b"{}"), call("Content-Length: 2", body=b"{}")),
    "a huge length": (413, call("Content-Length: 9223372036854775807", body=b"{}"), call("Content-Length: 2", body=b"{}")),
    "another coding": (501, call("Transfer-Encoding: gzip", body=b"{}"), call("Transfer-Encoding: CHUNKED", body=b"0\r\n\r\n")),
    "chunked twice": (501, call("Transfer-Encoding: chunked, chunked", body=b"0\r\n\r\n"), call("Transfer-Encoding: chunked", body=b"0\r\n\r\n")),
    "chunked by two fields": (501, call("Transfer-Encoding: chunked", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"), call("Transfer-Encoding: chunked", body=b"0\r\n\r\n")),
    "almost chunked": (501, call("Transfer-Encoding: xchunked", body=b"0\r\n\r\n"), call("X-Transfer-Encoding: chunked")),
    "a folded line": (400, head("GET /_gust/health HTTP/1.1", "A: b", " folded"), head("GET /_gust/health HTTP/1.1", "A: b folded")),
    "a bare LF": (400, b"GET /_gust/health HTTP/1.1\r\nHost: 127.0.0.1\nA: b\r\n\r\n", HEALTH),
    "LF only": (400, b"GET /_gust/health HTTP/1.1\nHost: 127.0.0.1\n\n", HEALTH),
    "a bare CR": (400, head("GET /_gust/health HTTP/1.1", "A: b\rC: d"), head("GET /_gust/health HTTP/1.1", "A: b\r\nC: d")),
    "space before the colon": (400, head("GET /_gust/health HTTP/1.1", "A : b"), head("GET /_gust/health HTTP/1.1", "A:b ")),
    "no colon": (400, head("GET /_gust/health HTTP/1.1", "AAAA"), head("GET /_gust/health HTTP/1.1", "AAAA:")),
    "a field without a name": (400, head("GET /_gust/health HTTP/1.1", ": b"), head("GET /_gust/health HTTP/1.1", "a: b")),
    "a NUL in a field": (400, head("GET /_gust/health HTTP/1.1", "A: b\0c"), head("GET /_gust/health HTTP/1.1", "A: b\tc")),
    "an escape in a field": (400, head("GET /_gust/health HTTP/1.1", "A: \x1b[31m"), head("GET /_gust/health HTTP/1.1", "A: \xff[31m")),
    "a method that is no token": (400, head("G@T /_gust/health HTTP/1.1"), HEALTH),
    "a long method": (400, head("G" * 40 + " /_gust/health HTTP/1.1"), HEALTH),
    "two spaces": (400, head("GET  /_gust/health HTTP/1.1"), HEALTH),
    "a tab for a space": (400, head("GET\t/_gust/health HTTP/1.1"), HEALTH),
    "a space in the target": (400, head("GET /_gust/ health HTTP/1.1"), HEALTH),
    "a NUL in the target": (400, head("GET /_gust/health\0 HTTP/1.1"), HEALTH),
    "no version": (400, head("GET /_gust/health"), HEALTH),
    "a version in small letters": (400, head("GET /_gust/health http/1.1"), HEALTH),
    "a version to come": (505, head("GET /_gust/health HTTP/1.2"), HEALTH),
    "the preface of HTTP/2": (505, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", HEALTH),
    "the absolute form": (400, head("GET http://evil.example/_gust/health HTTP/1.1"), HEALTH),
    "a tunnel": (400, head("CONNECT 127.0.0.1:22 HTTP/1.1"), HEALTH),
    "no target": (400, head("GET  HTTP/1.1"), HEALTH),
    "no Host": (400, head("GET /_gust/health HTTP/1.1", host=None), HEALTH),
    "two Hosts": (400, head("GET /_gust/health HTTP/1.1", "Host: 127.0.0.1"), HEALTH),
    "a letter as a chunk size": (400, call("Transfer-Encoding: chunked", body=b"x\r\n"), call("Transfer-Encoding: chunked", body=b"2\r\n{}\r\n0\r\n\r\n")),
    "a negative chunk": (400, call("Transfer-Encoding: chunked", body=b"-2\r\n{}\r\n0\r\n\r\n"), call("Transfer-Encoding: chunked", body=b"02\r\n{}\r\n0\r\n\r\n")),
    "0x before a chunk size": (400, call("Transfer-Encoding: chunked", body=b"0x2\r\n{}\r\n0\r\n\r\n"), call("Transfer-Encoding: chunked", body=b"2;x\r\n{}\r\n0\r\n\r\n")),
    "a chunk size over 64 bits": (400, call("Transfer-Encoding: chunked", body=b"10000000000000002\r\n{}\r\n0\r\n\r\n"), call("Transfer-Encoding: chunked", body=b"000000000000002\r\n{}\r\n0\r\n\r\n")),
    "an empty chunk size": (400, call("Transfer-Encoding: chunked", body=b"\r\n{}\r\n0\r\n\r\n"), call("Transfer-Encoding: chunked", body=b"0\r\n\r\n")),
    "a chunk longer than its size": (400, call("Transfer-Encoding: chunked", body=b"1\r\n{}\r\n0\r\n\r\n"), call("Transfer-Encoding: chunked", body=b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n")),
    "LF behind a chunk size": (400, call("Transfer-Encoding: chunked", body=b"2\n{}\r\n0\r\n\r\n"), call("Transfer-Encoding: chunked", body=b"2\r\n{}\r\n0\r\n\r\n")),
    "an endless chunk extension": (400, call("Transfer-Encoding: chunked", body=b"2;" + b"e" * 5000), call("Transfer-Encoding: chunked", body=b"2;" + b"e" * 3000 + b"\r\n{}\r\n0\r\n\r\n")),
    "a malformed trailer": (400, call("Transfer-Encoding: chunked", body=b"2\r\n{}\r\n0\r\nno trailer\r\n\r\n"), call("Transfer-Encoding: chunked", body=b"2\r\n{}\r\n0\r\nA: trailer\r\n\r\n")),
    "a length as a trailer": (400, call("Transfer-Encoding: chunked", body=b"2\r\n{}\r\n0\r\nContent-Length: 9\r\n\r\n"), call("Transfer-Encoding: chunked", body=b"2\r\n{}\r\n0\r\nX-Length: 9\r\n\r\n")),
    "too many trailers": (431, call("Transfer-Encoding: chunked", body=b"0\r\n" + b"A: b\r\n" * 70 + b"\r\n"), call("Transfer-Encoding: chunked", body=b"0\r\n" + b"A: b\r\n" * 60 + b"\r\n")),
    "an unknown expectation": (417, call("Content-Length: 2", "Expect: miracle", body=b"{}"), call("Content-Length: 2", body=b"{}")),
    "a long request line": (431, head("GET /_gust/health?" + "a" * 70_000 + " HTTP/1.1"), head("GET /_gust/health?" + "a" * 60_000 + " HTTP/1.1")),
    "an endless request line": (431, b"GET /" + b"a" * 200_000, HEALTH),
    "a long field": (431, head("GET /_gust/health HTTP/1.1", "A: " + "a" * 70_000), head("GET /_gust/health HTTP/1.1", "A: " + "a" * 60_000)),
    "many fields": (431, head("GET /_gust/health HTTP/1.1", *["A: b"] * 200), head("GET /_gust/health HTTP/1.1", *["A: b"] * 199)),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_malformed(shared_gust, what):
    status, bad, twin = MALFORMED[what]
    assert_refused(shared_gust, bad, status)
    assert_taken(shared_gust, twin)


@pytest.mark.parametrize("what", {"ssh": b"SSH-2.0-OpenSSH_9.2\r\n", "smb": b"\x00\x00\x00\x2f\xffSMB",
                                  "json": b'{"jsonrpc":"2.0"}\r\n', "an empty line": b"\r\n"}.items(), ids=lambda item: item[0])
def test_another_protocol_is_refused_at_once(shared_gust, what):
    begin = time.monotonic()
    with Wire(shared_gust.port) as wire:
        answer = wire.send(what[1]).answer() if what[0] != "ssh" else wire.send(what[1] + b"\r\n").answer()
        assert answer.status == 400 and wire.ended()
    assert time.monotonic() - begin < 15  # long before the time for a head is over


def test_broken_tls_is_told_by_an_alert(shared_gust):
    with socket.create_connection(("127.0.0.1", shared_gust.port), timeout=30) as plain:
        plain.sendall(b"\x16\x03\x01\x00\x05hello")
        assert plain.recv(100)[:1] == b"\x15" and plain.recv(100) == b""


def test_a_tls_client_that_knows_other_authorities_does_not_believe_us(shared_gust):
    context = ssl.create_default_context()
    with socket.create_connection(("127.0.0.1", shared_gust.port), timeout=30) as plain:
        with pytest.raises(ssl.SSLCertVerificationError):
            context.wrap_socket(plain, server_hostname="localhost")


def test_noise(shared_gust):
    """Anything: an answer in the 4xx and 5xx, or nothing but a close."""
    source = pathlib.Path("/dev/urandom").open("rb")
    with source:
        for size in [1, 7, 64, 1000, 20_000] * 8:
            data = source.read(size)
            with Wire(shared_gust.port) as wire:
                answer = wire.send(data + b"\r\n\r\n").answer()
                assert answer is None or (answer.status >= 400 and wire.ended())


# --- who may ask --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "xlocalhost", "127.0.0.1:80@evil.example",
                                  "[::1]evil.example", "127.0.0.2", "0.0.0.0", "", "localhost:port", "127.0.0.1, evil.example"])
def test_a_rebound_name_is_not_served(shared_gust, host):
    """A page of evil.example whose name now points at 127.0.0.1 sends that Host."""
    for line in ("GET /_gust/health HTTP/1.1", "GET / HTTP/1.1", "GET /_localstack/health HTTP/1.1"):
        with Wire(shared_gust.port) as wire:
            answer = wire.send(head(line, authorization("s3"), host=host)).answer()
            assert answer.status == 403 and b"health" not in answer.body and b"Bucket" not in answer.body


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST:4566", "bucket.localhost", "b.s3.us-east-1.localhost:1", "[::1]", "[::1]:4566"])
def test_own_names_are_served(shared_gust, host):
    assert_taken(shared_gust, head("GET /_gust/health HTTP/1.1", host=host))


@pytest.mark.parametrize("origin", ["http://evil.example", "https://evil.example:4566", "null", "http://127.0.0.1:1", "http://localhost", "file://", ""])
def test_a_foreign_page_may_not_call(shared_gust, origin):
    bad = f"Origin: {origin}"
    assert_taken(shared_gust, head("GET /_gust/health HTTP/1.1", bad, host=f"127.0.0.1:{shared_gust.port}"), status=403)
    with Wire(shared_gust.port) as wire:
        answer = wire.send(call("Content-Length: 2", bad, body=b"{}")).answer()
        assert answer.status == 403 and b"TableNames" not in answer.body
        assert "access-control-allow-origin" not in answer.headers


def test_a_page_of_its_own_may_call(shared_gust):
    own = f"127.0.0.1:{shared_gust.port}"
    assert_taken(shared_gust, head("GET /_gust/health HTTP/1.1", f"Origin: http://{own}", host=own))


@pytest.mark.parametrize("line", ["PUT /a-bucket HTTP/1.1", "DELETE /a-bucket HTTP/1.1", "POST / HTTP/1.1", "POST /2015-03-31/functions HTTP/1.1"])
def test_even_in_dev_a_change_needs_an_authorization(shared_gust, line):
    """A form of a foreign page can send neither an Authorization nor, here, anything."""
    with Wire(shared_gust.port) as wire:
        answer = wire.send(head(line, "Content-Length: 0")).answer()
        assert answer.status == 403, answer
    bucket = f"b{time.monotonic_ns()}"
    assert_taken(shared_gust, head(f"PUT /{bucket} HTTP/1.1", "Content-Length: 0", authorization("s3")))
    assert_taken(shared_gust, head(f"DELETE /{bucket} HTTP/1.1", "Content-Length: 0", authorization("s3")), status=204)


# --- odd, but right -----------------------------------------------------------------------------------------------


def test_http_1_0(shared_gust):
    with Wire(shared_gust.port) as wire:
        answer = wire.send(head("GET /_gust/health HTTP/1.0")).answer()
        assert answer.status == 200 and answer.headers["connection"] == "close" and wire.ended()
    with Wire(shared_gust.port) as wire:
        answer = wire.send(head("POST / HTTP/1.0", "Transfer-Encoding: chunked", authorization()) + b"0\r\n\r\n").answer()
        assert answer.status == 501 and wire.ended()  # RFC 9112: no codings before HTTP/1.1


def test_head_has_no_body(shared_gust):
    with Wire(shared_gust.port) as wire:
        answer = wire.send(head("HEAD /_gust/health HTTP/1.1")).answer(to_head=True)
        assert answer.status == 200 and int(answer.headers["content-length"]) > 0
        assert wire.send(HEALTH).answer().status == 200


def test_pipelined_requests_are_answered_in_order(shared_gust):
    tables = call("Content-Length: 2", body=b"{}")
    missing = call("Content-Length: 18", body=b'{"TableName":"no"}').replace(b"ListTables", b"DescribeTable")
    with Wire(shared_gust.port) as wire:
        wire.send((HEALTH + missing + tables) * 30)
        for _ in range(30):
            assert [wire.answer().status for _ in range(3)] == [200, 400, 200]


def test_behind_a_bad_request_nothing_is_answered(shared_gust):
    with Wire(shared_gust.port) as wire:
        wire.send(HEALTH * 2 + head("GET /_gust/health HTTP/1.1", "A : b") + HEALTH * 2)
        assert [wire.answer().status for _ in range(3)] == [200, 200, 400]
        assert wire.ended()


def test_expect_continue(shared_gust):
    with Wire(shared_gust.port) as wire:
        assert wire.send(call("Content-Length: 2", "Expect: 100-continue")).answer().status == 100
        assert wire.send(b"{}").answer().status == 200
        # What is refused by its head is not invited to send.
        refused = call("Content-Length: 2", "Expect: 100-continue", "Origin: http://evil.example")
        assert wire.send(refused).answer().status == 403
        assert wire.ended()


def test_a_body_ends_where_its_length_says(shared_gust):
    """Bytes behind it are another request, and a bad one."""
    bucket = f"b{time.monotonic_ns()}"
    assert_taken(shared_gust, head(f"PUT /{bucket} HTTP/1.1", "Content-Length: 0", authorization("s3")))
    with Wire(shared_gust.port) as wire:
        wire.send(head(f"PUT /{bucket}/k HTTP/1.1", "Content-Length: 5", authorization("s3")) + b"12345678 and more\r\n\r\n")
        assert wire.answer().status == 200
        assert wire.answer().status == 400 and wire.ended()
    with Wire(shared_gust.port) as wire:
        assert wire.send(head(f"GET /{bucket}/k HTTP/1.1")).answer().body == b"12345"


def test_a_truncated_body_leaves_nothing(shared_gust):
    bucket = f"b{time.monotonic_ns()}"
    assert_taken(shared_gust, head(f"PUT /{bucket} HTTP/1.1", "Content-Length: 0", authorization("s3")))
    spool = shared_gust.state / "spool"
    for size, sent in ((100, 99), (1 << 20, (1 << 20) - 1), (3 << 20, 1 << 20)):
        with Wire(shared_gust.port) as wire:
            wire.send(head(f"PUT /{bucket}/k HTTP/1.1", f"Content-Length: {size}", authorization("s3")) + b"x" * sent)
    with Wire(shared_gust.port) as wire:  # chunked: the last chunk is missing
        wire.send(head(f"PUT /{bucket}/k HTTP/1.1", "Transfer-Encoding: chunked", authorization("s3")) + b"5\r\nhello\r\n")
    end = time.monotonic() + 20
    while os.listdir(spool) and time.monotonic() < end:
        time.sleep(0.05)
    assert os.listdir(spool) == []
    with Wire(shared_gust.port) as wire:
        assert wire.send(head(f"GET /{bucket}/k HTTP/1.1")).answer().status == 404
        wire.send(head(f"PUT /{bucket}/k HTTP/1.1", f"Content-Length: {1 << 20}", authorization("s3")) + b"x" * (1 << 20))  # the control
        assert wire.answer().status == 200
        assert len(wire.send(head(f"GET /{bucket}/k HTTP/1.1")).answer().body) == 1 << 20


def test_methods_without_a_meaning(shared_gust):
    for method in ("TRACE", "PATCH", "OPTIONS", "PROPFIND", "BREW"):
        with Wire(shared_gust.port) as wire:
            answer = wire.send(head(f"{method} /a/b HTTP/1.1", authorization("s3"), "Content-Length: 0")).answer()
            assert 400 <= answer.status < 500, answer
            assert wire.send(HEALTH).answer().status == 200
    connection = http.client.HTTPConnection("127.0.0.1", shared_gust.port, timeout=30)
    with contextlib.closing(connection):
        connection.request("OPTIONS", "*")
        assert 400 <= connection.getresponse().status < 500
