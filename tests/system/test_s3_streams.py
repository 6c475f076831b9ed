# SPDX-License-Identifier: Apache-2.0
"""Large objects and many of them: bodies pass through the daemon without staying in its memory, slow clients do not hold up
quick ones, trees of files come back as they went. 2 GiB with GUST_LONG=1, 256 MiB otherwise."""
import concurrent.futures
import contextlib
import hashlib
import http.client
import os
import pathlib
import random
import select
import threading
import urllib.parse

import boto3.s3.transfer
import pytest

from conftest import LONG, gusts
from test_bad_input import FRANK_MEMORY, Wire, authorization, head, many_files, peak_below, unharmed

MIB = 1 << 20
SIZE = (2048 if LONG else 256) * MIB
# What bodies under way may add to the daemon's resident memory, whatever their size; sanitizers need half as much again.
SANITIZED = b"__asan_init" in pathlib.Path(os.environ["GUST_BINARY"]).read_bytes()
GROWTH = 48 * MIB if SANITIZED else 32 * MIB
SLOW = 200


@pytest.fixture(scope="module")
def gust(work, runtimes):
    many_files()
    with gusts(work, runtimes) as make:
        yield make().start(env=FRANK_MEMORY)


@pytest.fixture(scope="module")
def s3(gust):
    client = gust.client("s3")
    client.create_bucket(Bucket="streams")
    warm = bytes(8 * MIB)  # threads, buffers and the like that are made once
    client.put_object(Bucket="streams", Key="warm", Body=warm)
    assert client.get_object(Bucket="streams", Key="warm")["Body"].read() == warm
    return client


class Source:
    """`size` bytes that are never in memory together and never repeat: a random MiB whose first bytes count."""

    def __init__(self, size):
        self._block = bytearray(random.Random(4).randbytes(MIB))
        self._left, self._number, self._rest = size, 0, b""
        self.sha256, self.md5 = hashlib.sha256(), hashlib.md5()

    def read(self, n=-1):
        parts, wanted = [], self._left + len(self._rest) if n is None or n < 0 else n
        while wanted > 0 and (self._rest or self._left > 0):
            if not self._rest:
                self._block[:8] = self._number.to_bytes(8, "big")
                self._rest = memoryview(bytes(self._block))[: min(MIB, self._left)]
                self._number, self._left = self._number + 1, self._left - len(self._rest)
                self.sha256.update(self._rest)
                self.md5.update(self._rest)
            parts.append(self._rest[:wanted])
            self._rest = self._rest[len(parts[-1]):]
            wanted -= len(parts[-1])
        return b"".join(parts)


