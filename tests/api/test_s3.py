# SPDX-License-Identifier: Apache-2.0
"""S3 as boto3 sees it: buckets, objects, listings, notifications to functions."""
import base64
import concurrent.futures
import datetime
import hashlib
import json
import os
import pathlib
import subprocess
import tempfile
import time
import urllib.parse
import zlib

import boto3
import botocore.config
import botocore.exceptions
import botocore.handlers
import pytest

from lambda_tools import client, create, package, unique

SMALL = b"hello"
LARGE = bytes(range(256)) * 1200  # becomes a file


def make_client(headers=None, read_timeout=60, attempts=1):
    """`headers`: sent with every PutObject, for what older clients have no argument for."""
    made = boto3.client(
        "s3",
        endpoint_url=os.environ["GUST_ENDPOINT"],
        region_name="us-east-1",
        aws_access_key_id=os.environ.get("AWS_ACCESS_KEY_ID", "test"),
        aws_secret_access_key=os.environ.get("AWS_SECRET_ACCESS_KEY", "test"),
        config=botocore.config.Config(retries={"max_attempts": attempts}, read_timeout=read_timeout, s3={"addressing_style": "path"}),
    )
    if headers:
        made.meta.events.register("before-call.s3.PutObject", lambda params, **_: params["headers"].update(headers))
    return made


@pytest.fixture(scope="module")
def s3():
    return make_client()


def drop(s3, name):
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=name):
        keys = [{"Key": o["Key"]} for o in page.get("Contents", [])]
        if keys:
            s3.delete_objects(Bucket=name, Delete={"Objects": keys, "Quiet": True})
    s3.delete_bucket(Bucket=name)


@pytest.fixture
def bucket(s3):
    name = unique("b")
    s3.create_bucket(Bucket=name)
    yield name
    try:
        drop(s3, name)
    except s3.exceptions.NoSuchBucket:
        pass


def refused(call, **arguments):
    with pytest.raises(botocore.exceptions.ClientError) as e:
        call(**arguments)
    return e.value.response


def code(call, **arguments):
    response = refused(call, **arguments)
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


# Buckets

def test_a_bucket_is_made_found_and_deleted(s3):
    name = unique("life")
    made = s3.create_bucket(Bucket=name)
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 200 and made["Location"] == f"/{name}"
    s3.create_bucket(Bucket=name)  # again: no error in us-east-1
    assert s3.head_bucket(Bucket=name)["ResponseMetadata"]["HTTPHeaders"]["x-amz-bucket-region"] == "us-east-1"
    assert s3.get_bucket_location(Bucket=name)["LocationConstraint"] is None
    listed = {b["Name"]: b for b in s3.list_buckets()["Buckets"]}
    age = datetime.datetime.now(datetime.timezone.utc) - listed[name]["CreationDate"]
    assert abs(age.total_seconds()) < 3600
    s3.delete_bucket(Bucket=name)
    assert code(s3.head_bucket, Bucket=name) == (404, "404")
    r = refused(s3.delete_bucket, Bucket=name)
    assert r["Error"]["Code"] == "NoSuchBucket" and r["Error"]["BucketName"] == name
    assert r["Error"]["Message"] == "The specified bucket does not exist"


