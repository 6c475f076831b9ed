# SPDX-License-Identifier: Apache-2.0
"""Too much of what is allowed: large bodies, slow ones, thousands of connections, readers that do not read. The daemon's
memory stays within what its limits add up to, and others are served while it lasts."""
import os
import select
import threading
import time

import pytest

from conftest import gusts, wait_until
from test_bad_input import FRANK_MEMORY, HEALTH, Wire, assert_served, assert_taken, authorization, call, cpu_seconds, head, many_files, rss, unharmed

MIB = 1 << 20
IDLE_CONNECTIONS = 5000
IDLE_SECONDS = 75  # http::Limits::idle_timeout_us
HELD = 512 * MIB  # http::Limits::memory


@pytest.fixture(scope="module")
def gust(work, runtimes):
    many_files()
    with gusts(work, runtimes) as make:
        yield make().start(env=FRANK_MEMORY)


@pytest.fixture(autouse=True)
def nothing_breaks(gust):
    # A sanitizer's allocator gives memory back in its own time.
    with unharmed(gust, growth=200 * MIB):
        yield


@pytest.fixture(scope="module")
def idle(gust):
    """Connections that say nothing: opened before the first test that asks for them, and there during all the others."""
    before = rss(gust)
    wires = [Wire(gust.port) for _ in range(IDLE_CONNECTIONS)]
    yield wires, before, time.monotonic()
    for wire in wires:
        wire.close()


def test_five_thousand_idle_connections_cost_little_and_others_are_served(gust, idle):
    wires, before, _ = idle
    assert_served(gust)
    grown = rss(gust) - before
    assert grown < IDLE_CONNECTIONS * 16 * 1024, f"{grown / IDLE_CONNECTIONS:.0f} bytes a connection"
    # They are real: each of them is served when it asks after all.
    for wire in wires[::500]:
        assert wire.send(HEALTH).answer().status == 200
    used = cpu_seconds(gust)
    begin = time.monotonic()
    time.sleep(2)
    assert cpu_seconds(gust) - used < 0.5 * (time.monotonic() - begin), "idle connections keep the daemon busy"


LAMBDA_CREATE = "POST /2015-03-31/functions HTTP/1.1"
INVOKE = "POST /2015-03-31/functions/no-such-function/invocations HTTP/1.1"
# name: (head line, service, fields, limit, status, word of the refusal, status of what just fits)
BODY_LIMITS = {
    "a synchronous event": (INVOKE, "lambda", (), 6 * MIB, 413, b"RequestTooLargeException", 404),
    "an asynchronous event": (INVOKE, "lambda", ("X-Amz-Invocation-Type: Event",), 1 * MIB, 413, b"RequestTooLargeException", 404),
    "a function's code": (LAMBDA_CREATE, "lambda", (), 70_167_211, 413, b"RequestEntityTooLargeException", 400),
    "an item": ("POST / HTTP/1.1", "dynamodb", ("X-Amz-Target: DynamoDB_20120810.PutItem",), 16 * MIB, 413, b"RequestEntityTooLargeException", 400),
    "a bucket's configuration": ("PUT /no-such-bucket?notification HTTP/1.1", "s3", (), 4 * MIB, 400, b"MalformedXML", 400),
}


@pytest.mark.parametrize("what", BODY_LIMITS)
def test_a_body_over_its_limit_is_refused_by_its_length(gust, idle, what):
    line, service, fields, limit, status, word, _ = BODY_LIMITS[what]
    with Wire(gust.port) as wire:  # nothing of it is sent, and nobody is invited to
        wire.send(head(line, authorization(service), f"Content-Length: {limit + 1}", "Expect: 100-continue", *fields))
        answer = wire.answer()
        assert answer.status == status and (word in answer.body or word in answer.headers.get("x-amzn-errortype", "").encode()), answer
        assert wire.ended()


