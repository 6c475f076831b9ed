# SPDX-License-Identifier: Apache-2.0
"""Uploads in parts."""
import hashlib
import io

import boto3.s3.transfer
import pytest

from s3_tools import MIB, base64_sha256, code, empty, headers, make_client, md5, new_bucket, refused

ONE, TWO, END = b"1" * (5 * MIB), b"2" * (5 * MIB + 3), b"the end"


@pytest.fixture(scope="module")
def s3():
    return make_client()


@pytest.fixture
def bucket(s3):
    name = new_bucket(s3)
    yield name
    empty(s3, name)


def begin(s3, bucket, key="k", **more):
    return s3.create_multipart_upload(Bucket=bucket, Key=key, **more)["UploadId"]


def upload(s3, bucket, upload_id, *bodies, key="k", **more):
    return [{"PartNumber": i, "ETag": s3.upload_part(Bucket=bucket, Key=key, UploadId=upload_id, PartNumber=i, Body=b, **more)["ETag"]}
            for i, b in enumerate(bodies, 1)]


def complete(s3, bucket, upload_id, parts, key="k", **more):
    return s3.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=upload_id, MultipartUpload={"Parts": parts}, **more)


def etag_of(*bodies):
    return f'"{md5(b"".join(hashlib.md5(b).digest() for b in bodies))}-{len(bodies)}"'


def test_parts_make_an_object(s3, bucket):
    made = s3.create_multipart_upload(Bucket=bucket, Key="k", ContentType="text/x", Metadata={"m": "1"})
    assert made["Bucket"] == bucket and made["Key"] == "k" and made["ServerSideEncryption"] == "AES256"
    parts = upload(s3, bucket, made["UploadId"], ONE, TWO, END)
    assert parts[0]["ETag"] == f'"{md5(ONE)}"'
    done = complete(s3, bucket, made["UploadId"], parts)
    assert done["ETag"] == etag_of(ONE, TWO, END) and done["Key"] == "k" and done["Location"].endswith(f"/{bucket}/k")
    whole = ONE + TWO + END
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == whole and got["ETag"] == done["ETag"] and got["ContentType"] == "text/x" and got["Metadata"] == {"m": "1"}
    edge = 5 * MIB
    for first, last in [(0, 0), (edge - 2, edge + 1), (edge, 2 * edge + 2), (edge - 1, len(whole) - 1), (2 * edge + 3, len(whole) - 1)]:
        got = s3.get_object(Bucket=bucket, Key="k", Range=f"bytes={first}-{last}")
        assert got["Body"].read() == whole[first:last + 1]
    for number, body in enumerate((ONE, TWO, END), 1):
        got = s3.get_object(Bucket=bucket, Key="k", PartNumber=number)
        assert got["Body"].read() == body and got["PartsCount"] == 3 and got["ResponseMetadata"]["HTTPStatusCode"] == 206
        assert s3.head_object(Bucket=bucket, Key="k", PartNumber=number)["ContentLength"] == len(body)
    assert code(s3.get_object, Bucket=bucket, Key="k", PartNumber=4) == (416, "InvalidPartNumber")


def test_completing_again_answers_the_same(s3, bucket):
    upload_id = begin(s3, bucket)
    parts = upload(s3, bucket, upload_id, END)
    first, second = complete(s3, bucket, upload_id, parts), complete(s3, bucket, upload_id, parts)
    assert first["ETag"] == second["ETag"]
    assert code(s3.upload_part, Bucket=bucket, Key="k", UploadId=upload_id, PartNumber=1, Body=b"") == (404, "NoSuchUpload")


def test_bad_completions(s3, bucket):
    upload_id = begin(s3, bucket)
    parts = upload(s3, bucket, upload_id, b"small", END)

    def failing(wanted, **more):
        r = refused(s3.complete_multipart_upload, Bucket=bucket, Key="k", UploadId=upload_id, MultipartUpload={"Parts": wanted}, **more)
        return r["Error"]["Code"]

    assert failing(parts) == "EntityTooSmall"
    assert failing(parts[::-1]) == "InvalidPartOrder"
    assert failing([{"PartNumber": 1, "ETag": parts[1]["ETag"]}]) == "InvalidPart"
    assert failing([{"PartNumber": 9, "ETag": parts[1]["ETag"]}]) == "InvalidPart"
    assert code(s3.complete_multipart_upload, Bucket=bucket, Key="k", UploadId="nonsense", MultipartUpload={"Parts": parts}) == (404, "NoSuchUpload")
    complete(s3, bucket, upload_id, parts[1:])  # the control
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == END


