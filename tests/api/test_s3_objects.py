# SPDX-License-Identifier: Apache-2.0
"""What objects have beside their bytes: tags, storage classes, redirects, checksums, attributes; and copies of them."""
import concurrent.futures

import pytest

from s3_tools import base64_sha256, code, empty, headers, make_client, md5, new_bucket, refused

LARGE = bytes(range(256)) * 1200


@pytest.fixture(scope="module")
def s3():
    return make_client()


@pytest.fixture
def bucket(s3):
    name = new_bucket(s3)
    yield name
    empty(s3, name)


def test_every_answer_names_the_encryption(s3, bucket):
    answers = [s3.put_object(Bucket=bucket, Key="k", Body=b"x"), s3.get_object(Bucket=bucket, Key="k"),
               s3.head_object(Bucket=bucket, Key="k"), s3.copy_object(Bucket=bucket, Key="c", CopySource=f"{bucket}/k")]
    assert all(a["ServerSideEncryption"] == "AES256" for a in answers)


@pytest.mark.parametrize("body", [b"123456789", LARGE], ids=["row", "file"])
def test_without_a_checksum_of_the_client_there_is_one(s3, bucket, body):
    put = headers(s3.put_object(Bucket=bucket, Key="k", Body=body))
    assert put["x-amz-checksum-type"] == "FULL_OBJECT" and len(put["x-amz-checksum-crc64nvme"]) == 12
    if body == b"123456789":
        assert put["x-amz-checksum-crc64nvme"] == "rosUhgp5mIg="
    got = headers(s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED"))
    assert got["x-amz-checksum-crc64nvme"] == put["x-amz-checksum-crc64nvme"]
    assert "x-amz-checksum-crc64nvme" not in headers(s3.get_object(Bucket=bucket, Key="k"))
    assert "x-amz-checksum-crc64nvme" not in headers(s3.get_object(Bucket=bucket, Key="k", Range="bytes=0-1", ChecksumMode="ENABLED"))
    listed = s3.list_objects_v2(Bucket=bucket)["Contents"][0]
    assert listed["ChecksumAlgorithm"] == ["CRC64NVME"]


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
def test_checksums_of_every_algorithm(s3, bucket, algorithm):
    put = s3.put_object(Bucket=bucket, Key="k", Body=LARGE, ChecksumAlgorithm=algorithm)
    value = put["Checksum" + algorithm]
    assert s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")["Checksum" + algorithm] == value
    made = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["Checksum", "ETag", "ObjectSize", "StorageClass", "ObjectParts"])
    assert made["Checksum"]["Checksum" + algorithm] == value
    assert made["ETag"] == md5(LARGE) and made["ObjectSize"] == len(LARGE) and made["StorageClass"] == "STANDARD"
    assert "ObjectParts" not in made


def test_storage_classes_are_told_and_bad_ones_refused(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", StorageClass="STANDARD_IA")
    assert s3.head_object(Bucket=bucket, Key="k")["StorageClass"] == "STANDARD_IA"
    assert s3.list_objects_v2(Bucket=bucket)["Contents"][0]["StorageClass"] == "STANDARD_IA"
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert "StorageClass" not in s3.head_object(Bucket=bucket, Key="k")
    assert code(s3.put_object, Bucket=bucket, Key="k", Body=b"x", StorageClass="COLD") == (400, "InvalidStorageClass")


def test_redirects(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", WebsiteRedirectLocation="https://example.com/")
    assert s3.head_object(Bucket=bucket, Key="k")["WebsiteRedirectLocation"] == "https://example.com/"
    assert code(s3.put_object, Bucket=bucket, Key="k", Body=b"x", WebsiteRedirectLocation="example.com") == (400, "InvalidRedirectLocation")


# Tags

def tags(s3, **where):
    return {t["Key"]: t["Value"] for t in s3.get_object_tagging(**where)["TagSet"]}


def test_tags_come_with_the_object_and_alone(s3, bucket):
    where = dict(Bucket=bucket, Key="k")
    s3.put_object(**where, Body=b"x", Tagging="a=1&b%20c=%C3%BC")
    assert tags(s3, **where) == {"a": "1", "b c": "ü"}
    assert headers(s3.head_object(**where))["x-amz-tagging-count"] == "2"
    before = s3.head_object(**where)["LastModified"]
    s3.put_object_tagging(**where, Tagging={"TagSet": [{"Key": "x", "Value": "y"}]})
    assert tags(s3, **where) == {"x": "y"} and s3.head_object(**where)["LastModified"] == before
    s3.delete_object_tagging(**where)
    assert tags(s3, **where) == {} and "x-amz-tagging-count" not in headers(s3.get_object(**where))


@pytest.mark.parametrize("pairs, expected", [
    ([("k", "v")] * 2, "InvalidTag"),
    ([(f"k{i}", "v") for i in range(11)], "BadRequest"),
    ([("aws:k", "v")], "InvalidTag"),
    ([("k" * 129, "v")], "InvalidTag"),
    ([("k", "v" * 257)], "InvalidTag"),
    ([("k", "a&b")], "InvalidTag"),
])
def test_bad_tags(s3, bucket, pairs, expected):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging="a=1")
    tag_set = {"TagSet": [{"Key": k, "Value": v} for k, v in pairs]}
    assert code(s3.put_object_tagging, Bucket=bucket, Key="k", Tagging=tag_set) == (400, expected)
    assert tags(s3, Bucket=bucket, Key="k") == {"a": "1"}


def test_bad_tags_in_a_header(s3, bucket):
    r = refused(s3.put_object, Bucket=bucket, Key="k", Body=b"x", Tagging="a=1&a=2")
    assert r["Error"]["Code"] == "InvalidArgument" and r["Error"]["ArgumentName"] == "x-amz-tagging"
    assert code(s3.get_object_tagging, Bucket=bucket, Key="k") == (404, "NoSuchKey")


# Copies

@pytest.mark.parametrize("body", [b"", b"small", LARGE], ids=["empty", "row", "file"])
def test_copies_take_everything_along(s3, bucket, body):
    key = "from/a b+ü?&.txt"
    s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType="text/x", Metadata={"m": "1"}, Tagging="t=1")
    made = s3.copy_object(Bucket=bucket, Key="to", CopySource={"Bucket": bucket, "Key": key})
    assert made["CopyObjectResult"]["ETag"] == f'"{md5(body)}"' and made["CopyObjectResult"]["LastModified"]
    got = s3.get_object(Bucket=bucket, Key="to")
    assert got["Body"].read() == body and got["ContentType"] == "text/x" and got["Metadata"] == {"m": "1"}
    assert tags(s3, Bucket=bucket, Key="to") == {"t": "1"}
    s3.delete_object(Bucket=bucket, Key=key)
    assert s3.get_object(Bucket=bucket, Key="to")["Body"].read() == body