@pytest.mark.parametrize("what", BODY_LIMITS)
def test_a_body_over_its_limit_is_refused_while_it_comes(gust, idle, what):
    line, service, fields, limit, status, word, fits = BODY_LIMITS[what]
    piece = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    with Wire(gust.port) as wire:
        wire.send(head(line, authorization(service), "Transfer-Encoding: chunked", *fields))
        for _ in range(limit // 0x10000 + 2):
            wire.send(piece)
        answer = wire.answer()
        assert answer.status == status and (word in answer.body or word in answer.headers.get("x-amzn-errortype", "").encode()), answer
    with Wire(gust.port) as wire:  # the control: read to its end, and refused for what it says
        wire.send(head(line, authorization(service), f"Content-Length: {limit}", *fields) + b" " * limit)
        answer = wire.answer()
        assert answer.status == fits and b"TooLarge" not in answer.body, answer
        assert wire.send(HEALTH).answer().status == 200


def test_an_object_over_five_gib_is_refused(gust, idle):
    assert_taken(gust, head("PUT /limits HTTP/1.1", authorization("s3"), "Content-Length: 0"))
    with Wire(gust.port) as wire:
        answer = wire.send(head("PUT /limits/k HTTP/1.1", authorization("s3"), f"Content-Length: {(5 << 30) + 1}")).answer()
        assert answer.status == 400 and b"<Code>EntityTooLarge</Code>" in answer.body and wire.ended()
    with Wire(gust.port) as wire:
        wire.send(head("PUT /limits/k HTTP/1.1", authorization("s3"), f"Content-Length: {5 << 30}", "Expect: 100-continue"))
        assert wire.answer().status == 100


def drain(wires, until):
    """The bytes that came on each connection that the server has ended, until all have or the time is over."""
    ended, got = {}, {w.socket.fileno(): b"" for w in wires}
    by_fd = {w.socket.fileno(): w for w in wires}
    poll = select.poll()
    for fd in by_fd:
        poll.register(fd, select.POLLIN)
    while len(ended) < len(wires) and time.monotonic() < until:
        for fd, _ in poll.poll(500):
            try:
                part = by_fd[fd].socket.recv(1 << 16)
            except ConnectionResetError:
                part = b""
            got[fd] += part
            if not part:
                poll.unregister(fd)
                ended[fd] = got[fd]
    return list(ended.values())


def test_slow_clients_are_given_up_and_others_served(gust, idle):
    """Heads and bodies that stand still or drip: 408 and an end, after 20 s of a head and 30 s without 4 KiB of a body."""
    begin = time.monotonic()
    still_heads = [Wire(gust.port).send(b"GET / HTTP/1.1\r\nHost: h\r\nA: ") for _ in range(100)]
    still_bodies = [Wire(gust.port).send(call("Content-Length: 100000", body=b"{")) for _ in range(100)]
    dripping_heads = [Wire(gust.port).send(b"GET / HTTP/1.1\r\nHost: h\r\nA: ") for _ in range(20)]
    dripping_bodies = [Wire(gust.port).send(call("Content-Length: 100000", body=b"{")) for _ in range(20)]
    steady = Wire(gust.port, seconds=120).send(call("Content-Length: 200000"))  # the control: slow, but not that slow
    stop = threading.Event()

    def drip():
        sent = 0
        while not stop.wait(0.5):
            for wire in dripping_heads + dripping_bodies:
                wire.send(b" ")
            if sent < 190_000:
                steady.send(b" " * 2500)
                sent += 2500
        steady.send(b" " * (200_000 - 2 - sent) + b"{}")

    dripper = threading.Thread(target=drip)
    dripper.start()
    try:
        slow = still_heads + still_bodies + dripping_heads + dripping_bodies
        assert drain(slow, begin + 18) == []  # none of them has used up its time
        assert_served(gust)
        ends = drain(slow, begin + 90)
        assert len(ends) == len(slow)
        assert all(e.startswith(b"HTTP/1.1 408 ") or e == b"" for e in ends), {e[:40] for e in ends}
        # What still drips when the answer comes may be told by a reset instead.
        assert sum(e != b"" for e in ends) >= len(still_heads + still_bodies)
    finally:
        stop.set()
        dripper.join()
    assert steady.answer().status == 200
    for wire in slow + [steady]:
        wire.close()


def test_two_thousand_dripping_uploads_hold_no_worker(gust, idle):
    """One byte a second each: parked on the loop, a few KiB of memory, no thread; a small and a large upload pass by them."""
    assert_taken(gust, head("PUT /limits HTTP/1.1", authorization("s3"), "Content-Length: 0"))

    def put(key, length):
        return head(f"PUT /limits/{key} HTTP/1.1", authorization("s3"), f"Content-Length: {length}")

    before, threads = rss(gust), thread_count(gust)
    wires = [Wire(gust.port).send(put(f"slow-{i}", 100_000)) for i in range(2000)]
    try:
        for _ in range(8):
            for wire in wires:
                wire.send(b"x")
            assert_served(gust)
            for length in (10, 300_000):
                assert_taken(gust, put("quick", length) + b"y" * length)
            time.sleep(1)
        assert thread_count(gust) == threads
        assert rss(gust) - before < 2000 * 32 * 1024
        assert drain(wires, time.monotonic() + 0.6) == [], "a slow client was given up before its time"
    finally:
        for wire in wires:
            wire.close()
    assert_served(gust)


def thread_count(gust):
    return len(os.listdir(f"/proc/{gust.pid('daemon')}/task"))


def test_large_events_together_have_a_limit(gust, idle):
    """Hundreds of strangers who send 6 MiB but for the last byte: more than the memory for it is refused, small calls are not."""
    line = head(INVOKE, authorization("lambda"), f"Content-Length: {6 * MIB}")
    body = b" " * (6 * MIB - 1)
    before, wires = rss(gust), []
    try:
        for number in range(130):
            wires.append(Wire(gust.port).send(line + body))
            if number % 50 == 0:
                assert_served(gust)
        assert_served(gust)
        held = rss(gust) - before
        assert held < HELD * 5 // 4, f"{held / MIB:.0f} MiB"
        assert held > HELD // 2, f"only {held / MIB:.0f} MiB: nothing was held"
        poll = select.poll()
        for wire in wires:
            poll.register(wire.socket.fileno(), select.POLLIN)
        refused = {fd for fd, _ in poll.poll(0)}
        assert 20 <= len(refused) < 100
        for wire in wires:
            if wire.socket.fileno() in refused:
                answer = wire.answer()
                assert answer is None or answer.status == 503
        kept = [w for w in wires if w.socket.fileno() not in refused]
        assert kept[0].send(b" ").answer().status == 404  # who was taken is answered
    finally:
        for wire in wires:
            wire.close()
    wait_until(lambda: rss(gust) - before < 200 * MIB, "memory given back")
    assert_taken(gust, line + body + b" ", status=404)


def test_a_reader_that_does_not_read_costs_a_buffer(gust, idle):
    size = 40 * MIB
    assert_taken(gust, head("PUT /readers HTTP/1.1", authorization("s3"), "Content-Length: 0"))
    assert_taken(gust, head("PUT /readers/large HTTP/1.1", authorization("s3"), f"Content-Length: {size}") + b"x" * size)
    before = rss(gust)
    lazy = [Wire(gust.port).send(head("GET /readers/large HTTP/1.1")) for _ in range(100)]
    try:
        for wire in lazy:
            assert wire.more()  # its answer has begun
        assert_served(gust)
        assert rss(gust) - before < 100 * MIB, f"{(rss(gust) - before) / MIB:.0f} MiB for {len(lazy)} x {size / MIB:.0f}"
        while len(lazy[0].buffer) < size:  # the control: who goes on reading gets all of it
            assert lazy[0].more()
    finally:
        for wire in lazy:
            wire.close()


def test_an_endless_pipeline_is_not_collected(gust, idle):
    """100 MB of requests on one connection, cut so that a part of one is always left over."""
    one = head("GET /_gust/health HTTP/1.1", "A: " + "a" * 20_000)
    before, answered = rss(gust), 0
    with Wire(gust.port) as wire:
        view = memoryview(one * 4)
        wire.send(view[:10_000])
        sent, requests = 10_000, 5000
        while answered < requests:
            if sent < requests * len(one):
                at = sent % len(one)
                count = min(len(one) * 3, requests * len(one) - sent)
                wire.send(view[at:at + count])
                sent += count
            while answered < sent // len(one):
                assert wire.answer().status == 200
                answered += 1
    assert rss(gust) - before < 40 * MIB


def test_pipelining_without_reading_stops_the_sender(gust, idle):
    before = rss(gust)
    wires = [Wire(gust.port) for _ in range(20)]
    sent = 0
    for wire in wires:
        wire.socket.setblocking(False)
        try:
            while sent < 1 << 30:
                sent += wire.socket.send(HEALTH * 1000)
        except BlockingIOError:
            pass
    assert_served(gust)
    assert sent < 1 << 30 and rss(gust) - before < 40 * MIB
    for wire in wires:
        wire.close()


def test_connections_beyond_the_limit_are_closed_and_room_comes_back(gust, idle):
    more = []
    try:
        for _ in range(5500):
            more.append(Wire(gust.port))
        # The newest found no room: closed without an answer.
        assert more[-1].ended()
        with pytest.raises((AssertionError, OSError, AttributeError)):
            assert_served(gust)
    finally:
        for wire in more:
            wire.close()
    wait_until(lambda: _served(gust), "room for others")


def _served(gust):
    try:
        assert_served(gust)
        return True
    except (AssertionError, OSError, AttributeError):
        return False


def test_idle_connections_are_closed_in_the_end(gust, idle):
    wires, before, opened = idle
    assert_served(gust)
    ends = drain(wires, opened + IDLE_SECONDS + 60)
    assert len(ends) == len(wires) and set(ends) == {b""}
    descriptors = os.listdir(f"/proc/{gust.pid('daemon')}/fd")
    assert len(descriptors) < 300, len(descriptors)
    assert_served(gust)
