# SPDX-License-Identifier: Apache-2.0
"""kill -9 of each process under load: what was acknowledged is there and processed afterwards, nothing half made is seen."""
import hashlib
import os
import pathlib
import random
import re
import signal

import pytest

from conftest import LONG, PARTS, gusts, wait_until
from crash_load import BUCKET, ITEMS, NOTIFIED, PROCESSED, VERSIONED, Checker, Ledger, Load, digest_of, set_up

ROUNDS = 50 if LONG else 8
SEED = int(os.environ.get("GUST_SEED", "1"))
# Waits between attempts and ages pass so many times faster.
SERVE = ("--clock-scale", "100")


@pytest.fixture(scope="module")
def prepared(work, runtimes):
    """A state directory that all these tests go on with, and what is known of it."""
    with gusts(work, runtimes) as make:
        gust = make().start(*SERVE)
        set_up(gust)
        assert gust.stop() == 0
        yield gust, Ledger()


@pytest.fixture
def on(prepared):
    """The same with nothing running before and after a test."""
    gust, ledger = prepared
    yield gust, ledger
    assert gust.stop() in (0, -signal.SIGKILL, None)
    gust.assert_gone()


def assert_whole(gust, ledger, **how):
    assert Checker(gust, ledger).problems(**how) == []


def strike(gust, ledger, part, name, pause):
    """Kills a part under load, so many requests after its begin, and brings the Gust back; how many requests went unanswered."""
    lives, pid = len(gust.ready_lines()), wait_until(lambda: gust.pid(part), f"a {part}")
    load = Load(gust, ledger, name)
    load.until(lambda: load.fates["acknowledged"] > 30)
    begin = sum(load.fates.values())
    load.until(lambda: sum(load.fates.values()) >= begin + pause and load.outstanding >= 3)
    os.kill(pid, signal.SIGKILL)
    if part == "supervisor":
        load.stop()
        gust.process.wait()
        gust.start(*SERVE)  # at once: the others may still be dying
    else:
        gust.wait_ready(lives + 1)
        load.stop()
    return load.fates["unanswered"]


def test_killed_at_random_moments(on):
    gust, ledger = on
    chance = random.Random(SEED)
    gust.start(*SERVE)
    for number in range(ROUNDS):
        part = PARTS[(number + 1) % len(PARTS)]
        for attempt in range(8):
            unanswered = strike(gust, ledger, part, f"{SEED}-{number}-{attempt}", chance.randrange(200))
            assert_whole(gust, ledger)
            if unanswered:
                break  # else it has proved nothing
        assert unanswered, f"nothing was ever under way when the {part} was killed"
    assert_whole(gust, ledger, everything=True)
    assert ledger.fates["acknowledged"] > 50 * ROUNDS and ledger.fates["unanswered"] >= ROUNDS


def fault_points():
    root = pathlib.Path(__file__).resolve().parents[2] / "src"
    found = {p for source in root.rglob("*.cc") if not source.name.endswith("_test.cc")
             for p in re.findall(r'fault_point\("([^"]+)"\)', source.read_text())}
    return sorted(found)


def test_fault_points_are_found():
    needed = {"store.before_commit", "store.after_commit", "s3.body_stored", "event-enqueued", "event-committed", "event-before-erase"}
    assert needed <= set(fault_points())


@pytest.mark.parametrize("point", fault_points())
def test_killed_at_a_named_point(on, point):
    gust, ledger = on
    count = 2 if "retry" in point else 15
    gust.start(*SERVE, env={"GUST_FAULT_POINT": f"{point}:{count}"})
    load = Load(gust, ledger, f"{SEED}-{point}")
    load.until(lambda: load.fates["unanswered"] > 0)  # at the first death, or one of the next daemons'
    load.stop()
    wait_until(lambda: "ended status" in gust_log(gust), "a death")
    assert "supervisor: daemon ended status=signal 9" in re.search(".*ended status.*", gust_log(gust))[0]
    # More daemons will die at the same point: this supervisor cannot be asked any more.
    gust.kill("supervisor")
    gust.start(*SERVE)
    assert_whole(gust, ledger)


def gust_log(gust):
    return (gust.directory / f"log-{gust.lives}").read_text(errors="replace")


def test_the_checker_names_what_is_lost(new_gust):
    """Without this the tests above could be green because they see nothing."""
    gust = new_gust().start(*SERVE)
    set_up(gust)
    ledger = Ledger()
    load = Load(gust, ledger, "planted")
    load.until(lambda: load.fates["acknowledged"] > 100 and len(ledger.events) > 20 and ledger.uploads and ledger.versions)
    load.stop()
    assert load.fates["unanswered"] == 0 and load.fates["refused"] == 0, load.errors
    assert_whole(gust, ledger, everything=True)

    checker = Checker(gust, ledger)
    there = [key for key, cell in ledger.objects.items() if isinstance(cell.known, int)]
    gone, swapped = (next(k for k in there if k.startswith(start)) for start in ("small", "large"))
    checker.s3.delete_object(Bucket=BUCKET, Key=gone)
    checker.s3.put_object(Bucket=BUCKET, Key=swapped, Body=b"something else")
    version, ledger_before = next(iter(ledger.versions)), dict(ledger.versions)
    checker.s3.delete_object(Bucket=VERSIONED, Key=version[0], VersionId=version[1])
    upload, (key, _) = next(iter(ledger.uploads.items()))
    checker.s3.abort_multipart_upload(Bucket=BUCKET, Key=key, UploadId=upload)
    item = next(key for key, cell in ledger.items.items() if isinstance(cell.known, int))
    checker.dynamodb.delete_item(TableName=ITEMS, Key={"id": {"S": item}})
    direct, notified = (next(e for e in ledger.events if e.startswith(start)) for start in ("direct", NOTIFIED))
    for event in (direct, notified):
        checker.dynamodb.delete_item(TableName=PROCESSED, Key={"id": {"S": event}})
    named = checker.problems(everything=True, patience=1)
    assert [re.sub(r" is .*| was .*", "", p) for p in named] == sorted([f"object {gone}", f"object {swapped}"]) + [
        f"version {version} with {ledger_before[version]}", f"upload {upload} of {key}", f"item {item}"] + sorted(
        [f"event {direct}", f"event {notified}"]), named


def test_the_checker_names_a_damaged_body(new_gust):
    gust = new_gust().start(*SERVE)
    set_up(gust)
    ledger = Ledger()
    load = Load(gust, ledger, "damaged")
    load.until(lambda: load.fates["acknowledged"] > 150)
    load.stop()
    digests = {digest_of(key, cell.known) for key, cell in ledger.objects.items() if key.startswith("large") and isinstance(cell.known, int)}
    file = next(p for p in (gust.state / "objects").rglob("*") if p.is_file() and hashlib.md5(p.read_bytes()).hexdigest() in digests)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    named = Checker(gust, ledger).problems(everything=True)
    assert len(named) == 1 and "damaged" in named[0], named