@pytest.mark.parametrize("name", ["Upper-case", "under_score", "double..dot", "192.168.5.4", "xn--name", "ends-"])
def test_bad_names_are_refused(name):
    unchecked = make_client()
    unchecked.meta.events.unregister("before-parameter-build.s3", botocore.handlers.validate_bucket_name)
    r = refused(unchecked.create_bucket, Bucket=name)
    assert r["Error"]["Code"] == "InvalidBucketName" and r["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_locations(s3):
    name = unique("eu")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    try:
        assert s3.get_bucket_location(Bucket=name)["LocationConstraint"] == "eu-west-1"
        # The client is sent on by what a 301 tells of the region, and signs for it.
        s3.put_object(Bucket=name, Key="k", Body=SMALL)
        assert s3.get_object(Bucket=name, Key="k")["Body"].read() == SMALL
        s3.delete_object(Bucket=name, Key="k")
    finally:
        s3.delete_bucket(Bucket=name)
    assert code(s3.create_bucket, Bucket=name, CreateBucketConfiguration={"LocationConstraint": "moon-1"}) == (400, "InvalidLocationConstraint")


def test_a_bucket_with_objects_is_not_deleted(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=SMALL)
    assert code(s3.delete_bucket, Bucket=bucket) == (409, "BucketNotEmpty")
    s3.delete_object(Bucket=bucket, Key="k")
    s3.delete_bucket(Bucket=bucket)


# Objects

@pytest.mark.parametrize("body", [b"", SMALL, b"x" * 65536, b"x" * 65537, LARGE, os.urandom(3 << 20)], ids=len)
def test_bodies_come_back_as_they_went_in(s3, bucket, body):
    put = s3.put_object(Bucket=bucket, Key="k", Body=body)
    tag = f'"{hashlib.md5(body).hexdigest()}"'
    assert put["ETag"] == tag and put["ServerSideEncryption"] == "AES256"
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == body
    assert got["ETag"] == tag and got["ContentLength"] == len(body) and got["AcceptRanges"] == "bytes"
    assert got["ContentType"] == "binary/octet-stream"
    head = s3.head_object(Bucket=bucket, Key="k")
    assert head["ContentLength"] == len(body) and head["ETag"] == tag and head["LastModified"] == got["LastModified"]


def test_an_empty_body_leaves_the_connection_usable(bucket):
    # Clients announce empty bodies with Expect too, and some wait for the answer to that forever.
    hasty = make_client(read_timeout=10, attempts=0)
    for body in (b"", b"x", b"", b"y"):
        hasty.put_object(Bucket=bucket, Key="k", Body=body)
    assert hasty.get_object(Bucket=bucket, Key="k")["Body"].read() == b"y"


@pytest.mark.parametrize("key", ["a b+c%d", "ümläut/日本語 🖼.jpg", "a//b/../c/./d", "?query&x=y#z", "'\"<>&", "k" * 1024, "~._-!*()", "\x01\x7f"],
                         ids=lambda k: urllib.parse.quote(k)[:20])
def test_keys_of_every_kind(s3, bucket, key):
    s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()
    assert [o["Key"] for o in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]
    assert [o["Key"] for o in s3.list_objects(Bucket=bucket)["Contents"]] == [key]
    s3.delete_object(Bucket=bucket, Key=key)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_a_key_has_1024_bytes_at_most(s3, bucket):
    r = refused(s3.put_object, Bucket=bucket, Key="k" * 1025, Body=b"")
    assert r["Error"]["Code"] == "KeyTooLongError" and r["Error"]["MaxSizeAllowed"] == "1024"


def test_headers_and_metadata_are_kept(s3, bucket):
    headers = dict(ContentType="image/jpeg", CacheControl="max-age=60", ContentDisposition='attachment; filename="a.jpg"',
                   ContentEncoding="gzip", ContentLanguage="de", Metadata={"camera": "X 100", "empty": ""})
    s3.put_object(Bucket=bucket, Key="k", Body=SMALL, Expires=datetime.datetime(2030, 1, 2, 3, 4, 5), **headers)
    for got in (s3.get_object(Bucket=bucket, Key="k"), s3.head_object(Bucket=bucket, Key="k")):
        for name, value in headers.items():
            assert got[name] == value
        assert got["ResponseMetadata"]["HTTPHeaders"]["expires"] == "Wed, 02 Jan 2030 03:04:05 GMT"
    assert code(s3.put_object, Bucket=bucket, Key="k", Body=b"", Metadata={"ab": "x" * 2047}) == (400, "MetadataTooLarge")
    s3.put_object(Bucket=bucket, Key="k", Body=b"", Metadata={"ab": "x" * 2046})  # the control


def test_checksums_are_kept_and_verified(s3, bucket):
    crc = base64.b64encode(zlib.crc32(LARGE).to_bytes(4, "big")).decode()
    put = s3.put_object(Bucket=bucket, Key="k", Body=LARGE, ChecksumAlgorithm="CRC32")
    assert put["ChecksumCRC32"] == crc
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got["ChecksumCRC32"] == crc and got["ResponseMetadata"]["HTTPHeaders"]["x-amz-checksum-type"] == "FULL_OBJECT"
    assert got["Body"].read() == LARGE  # the client checks too
    sha = base64.b64encode(hashlib.sha256(SMALL).digest()).decode()
    assert s3.put_object(Bucket=bucket, Key="s", Body=SMALL, ChecksumSHA256=sha)["ChecksumSHA256"] == sha
    assert s3.head_object(Bucket=bucket, Key="s", ChecksumMode="ENABLED")["ChecksumSHA256"] == sha
    listed = {o["Key"]: o for o in s3.list_objects_v2(Bucket=bucket)["Contents"]}
    assert listed["k"]["ChecksumAlgorithm"] == ["CRC32"] and listed["s"]["ChecksumAlgorithm"] == ["SHA256"]
    wrong = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    assert code(s3.put_object, Bucket=bucket, Key="w", Body=SMALL, ChecksumSHA256=wrong) == (400, "BadDigest")
    assert code(s3.get_object, Bucket=bucket, Key="w") == (404, "NoSuchKey")


@pytest.mark.parametrize("body", [bytes(range(100)), LARGE], ids=["row", "file"])
def test_ranges(s3, bucket, body):
    s3.put_object(Bucket=bucket, Key="k", Body=body)
    n = len(body)
    for text, first, last in [("0-0", 0, 0), ("3-7", 3, 7), (f"{n - 2}-", n - 2, n - 1), ("-5", n - 5, n - 1), ("1-999999999", 1, n - 1)]:
        got = s3.get_object(Bucket=bucket, Key="k", Range=f"bytes={text}")
        assert got["Body"].read() == body[first:last + 1]
        assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
        assert got["ContentRange"] == f"bytes {first}-{last}/{n}" and got["ContentLength"] == last - first + 1
        head = s3.head_object(Bucket=bucket, Key="k", Range=f"bytes={text}")
        assert head["ContentLength"] == last - first + 1
    r = refused(s3.get_object, Bucket=bucket, Key="k", Range=f"bytes={n}-")
    assert r["Error"]["Code"] == "InvalidRange" and r["Error"]["ActualObjectSize"] == str(n)
    assert s3.get_object(Bucket=bucket, Key="k", Range="bytes=7-3")["ContentLength"] == n


def test_conditional_reads(s3, bucket):
    tag = s3.put_object(Bucket=bucket, Key="k", Body=SMALL)["ETag"]
    modified = s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    before = modified - datetime.timedelta(seconds=1)
    where = dict(Bucket=bucket, Key="k")
    for good in (dict(IfMatch=tag), dict(IfNoneMatch='"x"'), dict(IfModifiedSince=before), dict(IfUnmodifiedSince=modified),
                 dict(IfMatch=tag, IfUnmodifiedSince=before), dict(IfNoneMatch='"x"', IfModifiedSince=modified)):
        assert s3.get_object(**where, **good)["Body"].read() == SMALL
    assert code(s3.get_object, **where, IfMatch='"x"') == (412, "PreconditionFailed")
    assert code(s3.get_object, **where, IfUnmodifiedSince=before) == (412, "PreconditionFailed")
    assert code(s3.get_object, **where, IfNoneMatch=tag) == (304, "304")
    assert code(s3.get_object, **where, IfModifiedSince=modified) == (304, "304")
    assert code(s3.head_object, **where, IfNoneMatch=tag) == (304, "304")


def put_if(**headers):
    return make_client({name.replace("_", "-"): value for name, value in headers.items()}).put_object


def test_conditional_writes(s3, bucket):
    where = dict(Bucket=bucket, Key="k")
    assert code(put_if(If_Match='"x"'), **where, Body=b"0") == (404, "NoSuchKey")
    tag = put_if(If_None_Match="*")(**where, Body=b"1")["ETag"]
    r = refused(put_if(If_None_Match="*"), **where, Body=LARGE)
    assert r["Error"]["Code"] == "PreconditionFailed" and r["Error"]["Condition"] == "If-None-Match"
    assert code(put_if(If_Match='"x"'), **where, Body=b"2") == (412, "PreconditionFailed")
    put_if(If_Match=tag)(**where, Body=b"2")
    assert s3.get_object(**where)["Body"].read() == b"2"
    assert code(put_if(If_None_Match=tag), **where, Body=b"3") == (501, "NotImplemented")


def test_one_of_many_writers_wins_a_condition(s3, bucket):
    put = put_if(If_None_Match="*")

    def attempt(i):
        try:
            put(Bucket=bucket, Key="k", Body=str(i).encode())
            return i
        except botocore.exceptions.ClientError as e:
            assert e.response["Error"]["Code"] in ("PreconditionFailed", "ConditionalRequestConflict")
            return None
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        winners = [i for i in pool.map(attempt, range(16)) if i is not None]
    assert len(winners) == 1
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == str(winners[0]).encode()


def test_response_headers_can_be_chosen(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=SMALL, ContentType="text/plain")
    got = s3.get_object(Bucket=bucket, Key="k", ResponseContentType="image/png", ResponseCacheControl="no-cache",
                        ResponseContentDisposition="inline", ResponseContentLanguage="fr", ResponseContentEncoding="br")
    assert (got["ContentType"], got["CacheControl"], got["ContentDisposition"]) == ("image/png", "no-cache", "inline")
    assert (got["ContentLanguage"], got["ContentEncoding"]) == ("fr", "br")
    with pytest.raises(botocore.exceptions.ClientError):
        s3.get_object(Bucket=bucket, Key="k", ResponseContentDisposition="a\r\nX-Evil: 1")


def test_what_is_missing_is_named(s3, bucket):
    r = refused(s3.get_object, Bucket=bucket, Key="no such key")
    assert r["Error"] == {"Code": "NoSuchKey", "Message": "The specified key does not exist.", "Key": "no such key"}
    assert r["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert code(s3.head_object, Bucket=bucket, Key="no such key") == (404, "404")
    assert s3.delete_object(Bucket=bucket, Key="no such key")["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert code(s3.put_object, Bucket=unique("none"), Key="k", Body=LARGE) == (404, "NoSuchBucket")
    assert code(s3.list_objects_v2, Bucket=unique("none")) == (404, "NoSuchBucket")


def test_the_owner_can_be_asserted(s3, bucket):
    assert code(s3.get_object, Bucket=bucket, Key="k", ExpectedBucketOwner="123456789012") == (403, "AccessDenied")


def test_overwriting_and_deleting(s3, bucket):
    for body in (LARGE, SMALL, LARGE * 2, LARGE):
        s3.put_object(Bucket=bucket, Key="k", Body=body)
        assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == body
    s3.delete_object(Bucket=bucket, Key="k")
    assert code(s3.get_object, Bucket=bucket, Key="k") == (404, "NoSuchKey")


def test_many_are_deleted_at_once(s3, bucket):
    keys = [f"k{i}" for i in range(120)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda k: s3.put_object(Bucket=bucket, Key=k, Body=SMALL), keys))
    r = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": k} for k in keys + ["absent"]]})
    assert {d["Key"] for d in r["Deleted"]} == set(keys) | {"absent"} and "Errors" not in r
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    assert "Deleted" not in s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "x"}], "Quiet": True})
    assert code(s3.delete_objects, Bucket=bucket, Delete={"Objects": [{"Key": str(i)} for i in range(1001)]}) == (400, "MalformedXML")


