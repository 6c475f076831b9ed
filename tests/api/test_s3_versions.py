# SPDX-License-Identifier: Apache-2.0
"""Versioned buckets: versions, delete markers, suspension, listing, copies from a version."""
import re

import pytest

from s3_tools import code, empty, headers, make_client, new_bucket, refused

LARGE = bytes(range(256)) * 1200


@pytest.fixture(scope="module")
def s3():
    return make_client()


@pytest.fixture
def bucket(s3):
    name = new_bucket(s3, versioned=True)
    yield name
    empty(s3, name)


def put(s3, bucket, body, key="k"):
    return s3.put_object(Bucket=bucket, Key=key, Body=body)["VersionId"]


def test_the_configuration(s3):
    name = new_bucket(s3)
    assert "Status" not in s3.get_bucket_versioning(Bucket=name)
    for status in ("Enabled", "Suspended"):
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": status})
        assert s3.get_bucket_versioning(Bucket=name)["Status"] == status
    assert code(s3.put_bucket_versioning, Bucket=name, VersioningConfiguration={}) == (400, "IllegalVersioningConfigurationException")
    assert code(s3.put_bucket_versioning, Bucket=name, VersioningConfiguration={"Status": "On"}) == (400, "MalformedXML")
    s3.delete_bucket(Bucket=name)


def test_versions_are_found_by_their_ids(s3, bucket):
    one, two = put(s3, bucket, b"one"), put(s3, bucket, LARGE)
    assert one != two and one != "null"
    for version, body in ((one, b"one"), (two, LARGE)):
        got = s3.get_object(Bucket=bucket, Key="k", VersionId=version)
        assert got["Body"].read() == body and got["VersionId"] == version
        assert s3.head_object(Bucket=bucket, Key="k", VersionId=version)["ContentLength"] == len(body)
    assert s3.get_object(Bucket=bucket, Key="k")["VersionId"] == two
    assert code(s3.get_object, Bucket=bucket, Key="other", VersionId=one) == (404, "NoSuchVersion")
    assert code(s3.get_object, Bucket=bucket, Key="k", VersionId="nonsense") == (400, "InvalidArgument")


def test_delete_markers(s3, bucket):
    one = put(s3, bucket, b"one")
    gone = s3.delete_object(Bucket=bucket, Key="k")
    assert gone["DeleteMarker"] is True and gone["VersionId"] != one
    r = refused(s3.get_object, Bucket=bucket, Key="k")
    assert r["Error"]["Code"] == "NoSuchKey" and headers(r)["x-amz-delete-marker"] == "true"
    assert headers(r)["x-amz-version-id"] == gone["VersionId"]
    r = refused(s3.get_object, Bucket=bucket, Key="k", VersionId=gone["VersionId"])
    assert r["ResponseMetadata"]["HTTPStatusCode"] == 405 and r["Error"]["Code"] == "MethodNotAllowed"
    assert headers(r)["x-amz-delete-marker"] == "true" and headers(r)["allow"] == "DELETE" and "last-modified" in headers(r)
    r = refused(s3.head_object, Bucket=bucket, Key="k", VersionId=gone["VersionId"])
    assert r["ResponseMetadata"]["HTTPStatusCode"] == 405
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    assert s3.get_object(Bucket=bucket, Key="k", VersionId=one)["Body"].read() == b"one"
    undone = s3.delete_object(Bucket=bucket, Key="k", VersionId=gone["VersionId"])
    assert undone["DeleteMarker"] is True and undone["VersionId"] == gone["VersionId"]
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"one"
    assert "DeleteMarker" not in s3.delete_object(Bucket=bucket, Key="k", VersionId=one)
    assert code(s3.get_object, Bucket=bucket, Key="k") == (404, "NoSuchKey")


def test_suspension_has_one_null_version(s3, bucket):
    kept = put(s3, bucket, b"kept")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    for body in (b"1", LARGE):
        assert "VersionId" not in s3.put_object(Bucket=bucket, Key="k", Body=body)
    assert s3.get_object(Bucket=bucket, Key="k")["VersionId"] == "null"
    assert [v["VersionId"] for v in s3.list_object_versions(Bucket=bucket)["Versions"]] == ["null", kept]
    assert s3.delete_object(Bucket=bucket, Key="k")["VersionId"] == "null"
    assert s3.get_object(Bucket=bucket, Key="k", VersionId=kept)["Body"].read() == b"kept"
    listed = s3.list_object_versions(Bucket=bucket)
    assert [v["VersionId"] for v in listed["Versions"]] == [kept] and [m["VersionId"] for m in listed["DeleteMarkers"]] == ["null"]