def test_an_etag_may_come_without_quotes(s3, bucket):
    upload_id = begin(s3, bucket)
    parts = upload(s3, bucket, upload_id, END)
    complete(s3, bucket, upload_id, [{"PartNumber": 1, "ETag": parts[0]["ETag"].strip('"')}])
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == END


def test_conditions_of_a_completion(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    upload_id = begin(s3, bucket)
    parts = upload(s3, bucket, upload_id, END)
    once = make_client("CompleteMultipartUpload", {"If-None-Match": "*"})
    assert code(complete, s3=once, bucket=bucket, upload_id=upload_id, parts=parts) == (412, "PreconditionFailed")
    s3.delete_object(Bucket=bucket, Key="k")
    complete(once, bucket, upload_id, parts)


def test_sizes_are_checked(s3, bucket):
    upload_id = begin(s3, bucket)
    parts = upload(s3, bucket, upload_id, END)
    wrong = make_client("CompleteMultipartUpload", {"x-amz-mp-object-size": "1"})
    assert code(complete, s3=wrong, bucket=bucket, upload_id=upload_id, parts=parts) == (400, "InvalidRequest")
    complete(make_client("CompleteMultipartUpload", {"x-amz-mp-object-size": str(len(END))}), bucket, upload_id, parts)


def test_aborting(s3, bucket):
    upload_id = begin(s3, bucket)
    upload(s3, bucket, upload_id, END)
    s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=upload_id)
    assert code(s3.list_parts, Bucket=bucket, Key="k", UploadId=upload_id) == (404, "NoSuchUpload")
    assert code(s3.abort_multipart_upload, Bucket=bucket, Key="k", UploadId=upload_id) == (404, "NoSuchUpload")
    assert code(s3.get_object, Bucket=bucket, Key="k") == (404, "NoSuchKey")


@pytest.mark.parametrize("number", [0, 10001])
def test_part_numbers_have_bounds(s3, bucket, number):
    upload_id = begin(s3, bucket)
    r = refused(s3.upload_part, Bucket=bucket, Key="k", UploadId=upload_id, PartNumber=number, Body=b"x")
    assert r["Error"]["Code"] == "InvalidArgument" and r["Error"]["ArgumentName"] == "partNumber"


def test_listings(s3, bucket):
    ids = {key: begin(s3, bucket, key) for key in ("a", "b/1", "b/2", "c")}
    listed = s3.list_multipart_uploads(Bucket=bucket)
    assert {u["Key"]: u["UploadId"] for u in listed["Uploads"]} == ids
    assert listed["Uploads"][0]["StorageClass"] == "STANDARD" and listed["Uploads"][0]["Initiated"] and listed["Uploads"][0]["Owner"]["ID"]
    rolled = s3.list_multipart_uploads(Bucket=bucket, Delimiter="/")
    assert [u["Key"] for u in rolled["Uploads"]] == ["a", "c"] and rolled["CommonPrefixes"] == [{"Prefix": "b/"}]
    assert [u["Key"] for u in s3.list_multipart_uploads(Bucket=bucket, Prefix="b/")["Uploads"]] == ["b/1", "b/2"]
    pages = s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, PaginationConfig={"PageSize": 1})
    assert [u["Key"] for p in pages for u in p.get("Uploads", [])] == ["a", "b/1", "b/2", "c"]
    for number in (2, 1, 3):
        s3.upload_part(Bucket=bucket, Key="a", UploadId=ids["a"], PartNumber=number, Body=b"x" * number)
    pages = s3.get_paginator("list_parts").paginate(Bucket=bucket, Key="a", UploadId=ids["a"], PaginationConfig={"PageSize": 2})
    assert [(p["PartNumber"], p["Size"]) for page in pages for p in page.get("Parts", [])] == [(1, 1), (2, 2), (3, 3)]