def test_what_is_not_built_is_refused_by_name(s3, bucket):
    for arguments, header in [(dict(ObjectLockLegalHoldStatus="ON"), "x-amz-object-lock-legal-hold"),
                              (dict(ServerSideEncryption="aws:kms"), "x-amz-server-side-encryption")]:
        r = refused(s3.put_object, Bucket=bucket, Key="k", Body=SMALL, **arguments)
        assert r["ResponseMetadata"]["HTTPStatusCode"] == 501 and r["Error"]["Header"] == header and header in r["Error"]["Message"]
    assert code(s3.put_object, Bucket=bucket, Key="k", Body=SMALL, ACL="public-read") == (400, "AccessControlListNotSupported")
    r = refused(s3.get_object_torrent, Bucket=bucket, Key="k")
    assert r["Error"]["Code"] == "NotImplemented" and "GetObjectTorrent" in r["Error"]["Message"]
    assert code(s3.get_object, Bucket=bucket, Key="k") == (404, "NoSuchKey")
    s3.put_object(Bucket=bucket, Key="k", Body=SMALL, StorageClass="STANDARD", ServerSideEncryption="AES256", ACL="private")


# Listings

@pytest.fixture(scope="module")
def full(s3):
    name = unique("list")
    s3.create_bucket(Bucket=name)
    for key in ["a", "b/1", "b/2", "b/c/1", "c", "d/x", "e e", "ü"]:
        s3.put_object(Bucket=name, Key=key, Body=key.encode())
    yield name
    drop(s3, name)


