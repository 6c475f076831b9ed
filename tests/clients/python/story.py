# SPDX-License-Identifier: Apache-2.0
"""The story of test_story.py told by boto3, whichever this interpreter has (1.26 and newer): python story.py"""
import io
import json
import os
import re
import sys
import tempfile
import traceback
import urllib.error
import urllib.request

import boto3
import boto3.s3.transfer
import botocore
import botocore.config
import botocore.exceptions

TAG, STRICT = os.environ["STORY_TAG"], os.environ["STORY_MODE"] == "strict"
ENDPOINT = os.environ["STORY_ENDPOINT"]
BUCKET, TABLE = "story-" + TAG, "story-" + TAG
NEW = tuple(map(int, botocore.__version__.split(".")[:2])) >= (1, 36)  # sends checksums of its own accord
MIB = 1 << 20


def client(service, **config):
    return boto3.client(service, endpoint_url=ENDPOINT, region_name="us-east-1",
                        config=botocore.config.Config(retries={"total_max_attempts": 1}, **config))


s3, dynamodb = client("s3"), client("dynamodb")


def pattern(size):
    return (bytes(range(251)) * (size // 251 + 1))[:size]


def equal(got, wanted):
    assert got == wanted, f"{str(got)[:300]} is not {str(wanted)[:300]}"


def raises(code, call, *arguments, **members):
    """The error, whose code and, where the model has one, whose class is that one."""
    try:
        call(*arguments, **members)
    except botocore.exceptions.ClientError as error:
        equal(error.response["Error"]["Code"], code)
        return error
    raise AssertionError(f"no {code}")


def fetch(url, method="GET", data=None, status=200):
    request = urllib.request.Request(url, method=method, data=data, headers={"Content-Type": ""} if data else {})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            equal(answer.status, status)
            return answer.read()
    except urllib.error.HTTPError as error:
        equal(error.code, status)
        return error.read()


def body(key, **members):
    return s3.get_object(Bucket=BUCKET, Key=key, **members)["Body"].read()


# --- S3


def bucket():
    raises("404", s3.head_bucket, Bucket=BUCKET)
    s3.create_bucket(Bucket=BUCKET)
    s3.get_waiter("bucket_exists").wait(Bucket=BUCKET)
    assert BUCKET in [b["Name"] for b in s3.list_buckets()["Buckets"]]
    assert not s3.get_bucket_location(Bucket=BUCKET)["LocationConstraint"]


def object_():
    key = "dir/ein Schlüssel +&=?.txt"
    put = s3.put_object(Bucket=BUCKET, Key=key, Body=b"hello", ContentType="text/plain", Metadata={"colour": "blue"})
    equal(put["ETag"], '"5d41402abc4b2a76b9719d911017c592"')
    got = s3.get_object(Bucket=BUCKET, Key=key)
    equal((got["Body"].read(), got["ContentType"], got["Metadata"], got["ETag"]), (b"hello", "text/plain", {"colour": "blue"}, put["ETag"]))
    equal(body(key, Range="bytes=1-3"), b"ell")
    equal(s3.head_object(Bucket=BUCKET, Key=key)["ContentLength"], 5)
    copied = s3.copy_object(Bucket=BUCKET, Key="copy", CopySource={"Bucket": BUCKET, "Key": key})
    equal(copied["CopyObjectResult"]["ETag"], put["ETag"])
    equal(s3.head_object(Bucket=BUCKET, Key="copy")["Metadata"], {"colour": "blue"})
    for gone in (key, "copy"):
        s3.delete_object(Bucket=BUCKET, Key=gone)
    raises("404", s3.head_object, Bucket=BUCKET, Key=key)
    s3.put_object(Bucket=BUCKET, Key="empty", Body=b"")
    equal(body("empty"), b"")


def shape():
    """One upload in each form in which this client sends one: test_shapes.py looks at what went over the wire."""
    data = pattern(3 * MIB + 1)
    for key, content in (("one", b"x"), ("bytes", data), ("file", io.BytesIO(data))):
        s3.put_object(Bucket=BUCKET, Key="shape/" + key, Body=content)
    equal([body("shape/" + key) for key in ("one", "bytes", "file")], [b"x", data, data])
    if NEW:
        for algorithm in ("SHA1", "SHA256"):  # the Go story has those that need a package beside boto3
            s3.put_object(Bucket=BUCKET, Key="shape/" + algorithm, Body=data, ChecksumAlgorithm=algorithm)
            head = s3.head_object(Bucket=BUCKET, Key="shape/" + algorithm, ChecksumMode="ENABLED")
            assert head["Checksum" + algorithm] and head["ChecksumType"] == "FULL_OBJECT", head
        lent = lent_session().client("s3", endpoint_url=ENDPOINT)  # as CDK's toolkit uploads
        put = lent.put_object(Bucket=BUCKET, Key="shape/lent", Body=data, ChecksumAlgorithm="SHA256", ServerSideEncryption="AES256")
        equal(put["ServerSideEncryption"], "AES256")
        equal(body("shape/lent"), data)


def multipart():
    """upload_file and download_file: parts of 8 MiB in threads."""
    data = pattern(17 * MIB)
    with tempfile.TemporaryDirectory() as directory:
        source, target = directory + "/source", directory + "/target"
        with open(source, "wb") as file:
            file.write(data)
        s3.upload_file(source, BUCKET, "multipart", ExtraArgs={"Metadata": {"made": "of parts"}})
        s3.download_file(BUCKET, "multipart", target)
        with open(target, "rb") as file:
            assert file.read() == data
    head = s3.head_object(Bucket=BUCKET, Key="multipart")
    equal((head["ContentLength"], head["Metadata"], head["ETag"][-3:]), (len(data), {"made": "of parts"}, '-3"'))
    s3.copy({"Bucket": BUCKET, "Key": "multipart"}, BUCKET, "multipart-copy")  # UploadPartCopy
    assert body("multipart-copy") == data
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="aborted")["UploadId"]
    s3.upload_part(Bucket=BUCKET, Key="aborted", UploadId=upload, PartNumber=2, Body=b"part")
    equal([p["PartNumber"] for p in s3.list_parts(Bucket=BUCKET, Key="aborted", UploadId=upload)["Parts"]], [2])
    equal([u["UploadId"] for u in s3.list_multipart_uploads(Bucket=BUCKET)["Uploads"]], [upload])
    s3.abort_multipart_upload(Bucket=BUCKET, Key="aborted", UploadId=upload)
    raises("NoSuchUpload", s3.list_parts, Bucket=BUCKET, Key="aborted", UploadId=upload)


def list_():
    keys = [f"list/{n:02}" for n in range(25)]
    for key in keys:
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"")
    pages = list(s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="list/", PaginationConfig={"PageSize": 10}))
    equal([len(p["Contents"]) for p in pages], [10, 10, 5])
    equal([o["Key"] for p in pages for o in p["Contents"]], keys)
    old = list(s3.get_paginator("list_objects").paginate(Bucket=BUCKET, Prefix="list/", PaginationConfig={"PageSize": 10}))
    equal([o["Key"] for p in old for o in p["Contents"]], keys)
    top = s3.list_objects_v2(Bucket=BUCKET, Delimiter="/")
    assert "list/" in [p["Prefix"] for p in top["CommonPrefixes"]] and not any(o["Key"].startswith("list/") for o in top.get("Contents", []))
    deleted = s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": k} for k in keys]})
    equal(sorted(d["Key"] for d in deleted["Deleted"]), keys)
    equal(s3.list_objects_v2(Bucket=BUCKET, Prefix="list/")["KeyCount"], 0)