def test_checksums_of_checksums(s3, bucket):
    upload_id = begin(s3, bucket, ChecksumAlgorithm="SHA256")
    parts = [{"PartNumber": i, "ChecksumSHA256": base64_sha256(b),
              "ETag": s3.upload_part(Bucket=bucket, Key="k", UploadId=upload_id, PartNumber=i, Body=b, ChecksumSHA256=base64_sha256(b))["ETag"]}
             for i, b in enumerate((ONE, END), 1)]
    assert code(s3.upload_part, Bucket=bucket, Key="k", UploadId=upload_id, PartNumber=3, Body=b"x") == (400, "InvalidRequest")
    bare = [{"PartNumber": p["PartNumber"], "ETag": p["ETag"]} for p in parts]
    assert code(complete, s3=s3, bucket=bucket, upload_id=upload_id, parts=bare) == (400, "InvalidRequest")
    done = complete(s3, bucket, upload_id, parts)
    expected = base64_sha256(hashlib.sha256(ONE).digest() + hashlib.sha256(END).digest()) + "-2"
    assert done["ChecksumSHA256"] == expected
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert head["ChecksumSHA256"] == expected and headers(head)["x-amz-checksum-type"] == "COMPOSITE"
    attributes = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["ObjectParts", "Checksum"])
    assert attributes["ObjectParts"]["TotalPartsCount"] == 2
    assert [p["ChecksumSHA256"] for p in attributes["ObjectParts"]["Parts"]] == [p["ChecksumSHA256"] for p in parts]


def test_the_whole_has_a_checksum_anyway(s3, bucket):
    upload_id = begin(s3, bucket)
    complete(s3, bucket, upload_id, upload(s3, bucket, upload_id, ONE, END))
    whole = headers(s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED"))
    s3.put_object(Bucket=bucket, Key="same", Body=ONE + END)
    same = headers(s3.head_object(Bucket=bucket, Key="same", ChecksumMode="ENABLED"))
    assert whole["x-amz-checksum-crc64nvme"] == same["x-amz-checksum-crc64nvme"] and whole["x-amz-checksum-type"] == "FULL_OBJECT"


def test_parts_are_copied(s3, bucket):
    s3.put_object(Bucket=bucket, Key="source", Body=TWO)
    upload_id = begin(s3, bucket)
    one = s3.upload_part_copy(Bucket=bucket, Key="k", UploadId=upload_id, PartNumber=1, CopySource=f"{bucket}/source")
    two = s3.upload_part_copy(Bucket=bucket, Key="k", UploadId=upload_id, PartNumber=2, CopySource=f"{bucket}/source", CopySourceRange="bytes=1-3")
    assert one["CopyPartResult"]["ETag"] == f'"{md5(TWO)}"'
    assert code(s3.upload_part_copy, Bucket=bucket, Key="k", UploadId=upload_id, PartNumber=3, CopySource=f"{bucket}/source",
                CopySourceRange=f"bytes=0-{len(TWO)}") == (400, "InvalidArgument")
    complete(s3, bucket, upload_id, [{"PartNumber": i, "ETag": r["CopyPartResult"]["ETag"]} for i, r in enumerate((one, two), 1)])
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == TWO + TWO[1:4]
    flat = s3.copy_object(Bucket=bucket, Key="flat", CopySource=f"{bucket}/k")
    assert flat["CopyObjectResult"]["ETag"] == f'"{md5(TWO + TWO[1:4])}"'


def test_the_transfer_manager_goes_both_ways(s3, bucket):
    config = boto3.s3.transfer.TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB, max_concurrency=4)
    body = bytes(range(256)) * (90 * 1024)  # 22 MiB
    s3.upload_fileobj(io.BytesIO(body), bucket, "up", Config=config)
    assert s3.head_object(Bucket=bucket, Key="up")["ETag"].endswith('-5"')
    out = io.BytesIO()
    s3.download_fileobj(bucket, "up", out, Config=config)
    assert out.getvalue() == body
    s3.copy({"Bucket": bucket, "Key": "up"}, bucket, "copied", Config=config)
    assert s3.head_object(Bucket=bucket, Key="copied")["ETag"].endswith('-5"')
    assert s3.get_object(Bucket=bucket, Key="copied")["Body"].read() == body


def test_a_bucket_goes_with_its_unfinished_uploads(s3):
    name = new_bucket(s3)
    upload(s3, name, begin(s3, name), END)
    s3.delete_bucket(Bucket=name)
    assert code(s3.head_bucket, Bucket=name) == (404, "404")