def shown(page):
    return [o["Key"] for o in page.get("Contents", [])] + ["[" + p["Prefix"] + "]" for p in page.get("CommonPrefixes", [])]


@pytest.mark.parametrize("arguments, expected", [
    ({}, ["a", "b/1", "b/2", "b/c/1", "c", "d/x", "e e", "ü"]),
    ({"Prefix": "b/"}, ["b/1", "b/2", "b/c/1"]),
    ({"Delimiter": "/"}, ["a", "c", "e e", "ü", "[b/]", "[d/]"]),
    ({"Delimiter": "/", "Prefix": "b/"}, ["b/1", "b/2", "[b/c/]"]),
    ({"StartAfter": "b/2"}, ["b/c/1", "c", "d/x", "e e", "ü"]),
    ({"Prefix": "zzz"}, []),
    ({"MaxKeys": 0}, []),
])
def test_listing(s3, full, arguments, expected):
    page = s3.list_objects_v2(Bucket=full, **arguments)
    assert shown(page) == expected
    assert page["KeyCount"] == len(expected) and page["IsTruncated"] is False
    assert page["Name"] == full and page["MaxKeys"] == arguments.get("MaxKeys", 1000)


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize("delimiter", ["", "/"])
def test_pages_make_the_whole(s3, full, size, delimiter):
    whole = shown(s3.list_objects_v2(Bucket=full, Delimiter=delimiter))
    for operation in ("list_objects_v2", "list_objects"):
        pages = list(s3.get_paginator(operation).paginate(Bucket=full, Delimiter=delimiter, PaginationConfig={"PageSize": size}))
        assert sorted(k for p in pages for k in shown(p)) == sorted(whole)
        assert all(len(shown(p)) == size for p in pages[:-1])