def presigned():
    for signer in (client("s3", signature_version="s3v4"), s3):  # the default is version 2
        put = signer.generate_presigned_url("put_object", Params={"Bucket": BUCKET, "Key": "pre signed"}, ExpiresIn=300)
        fetch(put, "PUT", b"by plain HTTP")
        got = signer.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "pre signed", "ResponseContentType": "text/x"})
        equal(fetch(got), b"by plain HTTP")
        if STRICT:
            assert b"SignatureDoesNotMatch" in fetch(spoiled(got), status=403)
        post_form(signer)


def spoiled(url):
    return re.sub(r"Signature=(.)", lambda found: "Signature=" + ("B" if found.group(1) == "A" else "A"), url)


def post_form(signer):
    form = signer.generate_presigned_post(BUCKET, "posted", Conditions=[["content-length-range", 0, 100]])
    fields = list(form["fields"].items()) + [("file", "content of the form")]
    data = "".join(f'--limit\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in fields) + "--limit--\r\n"
    request = urllib.request.Request(form["url"], data.encode(), {"Content-Type": "multipart/form-data; boundary=limit"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        equal(answer.status, 204)
    equal(body("posted"), b"content of the form")


def conditional_put():
    conditional = client("s3")
    condition = {"IfNoneMatch": "*"}
    if not NEW:  # its model has no such member: as its users do it
        condition = {}
        conditional.meta.events.register("before-call.s3.PutObject", lambda params, **_: params["headers"].update({"If-None-Match": "*"}))
    conditional.put_object(Bucket=BUCKET, Key="once", Body=b"first", **condition)
    raises("PreconditionFailed", conditional.put_object, Bucket=BUCKET, Key="once", Body=b"second", **condition)
    equal(body("once"), b"first")
    etag = s3.head_object(Bucket=BUCKET, Key="once")["ETag"]
    raises("304", s3.get_object, Bucket=BUCKET, Key="once", IfNoneMatch=etag)
    raises("PreconditionFailed", s3.get_object, Bucket=BUCKET, Key="once", IfMatch='"0"')


def tags():
    s3.put_object(Bucket=BUCKET, Key="tagged", Body=b"", Tagging="a=1&b=two%20words")
    wanted = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "two words"}]
    equal(sorted(s3.get_object_tagging(Bucket=BUCKET, Key="tagged")["TagSet"], key=lambda t: t["Key"]), wanted)
    s3.put_object_tagging(Bucket=BUCKET, Key="tagged", Tagging={"TagSet": [{"Key": "c", "Value": ""}]})
    equal(s3.get_object_tagging(Bucket=BUCKET, Key="tagged")["TagSet"], [{"Key": "c", "Value": ""}])
    s3.delete_object_tagging(Bucket=BUCKET, Key="tagged")
    equal(s3.get_object_tagging(Bucket=BUCKET, Key="tagged")["TagSet"], [])
    raises("NoSuchTagSet", s3.get_bucket_tagging, Bucket=BUCKET)


def versions():
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    equal(s3.get_bucket_versioning(Bucket=BUCKET)["Status"], "Enabled")
    first, second = (s3.put_object(Bucket=BUCKET, Key="v", Body=b)["VersionId"] for b in (b"1", b"2"))
    equal((body("v"), body("v", VersionId=first)), (b"2", b"1"))
    marker = s3.delete_object(Bucket=BUCKET, Key="v")
    assert marker["DeleteMarker"] is True
    raises("NoSuchKey", s3.get_object, Bucket=BUCKET, Key="v")
    listed = s3.list_object_versions(Bucket=BUCKET, Prefix="v")
    equal([(v["VersionId"], v["IsLatest"]) for v in listed["Versions"]], [(second, False), (first, False)])
    equal([(m["VersionId"], m["IsLatest"]) for m in listed["DeleteMarkers"]], [(marker["VersionId"], True)])
    s3.delete_object(Bucket=BUCKET, Key="v", VersionId=marker["VersionId"])
    equal(body("v"), b"2")
    for version in (first, second):
        s3.delete_object(Bucket=BUCKET, Key="v", VersionId=version)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"})


def s3_errors():
    try:
        s3.get_object(Bucket=BUCKET, Key="missing")
        raise AssertionError("no NoSuchKey")
    except s3.exceptions.NoSuchKey as error:
        equal(error.response["Error"]["Key"], "missing")
    try:
        s3.list_objects_v2(Bucket="missing-" + TAG)
        raise AssertionError("no NoSuchBucket")
    except s3.exceptions.NoSuchBucket as error:
        equal(error.response["Error"]["BucketName"], "missing-" + TAG)
    raises("BucketNotEmpty", s3.delete_bucket, Bucket=BUCKET)
    raises("InvalidBucketName", client("s3").create_bucket, Bucket="Upper" + TAG)


def remove_bucket():
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=BUCKET):
        found = page.get("Versions", []) + page.get("DeleteMarkers", [])
        s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": o["Key"], "VersionId": o["VersionId"]} for o in found], "Quiet": True})
    s3.delete_bucket(Bucket=BUCKET)
    s3.get_waiter("bucket_not_exists").wait(Bucket=BUCKET)