def test_copies_can_replace_metadata_and_tags(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ContentType="text/x", Metadata={"m": "1"}, Tagging="t=1")
    source = {"Bucket": bucket, "Key": "k"}
    s3.copy_object(Bucket=bucket, Key="c", CopySource=source, MetadataDirective="REPLACE", Metadata={"n": "2"},
                   TaggingDirective="REPLACE", Tagging="u=2", StorageClass="STANDARD_IA")
    got = s3.head_object(Bucket=bucket, Key="c")
    assert got["Metadata"] == {"n": "2"} and got["ContentType"] == "binary/octet-stream" and got["StorageClass"] == "STANDARD_IA"
    assert tags(s3, Bucket=bucket, Key="c") == {"u": "2"}
    r = refused(s3.copy_object, Bucket=bucket, Key="k", CopySource=source)
    assert r["Error"]["Code"] == "InvalidRequest" and r["Error"]["Message"].startswith("This copy request is illegal because")
    s3.copy_object(Bucket=bucket, Key="k", CopySource=source, MetadataDirective="REPLACE", Metadata={"own": "3"})
    assert s3.head_object(Bucket=bucket, Key="k")["Metadata"] == {"own": "3"}


def test_conditions_of_a_copy(s3, bucket):
    tag = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ETag"]
    modified = s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    copy = dict(Bucket=bucket, Key="c", CopySource=f"{bucket}/k")
    for conditions in [dict(CopySourceIfMatch='"no"'), dict(CopySourceIfNoneMatch=tag), dict(CopySourceIfModifiedSince=modified)]:
        assert code(s3.copy_object, **copy, **conditions) == (412, "PreconditionFailed"), conditions
    s3.copy_object(**copy, CopySourceIfMatch=tag, CopySourceIfUnmodifiedSince=modified)  # the control


def test_copies_of_what_is_not_there(s3, bucket):
    assert code(s3.copy_object, Bucket=bucket, Key="c", CopySource=f"{bucket}/none") == (404, "NoSuchKey")
    assert code(s3.copy_object, Bucket=bucket, Key="c", CopySource=f"{bucket}-none/k") == (404, "NoSuchBucket")
    assert code(s3.copy_object, Bucket=bucket, Key="c", CopySource="nonsense") == (400, "InvalidArgument")


def test_a_copy_can_have_another_checksum(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=LARGE)
    made = s3.copy_object(Bucket=bucket, Key="c", CopySource=f"{bucket}/k", ChecksumAlgorithm="SHA256")
    assert made["CopyObjectResult"]["ChecksumSHA256"] == base64_sha256(LARGE)
    assert s3.head_object(Bucket=bucket, Key="c", ChecksumMode="ENABLED")["ChecksumSHA256"] == base64_sha256(LARGE)


def test_copies_race_with_overwrites(s3, bucket):
    """Every copy is one of the sources whole."""
    bodies = [bytes([i]) * (200_000 + i) for i in range(4)]
    s3.put_object(Bucket=bucket, Key="k", Body=bodies[0])

    def work(i):
        if i % 2:
            s3.put_object(Bucket=bucket, Key="k", Body=bodies[i % 4])
        else:
            s3.copy_object(Bucket=bucket, Key=f"c{i}", CopySource=f"{bucket}/k")
            assert s3.get_object(Bucket=bucket, Key=f"c{i}")["Body"].read() in bodies

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(40)))


def test_deletions_can_be_conditional(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert code(make_client("DeleteObject", {"If-Match": '"no"'}).delete_object, Bucket=bucket, Key="k") == (412, "PreconditionFailed")
    make_client("DeleteObject", {"If-Match": f'"{md5(b"x")}"'}).delete_object(Bucket=bucket, Key="k")
    assert code(s3.head_object, Bucket=bucket, Key="k") == (404, "404")