def test_listed_objects_have_their_facts(s3, full):
    o = s3.list_objects_v2(Bucket=full, Prefix="b/1", FetchOwner=True)["Contents"][0]
    assert o["Size"] == 3 and o["ETag"] == f'"{hashlib.md5(b"b/1").hexdigest()}"' and o["StorageClass"] == "STANDARD"
    assert len(o["Owner"]["ID"]) == 64
    assert o["LastModified"] == s3.head_object(Bucket=full, Key="b/1")["LastModified"]
    assert "Owner" not in s3.list_objects_v2(Bucket=full, Prefix="b/1")["Contents"][0]


def test_bad_listing_arguments(s3, full):
    assert code(s3.list_objects_v2, Bucket=full, ContinuationToken="nonsense") == (400, "InvalidArgument")
    assert code(s3.list_objects_v2, Bucket=full, MaxKeys=-1) == (400, "InvalidArgument")


def test_more_than_a_thousand(s3, bucket):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: s3.put_object(Bucket=bucket, Key=f"k/{i:05}", Body=b""), range(1005)))
    first = s3.list_objects_v2(Bucket=bucket, MaxKeys=5000)
    assert first["KeyCount"] == 1000 and first["IsTruncated"] and first["MaxKeys"] == 1000
    rest = s3.list_objects_v2(Bucket=bucket, ContinuationToken=first["NextContinuationToken"])
    assert [o["Key"] for o in rest["Contents"]] == [f"k/{i:05}" for i in range(1000, 1005)]
    assert shown(s3.list_objects_v2(Bucket=bucket, Delimiter="/")) == ["[k/]"]