# --- DynamoDB


def table():
    made = dynamodb.create_table(
        TableName=TABLE, BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": t} for n, t in (("pk", "S"), ("sk", "N"), ("genre", "S"))],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[{"IndexName": "by-genre", "Projection": {"ProjectionType": "ALL"},
                                 "KeySchema": [{"AttributeName": "genre", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]}])
    equal(made["TableDescription"]["TableName"], TABLE)
    dynamodb.get_waiter("table_exists").wait(TableName=TABLE, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    described = dynamodb.describe_table(TableName=TABLE)["Table"]
    equal((described["TableStatus"], described["GlobalSecondaryIndexes"][0]["IndexStatus"]), ("ACTIVE", "ACTIVE"))
    assert TABLE in [n for p in dynamodb.get_paginator("list_tables").paginate(PaginationConfig={"PageSize": 1}) for n in p["TableNames"]]
    raises("ResourceInUseException", dynamodb.create_table, TableName=TABLE, BillingMode="PAY_PER_REQUEST",
           AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}], KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}])


def key(pk, sk):
    return {"pk": {"S": pk}, "sk": {"N": str(sk)}}


def items():
    value = {"n": {"N": "12345678901234567890.123456789012345678"}, "b": {"B": b"\0\xff"}, "t": {"BOOL": True}, "z": {"NULL": True},
             "l": {"L": [{"S": "ü"}, {"N": "-1"}]}, "m": {"M": {"deep": {"M": {}}}}, "ss": {"SS": ["a", "b"]}, "e": {"S": ""}}
    dynamodb.put_item(TableName=TABLE, Item={**key("items", 1), **value})
    got = dynamodb.get_item(TableName=TABLE, Key=key("items", 1), ConsistentRead=True, ReturnConsumedCapacity="TOTAL")
    equal(sorted(got["Item"].pop("ss")["SS"]), ["a", "b"])
    del value["ss"]
    equal(got["Item"], {**key("items", 1), **value})
    equal(got["ConsumedCapacity"]["CapacityUnits"], 1.0)
    updated = dynamodb.update_item(
        TableName=TABLE, Key=key("items", 1), ReturnValues="UPDATED_NEW",
        UpdateExpression="SET #c = if_not_exists(#c, :zero) + :one, l = list_append(l, :more) REMOVE z ADD ss :ss DELETE gone :ss",
        ExpressionAttributeNames={"#c": "counter"},
        ExpressionAttributeValues={":zero": {"N": "0"}, ":one": {"N": "1"}, ":more": {"L": [{"S": "x"}]}, ":ss": {"SS": ["c"]}})
    equal((updated["Attributes"]["counter"], len(updated["Attributes"]["l"]["L"]), sorted(updated["Attributes"]["ss"]["SS"])), ({"N": "1"}, 3, ["a", "b", "c"]))
    equal(dynamodb.get_item(TableName=TABLE, Key=key("items", 1), ProjectionExpression="m.deep, l[0]")["Item"],
          {"m": {"M": {"deep": {"M": {}}}}, "l": {"L": [{"S": "ü"}]}})
    old = dynamodb.delete_item(TableName=TABLE, Key=key("items", 1), ReturnValues="ALL_OLD")["Attributes"]
    assert "z" not in old and old["counter"] == {"N": "1"}
    assert "Item" not in dynamodb.get_item(TableName=TABLE, Key=key("items", 1))