@contextlib.contextmanager
def answer_to(url, method="GET", body=None, headers=None):
    """The answer to a presigned request, its body unread."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=600)
    connection.blocksize = MIB
    with contextlib.closing(connection):
        connection.request(method, f"{parts.path}?{parts.query}", body=body, headers=headers or {})
        yield connection.getresponse()


def presigned(s3, operation, key, **more):
    return s3.generate_presigned_url(operation, Params={"Bucket": "streams", "Key": key, **more})


def sha256_of(s3, key):
    digest, length = hashlib.sha256(), 0
    with answer_to(presigned(s3, "get_object", key)) as answer:
        assert answer.status == 200
        while part := answer.read(MIB):
            digest.update(part)
            length += len(part)
    assert length == SIZE
    return digest.hexdigest()


@contextlib.contextmanager
def dripping(gust):
    """Clients that send one byte a second each, for as long as the server bears with them (http::Limits: 4 KiB a step)."""
    wires = [Wire(gust.port).send(head(f"PUT /streams/slow-{i} HTTP/1.1", authorization("s3"), "Content-Length: 10000")) for i in range(SLOW)]
    stop = threading.Event()

    def drip():
        while not stop.wait(1):
            for wire in wires:
                wire.send(b"x")

    def given_up():
        return select.select([wire.socket for wire in wires], [], [], 0)[0]

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        assert not given_up()
        yield
    finally:
        stop.set()
        thread.join()
        for wire in wires:
            wire.close()


def test_one_large_object_goes_through_in_one_piece(gust, s3):
    source = Source(SIZE)
    with unharmed(gust), peak_below(gust, GROWTH):
        with answer_to(presigned(s3, "put_object", "whole"), "PUT", source, {"Content-Length": str(SIZE)}) as answer:
            assert answer.status == 200, answer.read()
            assert answer.getheader("ETag") == f'"{source.md5.hexdigest()}"'
    with unharmed(gust), peak_below(gust, GROWTH):
        assert sha256_of(s3, "whole") == source.sha256.hexdigest()
    s3.delete_object(Bucket="streams", Key="whole")


def test_one_large_object_goes_through_in_parts_past_slow_clients(gust, s3):
    source = Source(SIZE)
    config = boto3.s3.transfer.TransferConfig(multipart_threshold=16 * MIB, multipart_chunksize=16 * MIB, max_concurrency=4)
    with dripping(gust):
        with unharmed(gust), peak_below(gust, GROWTH):
            s3.upload_fileobj(source, "streams", "parts", Config=config)
        with unharmed(gust), peak_below(gust, GROWTH):
            assert sha256_of(s3, "parts") == source.sha256.hexdigest()
    told = s3.head_object(Bucket="streams", Key="parts")
    assert told["ContentLength"] == SIZE and told["ETag"].endswith(f'-{SIZE // (16 * MIB)}"')
    # A range over the seam of two parts, and the last bytes.
    whole = Source(SIZE)
    seam = whole.read(16 * MIB + 100)[-200:]
    assert s3.get_object(Bucket="streams", Key="parts", Range=f"bytes={16 * MIB - 100}-{16 * MIB + 99}")["Body"].read() == seam
    assert len(s3.get_object(Bucket="streams", Key="parts", Range="bytes=-200")["Body"].read()) == 200
    s3.delete_object(Bucket="streams", Key="parts")


def test_a_reader_that_goes_away_leaves_nothing_behind(gust, s3):
    s3.put_object(Bucket="streams", Key="left", Body=bytes(32 * MIB))
    with unharmed(gust), peak_below(gust, GROWTH):
        for _ in range(50):
            with answer_to(presigned(s3, "get_object", "left")) as answer:
                assert len(answer.read(1000)) == 1000
    assert s3.get_object(Bucket="streams", Key="left")["Body"].read() == bytes(32 * MIB)


def test_an_upload_that_breaks_off_is_not_there(gust, s3):
    with unharmed(gust):
        for sent in (0, 10, 3 * MIB):
            with Wire(gust.port) as wire:
                wire.send(head("PUT /streams/broken HTTP/1.1", authorization("s3"), f"Content-Length: {8 * MIB}") + bytes(sent))
    assert "Contents" not in s3.list_objects_v2(Bucket="streams", Prefix="broken")


def tree():
    """{key: bytes} of a directory as people have them: names of all kinds, empty files, some large ones."""
    rng = random.Random(7)
    names = ["plain.txt", "with space.txt", "plus+and&and=.txt", "ümläut/ßtraße.txt", "日本/語.txt", "quote'\".txt", "percent%20.txt", "a//b", ".hidden"]
    files = {f"tree/{name}": name.encode() for name in names}
    for number in range(400):
        files[f"tree/{number % 7}/{number % 31}/file-{number:04}"] = rng.randbytes(rng.choice((0, 1, 100, 5000)))
    files["tree/large"] = rng.randbytes(9 * MIB)
    return files


def test_a_tree_of_files_comes_back_as_it_went(s3):
    files = tree()

    def put(item):
        s3.put_object(Bucket="streams", Key=item[0], Body=item[1])

    def listed():
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket="streams", Prefix="tree/", PaginationConfig={"PageSize": 100})
        return {o["Key"]: (o["Size"], o["ETag"]) for page in pages for o in page.get("Contents", [])}

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(put, files.items()))
        there = listed()
        # What a second sync compares: nothing is to be sent again.
        assert there == {key: (len(data), f'"{hashlib.md5(data).hexdigest()}"') for key, data in files.items()}
        assert list(there) == sorted(there, key=str.encode)
        back = dict(pool.map(lambda key: (key, s3.get_object(Bucket="streams", Key=key)["Body"].read()), there))
    assert back == files
    top = s3.list_objects_v2(Bucket="streams", Prefix="tree/", Delimiter="/")
    assert {p["Prefix"] for p in top["CommonPrefixes"]} == {f"tree/{n}/" for n in (0, 1, 2, 3, 4, 5, 6, "a", "ümläut", "日本")}
    keys = [{"Key": key} for key in files]
    assert "Errors" not in s3.delete_objects(Bucket="streams", Delete={"Objects": keys})
    assert listed() == {}