# Notifications

def printing_package():
    """The native test function, changed to print each event."""
    text = pathlib.Path(__file__).with_name("native_function.c").read_text()
    call = "int ok = handle(event, count);"
    assert text.count(call) == 1
    text = text.replace(call, 'printf("EVENT %s\\n", event); fflush(stdout); ' + call)
    with tempfile.TemporaryDirectory() as directory:
        source, program = pathlib.Path(directory, "f.c"), pathlib.Path(directory, "bootstrap")
        source.write_text(text)
        subprocess.run([os.environ.get("CC", "gcc"), "-O1", "-static", "-o", str(program), str(source)], check=True)
        return package(("bootstrap", program.read_bytes(), 0o100755))


def configuration(arn, **more):
    return {"LambdaFunctionConfigurations": [{"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"], **more}]}


def rules(**values):
    return {"Key": {"FilterRules": [{"Name": n, "Value": v} for n, v in values.items()]}}


@pytest.fixture(scope="module")
def function():
    lam, name = client("lambda"), unique("s3-events")
    arn = create(lam, name, code=printing_package(), Timeout=10)["FunctionArn"]
    yield lam, name, arn
    lam.delete_function(FunctionName=name)


@pytest.fixture
def permitted(function, bucket):
    lam, name, arn = function
    lam.add_permission(FunctionName=name, StatementId=bucket, Action="lambda:InvokeFunction", Principal="s3.amazonaws.com",
                       SourceArn=f"arn:aws:s3:::{bucket}")
    yield arn
    lam.remove_permission(FunctionName=name, StatementId=bucket)


def records_of(function, bucket, wanted, seconds=60):
    """Records of that bucket which the function has printed; waits until there are `wanted`."""
    logs, found, end = client("logs"), {}, time.time() + seconds
    while len(found) < wanted and time.time() < end:
        try:
            for page in logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{function[1]}"):
                for event in page["events"]:
                    if event["message"].startswith("EVENT "):
                        for record in json.loads(event["message"][6:])["Records"]:
                            if record["s3"]["bucket"]["name"] == bucket:
                                found[record["s3"]["object"]["sequencer"], record["eventName"]] = record
        except logs.exceptions.ResourceNotFoundException:
            pass
        if len(found) < wanted:
            time.sleep(0.2)
    return [found[k] for k in sorted(found)]


def test_a_configuration_is_stored_and_can_be_sent_back(s3, bucket, permitted):
    assert "LambdaFunctionConfigurations" not in s3.get_bucket_notification_configuration(Bucket=bucket)
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration=configuration(permitted, Id="one", Filter=rules(prefix="in/", suffix=".jpg")))
    got = s3.get_bucket_notification_configuration(Bucket=bucket)
    got.pop("ResponseMetadata")
    assert got == configuration(permitted, Id="one", Filter=rules(Prefix="in/", Suffix=".jpg"))
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=got)
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    assert "LambdaFunctionConfigurations" not in s3.get_bucket_notification_configuration(Bucket=bucket)