def batch():
    puts = [{"PutRequest": {"Item": {**key("batch", n), "genre": {"S": "odd" if n % 2 else "even"}, "size": {"N": str(n)}}}} for n in range(25)]
    equal(dynamodb.batch_write_item(RequestItems={TABLE: puts})["UnprocessedItems"], {})
    got = dynamodb.batch_get_item(RequestItems={TABLE: {"Keys": [key("batch", n) for n in (3, 24, 99)]}})
    equal(sorted(i["sk"]["N"] for i in got["Responses"][TABLE]), ["24", "3"])
    raises("ValidationException", dynamodb.batch_write_item, RequestItems={TABLE: puts + puts[:1]})
    with boto3.resource("dynamodb", endpoint_url=ENDPOINT, region_name="us-east-1").Table(TABLE).batch_writer() as writer:
        for n in range(30):
            writer.put_item({"pk": "written", "sk": n})


def query():
    pages = list(dynamodb.get_paginator("query").paginate(
        TableName=TABLE, KeyConditionExpression="pk = :p AND sk BETWEEN :a AND :b", PaginationConfig={"PageSize": 8},
        ExpressionAttributeValues={":p": {"S": "batch"}, ":a": {"N": "1"}, ":b": {"N": "20"}}))
    equal([int(i["sk"]["N"]) for p in pages for i in p["Items"]], list(range(1, 21)))
    equal([p["Count"] for p in pages][:2], [8, 8])
    back = dynamodb.query(TableName=TABLE, IndexName="by-genre", KeyConditionExpression="genre = :g", ScanIndexForward=False, Limit=3,
                          ExpressionAttributeValues={":g": {"S": "odd"}})
    equal([i["sk"]["N"] for i in back["Items"]], ["23", "21", "19"])
    filtered = dynamodb.query(TableName=TABLE, KeyConditionExpression="pk = :p", FilterExpression="genre = :g AND NOT #s > :n",
                              ExpressionAttributeNames={"#s": "size"}, ExpressionAttributeValues={":p": {"S": "batch"}, ":g": {"S": "even"}, ":n": {"N": "4"}})
    equal((filtered["Count"], filtered["ScannedCount"]), (3, 25))
    error = raises("ValidationException", dynamodb.query, TableName=TABLE, KeyConditionExpression="pk = :p", FilterExpression="sk > :n",
                   ExpressionAttributeValues={":p": {"S": "batch"}, ":n": {"N": "4"}})
    equal(error.response["Error"]["Message"], "Filter Expression can only contain non-primary key attributes: Primary key attribute: sk")


