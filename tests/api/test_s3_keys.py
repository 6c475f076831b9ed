# SPDX-License-Identifier: Apache-2.0
"""Keys of every Unicode category: they come back byte for byte, in the order of their UTF-8 bytes, in every listing and document."""
import collections
import sys
import unicodedata

import pytest

from s3_tools import empty, make_client, new_bucket

EACH = 3  # of a category: its first, its last, and one beyond the basic plane or in the middle


def samples():
    of = collections.defaultdict(list)
    for code in range(1, sys.maxunicode + 1):
        of[unicodedata.category(chr(code))].append(chr(code))
    del of["Cs"]  # halves of a pair: no UTF-8
    return {name: sorted({all[0], all[len(all) // 2], all[-1]})[:EACH] for name, all in of.items()}


SAMPLES = samples()
KEYS = [f"{name}/{c}{c}.txt" for name, characters in SAMPLES.items() for c in characters]
KEYS += ["e\u0301", "\u00e9", "a+b", "a b", "a%20b", "a%b", "a&b<c>\"d'", "a//b", "/a", "a/", "..x", "a?b#c", "a;b=c", "~", "\u0130\u0131\u017f", "\ufeffmark"]


@pytest.fixture(scope="module")
def s3():
    return make_client()


@pytest.fixture(scope="module")
def bucket(s3):
    name = new_bucket(s3)
    for key in KEYS:
        s3.put_object(Bucket=name, Key=key, Body=key.encode())
    yield name
    empty(s3, name)


def listed(s3, bucket, **how):
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 7}, **how)
    return [o["Key"] for page in pages for o in page.get("Contents", [])]


def test_there_is_one_of_every_category():
    assert len(SAMPLES) == 29 and all(SAMPLES.values())


@pytest.mark.parametrize("key", KEYS, ids=ascii)
def test_a_key_comes_back(s3, bucket, key):
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()
    assert s3.head_object(Bucket=bucket, Key=key)["ContentLength"] == len(key.encode())
    assert listed(s3, bucket, Prefix=key)[0] == key


def test_listings_are_in_the_order_of_the_bytes(s3, bucket):
    want = sorted(KEYS, key=lambda key: key.encode())
    assert listed(s3, bucket) == want
    pages = s3.get_paginator("list_objects").paginate(Bucket=bucket, PaginationConfig={"PageSize": 7})
    assert [o["Key"] for page in pages for o in page.get("Contents", [])] == want
    prefixes = [p["Prefix"] for p in s3.list_objects_v2(Bucket=bucket, Delimiter="/")["CommonPrefixes"]]
    assert prefixes == sorted({key[:key.index("/") + 1] for key in KEYS if "/" in key}, key=str.encode)
    middle = want[len(want) // 2]
    assert listed(s3, bucket, StartAfter=middle) == want[len(want) // 2 + 1:]


def test_equal_looks_are_different_keys(s3, bucket):
    """S3 does not normalize."""
    assert s3.get_object(Bucket=bucket, Key="e\u0301")["Body"].read() != s3.get_object(Bucket=bucket, Key="\u00e9")["Body"].read()


def test_copies_versions_and_deletions_name_them_too(s3):
    # XML has no way to write most control characters, nor U+FFFE and U+FFFF.
    keys = [key for key in KEYS if not any(unicodedata.category(c) in ("Cc", "Cn") for c in key)]
    name = new_bucket(s3, versioned=True)
    for key in keys:
        s3.put_object(Bucket=name, Key=key, Body=b"x")
        s3.copy_object(Bucket=name, Key="copy/" + key, CopySource={"Bucket": name, "Key": key})
    versions = [v["Key"] for page in s3.get_paginator("list_object_versions").paginate(Bucket=name) for v in page["Versions"]]
    assert versions == sorted(keys + ["copy/" + key for key in keys], key=str.encode)
    deleted = s3.delete_objects(Bucket=name, Delete={"Objects": [{"Key": key} for key in keys]})
    assert {d["Key"] for d in deleted["Deleted"]} == set(keys) and "Errors" not in deleted
    assert listed(s3, name) == sorted(("copy/" + key for key in keys), key=str.encode)
    empty(s3, name)