def test_a_function_must_permit_it(s3, bucket, function):
    r = refused(s3.put_bucket_notification_configuration, Bucket=bucket, NotificationConfiguration=configuration(function[2]))
    assert r["Error"]["Code"] == "InvalidArgument" and r["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert r["Error"]["Message"] == "Unable to validate the following destination configurations"
    assert "LambdaFunctionConfigurations" not in s3.get_bucket_notification_configuration(Bucket=bucket)


def test_bad_configurations(s3, bucket, permitted):
    def put(*configurations):
        return refused(s3.put_bucket_notification_configuration, Bucket=bucket,
                       NotificationConfiguration={"LambdaFunctionConfigurations": list(configurations)})["Error"]
    one = {"LambdaFunctionArn": permitted, "Events": ["s3:ObjectCreated:*"], "Id": "1"}
    two = {"LambdaFunctionArn": permitted, "Events": ["s3:ObjectCreated:Put"], "Id": "2"}
    assert "Configurations overlap" in put(one, two)["Message"]
    assert "ambiguously defined" in put({**one, "Filter": rules(prefix="a")}, {**two, "Filter": rules(prefix="ab")})["Message"]
    assert put({**one, "LambdaFunctionArn": "nonsense"})["Code"] == "InvalidArgument"
    assert put({**one, "Events": ["s3:NoSuchEvent"]})["Code"] == "InvalidArgument"
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"LambdaFunctionConfigurations": [
        {**one, "Filter": rules(prefix="a")}, {**two, "Filter": rules(prefix="b")}]})  # the control


def test_uploads_and_removals_reach_the_function(s3, bucket, function, permitted):
    key = "in/red flower+ü.jpg"
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"LambdaFunctionConfigurations": [
        {"LambdaFunctionArn": permitted, "Id": "made", "Events": ["s3:ObjectCreated:*"], "Filter": rules(prefix="in/", suffix=".jpg")},
        {"LambdaFunctionArn": permitted, "Id": "gone", "Events": ["s3:ObjectRemoved:*"]}]})
    s3.put_object(Bucket=bucket, Key="out/a.jpg", Body=SMALL)
    s3.put_object(Bucket=bucket, Key="in/a.png", Body=SMALL)
    put = s3.put_object(Bucket=bucket, Key=key, Body=LARGE)
    s3.delete_object(Bucket=bucket, Key="in/a.png")
    made, gone = records_of(function, bucket, 2)
    assert made["eventName"] == "ObjectCreated:Put" and gone["eventName"] == "ObjectRemoved:Delete"
    assert made["eventSource"] == "aws:s3" and made["awsRegion"] == "us-east-1"
    assert made["s3"]["s3SchemaVersion"] == "1.0" and made["s3"]["configurationId"] == "made"
    assert made["s3"]["bucket"]["arn"] == f"arn:aws:s3:::{bucket}"
    o = made["s3"]["object"]
    assert urllib.parse.unquote_plus(o["key"]) == key and " " not in o["key"]
    assert o["size"] == len(LARGE) and f'"{o["eTag"]}"' == put["ETag"]
    assert made["responseElements"]["x-amz-request-id"] == put["ResponseMetadata"]["HTTPHeaders"]["x-amz-request-id"]
    datetime.datetime.strptime(made["eventTime"], "%Y-%m-%dT%H:%M:%S.%fZ")
    assert set(gone["s3"]["object"]) == {"key", "sequencer"} and gone["s3"]["configurationId"] == "gone"


def test_every_upload_of_many_is_told(s3, bucket, function, permitted):
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration(permitted))
    keys = {f"k{i}" for i in range(30)}
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda k: s3.put_object(Bucket=bucket, Key=k, Body=SMALL), keys))
    assert {r["s3"]["object"]["key"] for r in records_of(function, bucket, len(keys))} == keys