def scan():
    pages = list(dynamodb.get_paginator("scan").paginate(TableName=TABLE, FilterExpression="pk = :p", PaginationConfig={"PageSize": 10},
                                                         ExpressionAttributeValues={":p": {"S": "batch"}}))
    equal((sum(p["Count"] for p in pages), len(pages) >= 3), (25, True))
    segments = [dynamodb.scan(TableName=TABLE, TotalSegments=3, Segment=n, Select="COUNT")["Count"] for n in range(3)]
    equal(sum(segments), 55)


def condition():
    put = {"TableName": TABLE, "Item": {**key("condition", 1), "who": {"S": "first"}}, "ConditionExpression": "attribute_not_exists(pk)"}
    dynamodb.put_item(**put)
    if NEW:
        put["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    try:
        dynamodb.put_item(**put)
        raise AssertionError("no ConditionalCheckFailedException")
    except dynamodb.exceptions.ConditionalCheckFailedException as error:
        equal(error.response["Error"]["Message"], "The conditional request failed")
        if NEW:
            equal(error.response["Item"]["who"], {"S": "first"})


def dynamodb_errors():
    try:
        dynamodb.get_item(TableName="missing-" + TAG, Key={"pk": {"S": "x"}})
        raise AssertionError("no ResourceNotFoundException")
    except dynamodb.exceptions.ResourceNotFoundException as error:
        assert "Requested resource not found" in str(error)
    error = raises("ValidationException", dynamodb.put_item, TableName=TABLE, Item={"pk": {"S": "x"}})
    equal(error.response["Error"]["Message"], "One or more parameter values were invalid: Missing the key sk in the item")
    raises("ValidationException", dynamodb.query, TableName=TABLE, KeyConditionExpression="sk = :s", ExpressionAttributeValues={":s": {"N": "1"}})


def remove_table():
    dynamodb.delete_table(TableName=TABLE)
    dynamodb.get_waiter("table_not_exists").wait(TableName=TABLE, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    raises("ResourceNotFoundException", dynamodb.describe_table, TableName=TABLE)


# --- the others


def lent_session(token=None):
    """With temporary credentials of the caller's; token: another one in place of theirs."""
    lent = client("sts").get_session_token(DurationSeconds=900)["Credentials"]
    return boto3.Session(lent["AccessKeyId"], lent["SecretAccessKey"], token or lent["SessionToken"], "us-east-1")


def identity():
    who = client("sts").get_caller_identity()
    assert who["Account"] in who["Arn"] and len(who["Account"]) == 12 and who["UserId"]
    session = lent_session()
    for service, call in (("sts", "get_caller_identity"), ("s3", "list_buckets"), ("dynamodb", "list_tables")):
        getattr(session.client(service, endpoint_url=ENDPOINT), call)()
    url = session.client("s3", endpoint_url=ENDPOINT, config=botocore.config.Config(signature_version="s3v4")).generate_presigned_url("list_buckets")
    assert b"ListAllMyBucketsResult" in fetch(url)
    if STRICT:
        raises("InvalidClientTokenId", lent_session(token="other").client("sts", endpoint_url=ENDPOINT).get_caller_identity)


def functions():
    lam = client("lambda")
    assert [p["Functions"] for p in lam.get_paginator("list_functions").paginate()]
    try:
        lam.invoke(FunctionName="missing-" + TAG)
        raise AssertionError("no ResourceNotFoundException")
    except lam.exceptions.ResourceNotFoundException as error:
        assert "Function not found" in str(error)


STEPS = {"bucket": bucket, "object": object_, "shape": shape, "multipart": multipart, "list": list_, "presigned": presigned,
         "conditional_put": conditional_put, "tags": tags, "versions": versions, "s3_errors": s3_errors, "remove_bucket": remove_bucket,
         "table": table, "items": items, "batch": batch, "query": query, "scan": scan, "condition": condition,
         "dynamodb_errors": dynamodb_errors, "remove_table": remove_table, "identity": identity, "functions": functions}

for name, step in STEPS.items():
    try:
        step()
        print(json.dumps({"step": name, "ok": True}), flush=True)
    except Exception as error:
        text = "".join(traceback.format_tb(error.__traceback__)[-2:])
        print(json.dumps({"step": name, "ok": False, "error": f"{type(error).__name__}: {error}\n{text}"[:4000]}), flush=True)
sys.exit(0)