def test_objects_from_before_versioning_are_null_versions(s3):
    name = new_bucket(s3)
    s3.put_object(Bucket=name, Key="k", Body=b"before")
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    put(s3, name, b"after")
    assert s3.get_object(Bucket=name, Key="k", VersionId="null")["Body"].read() == b"before"
    listed = s3.list_object_versions(Bucket=name)["Versions"]
    assert [v["IsLatest"] for v in listed] == [True, False] and listed[1]["VersionId"] == "null"
    empty(s3, name)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("delimiter", ["", "/"])
def test_pages_of_versions_make_the_whole(s3, bucket, size, delimiter):
    for i in range(3):
        for key in ("a", "b/1", "b/2", "c ü"):
            put(s3, bucket, str(i).encode(), key)
    s3.delete_object(Bucket=bucket, Key="a")

    def shown(page):
        return ([(v["Key"], v["VersionId"], v["IsLatest"]) for v in page.get("Versions", []) + page.get("DeleteMarkers", [])] +
                [p["Prefix"] for p in page.get("CommonPrefixes", [])])

    whole = shown(s3.list_object_versions(Bucket=bucket, Delimiter=delimiter))
    assert len(whole) == (8 if delimiter else 13)
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Delimiter=delimiter, PaginationConfig={"PageSize": size})
    assert sorted(map(str, whole)) == sorted(str(v) for p in pages for v in shown(p))


def test_markers_and_versions_come_in_one_sequence(bucket):
    """In the order of the document, which some clients keep."""
    s3, bodies = make_client(), []
    s3.meta.events.register("response-received.s3.ListObjectVersions", lambda response_dict, **_: bodies.append(response_dict["body"]))
    put(s3, bucket, b"1", "a")
    put(s3, bucket, b"2", "a")
    s3.delete_object(Bucket=bucket, Key="a")
    put(s3, bucket, b"1", "b")
    s3.list_object_versions(Bucket=bucket)
    assert re.findall(rb"<(Version|DeleteMarker)>", bodies[-1]) == [b"DeleteMarker", b"Version", b"Version", b"Version"]


def test_bad_markers(s3, bucket):
    assert code(s3.list_object_versions, Bucket=bucket, VersionIdMarker="x") == (400, "InvalidArgument")
    assert code(s3.list_object_versions, Bucket=bucket, KeyMarker="a", VersionIdMarker="x") == (400, "InvalidArgument")


def test_many_versions_are_deleted_at_once(s3, bucket):
    one, two = put(s3, bucket, b"1"), put(s3, bucket, b"2")
    put(s3, bucket, b"x", "other")
    done = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k", "VersionId": two}, {"Key": "other"}]})
    deleted = {d["Key"]: d for d in done["Deleted"]}
    assert deleted["k"]["VersionId"] == two and "DeleteMarker" not in deleted["k"]
    assert deleted["other"]["DeleteMarker"] is True and deleted["other"]["DeleteMarkerVersionId"]
    assert s3.get_object(Bucket=bucket, Key="k")["VersionId"] == one


def test_a_bucket_with_versions_is_not_deleted(s3, bucket):
    put(s3, bucket, b"x")
    s3.delete_object(Bucket=bucket, Key="k")
    assert code(s3.delete_bucket, Bucket=bucket) == (409, "BucketNotEmpty")


def test_copies_from_a_version(s3, bucket):
    one = put(s3, bucket, b"one")
    put(s3, bucket, b"two")
    made = s3.copy_object(Bucket=bucket, Key="k", CopySource={"Bucket": bucket, "Key": "k", "VersionId": one})
    assert made["CopySourceVersionId"] == one and made["VersionId"] != one
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"one"
    marker = s3.delete_object(Bucket=bucket, Key="k")["VersionId"]
    assert code(s3.copy_object, Bucket=bucket, Key="c", CopySource=f"{bucket}/k") == (404, "NoSuchKey")
    assert code(s3.copy_object, Bucket=bucket, Key="c", CopySource=f"{bucket}/k?versionId={marker}") == (400, "InvalidRequest")


def test_tags_of_versions(s3, bucket):
    one = put(s3, bucket, b"one")
    put(s3, bucket, b"two")
    s3.put_object_tagging(Bucket=bucket, Key="k", VersionId=one, Tagging={"TagSet": [{"Key": "a", "Value": "1"}]})
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []
    got = s3.get_object_tagging(Bucket=bucket, Key="k", VersionId=one)
    assert got["TagSet"] == [{"Key": "a", "Value": "1"}] and got["VersionId"] == one
