# SPDX-License-Identifier: Apache-2.0
"""Lambda's control plane as boto3 sees it."""
import base64
import hashlib

import botocore.exceptions
import pytest

from lambda_tools import ROLE, RUNTIME, client, create, native_package, package, unique


@pytest.fixture(scope="module")
def lam():
    return client("lambda")


@pytest.fixture
def name(lam):
    name = unique("f")
    yield name
    try:
        lam.delete_function(FunctionName=name)
    except lam.exceptions.ResourceNotFoundException:
        pass


def refused(call, **arguments):
    with pytest.raises(botocore.exceptions.ClientError) as e:
        call(**arguments)
    return e.value.response


def test_create_answers_pending_and_becomes_active(lam, name):
    made = create(lam, name, Description="d", MemorySize=256, Timeout=7, Environment={"Variables": {"AB": "1"}})
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert made["State"] == "Pending"
    got = lam.get_function(FunctionName=name)
    c = got["Configuration"]
    assert c["State"] == "Active" and c["LastUpdateStatus"] == "Successful"
    assert c["CodeSha256"] == base64.b64encode(hashlib.sha256(native_package()).digest()).decode()
    assert c["CodeSize"] == len(native_package())
    assert c["MemorySize"] == 256 and c["Timeout"] == 7 and c["Description"] == "d"
    assert c["Environment"] == {"Variables": {"AB": "1"}}
    assert c["PackageType"] == "Zip" and c["EphemeralStorage"] == {"Size": 512}
    assert c["TracingConfig"] == {"Mode": "PassThrough"}
    assert c["FunctionArn"] == f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
    assert got["Code"]["RepositoryType"] == "S3"


def test_the_same_name_twice_is_a_conflict(lam, name):
    create(lam, name)
    r = refused(create, lambda_client=lam, name=name)
    assert r["Error"]["Code"] == "ResourceConflictException"
    assert r["Error"]["Message"] == f"Function already exist: {name}"
    assert r["ResponseMetadata"]["HTTPStatusCode"] == 409


BAD_ZIPS = {
    "no zip": b"this is not a zip",
    "truncated": native_package()[:-30],
    "zip slip": package(("bootstrap", b"x", 0o100755), ("../../evil", b"x", 0o100644)),
    "absolute": package(("/evil", b"x", 0o100644)),
    "link out": package(("link", b"/etc/passwd", 0o120777)),
    "device": package(("device", b"", 0o020666)),
    "deep": package(("d/" * 70 + "f", b"x", 0o100644)),
}


@pytest.mark.parametrize("kind", BAD_ZIPS)
def test_a_bad_zip_makes_no_function(lam, name, kind):
    r = refused(create, lambda_client=lam, name=name, code=BAD_ZIPS[kind])
    assert r["Error"]["Code"] == "InvalidParameterValueException"
    assert r["Error"]["Message"] == "Could not unzip uploaded file. Please check your file, then try to upload again."
    assert refused(lam.get_function, FunctionName=name)["Error"]["Code"] == "ResourceNotFoundException"


def test_a_bomb_is_refused_by_size(lam, name):
    r = refused(create, lambda_client=lam, name=name, code=package(*((f"z{i}", bytes(60 << 20), 0o100644) for i in range(5))))
    assert "Unzipped size must be smaller than 262144000 bytes" in r["Error"]["Message"]


def test_settings_are_checked(lam, name):
    for settings, text in [
        ({"Timeout": 901}, "Timeout"),
        ({"MemorySize": 10241}, "MemorySize"),
        ({"Runtime": "python3.12"}, "provided.al2023"),
        ({"Environment": {"Variables": {"AWS_REGION": "x"}}}, "Reserved keys used in this request: AWS_REGION"),
        ({"Environment": {"Variables": {"AB": "x" * 4096}}}, "exceeded the 4KB limit"),
    ]:
        r = refused(create, lambda_client=lam, name=name, **settings)
        assert r["Error"]["Code"] == "InvalidParameterValueException", settings
        assert text in r["Error"]["Message"]
    assert refused(create, lambda_client=lam, name=name, Publish=True)["ResponseMetadata"]["HTTPStatusCode"] == 501
    create(lam, name, Timeout=900, MemorySize=10240)  # the control


def test_every_form_of_the_name_finds_it(lam, name):
    arn = create(lam, name)["FunctionArn"]
    for form in (name, f"{name}:$LATEST", f"function:{name}", f"000000000000:function:{name}", arn, arn + ":$LATEST"):
        assert lam.get_function_configuration(FunctionName=form)["FunctionName"] == name
    r = refused(lam.get_function, FunctionName=name, Qualifier="7")
    assert r["Error"]["Message"] == f"Function not found: {arn}:7"


def test_updates_change_the_revision_and_old_ones_are_refused(lam, name):
    made = create(lam, name)
    changed = lam.update_function_configuration(FunctionName=name, MemorySize=512, RevisionId=made["RevisionId"])
    assert changed["MemorySize"] == 512 and changed["RevisionId"] != made["RevisionId"]
    assert changed["LastUpdateStatus"] == "InProgress"
    lam.get_waiter("function_updated_v2").wait(FunctionName=name)
    r = refused(lam.update_function_configuration, FunctionName=name, Timeout=5, RevisionId=made["RevisionId"])
    assert r["ResponseMetadata"]["HTTPStatusCode"] == 412
    code = package(("bootstrap", b"#!/bin/sh\nexit 1\n", 0o100755))
    assert lam.update_function_code(FunctionName=name, ZipFile=code, DryRun=True)["CodeSize"] == len(code)
    assert lam.get_function_configuration(FunctionName=name)["CodeSize"] == made["CodeSize"]
    lam.update_function_code(FunctionName=name, ZipFile=code)
    assert lam.get_function_configuration(FunctionName=name)["CodeSize"] == len(code)


def test_listing_is_paged(lam, name):
    names = [f"{name}-{i}" for i in range(3)]
    for n in names:
        create(lam, n)
    try:
        pages = list(lam.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 1}))
        listed = [f for p in pages for f in p["Functions"]]
        assert len(pages) >= 3 and {f["FunctionName"] for f in listed} >= set(names)
        assert "State" not in listed[0]
    finally:
        for n in names:
            lam.delete_function(FunctionName=n)


def test_permissions(lam, name):
    arn = create(lam, name)["FunctionArn"]
    assert refused(lam.get_policy, FunctionName=name)["Error"]["Code"] == "ResourceNotFoundException"
    statement = dict(FunctionName=name, StatementId="s3", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com", SourceArn="arn:aws:s3:::b")
    lam.add_permission(**statement)
    assert refused(lam.add_permission, **statement)["Error"]["Code"] == "ResourceConflictException"
    import json

    assert json.loads(lam.get_policy(FunctionName=name)["Policy"]) == {
        "Version": "2012-10-17",
        "Id": "default",
        "Statement": [
            {
                "Sid": "s3",
                "Effect": "Allow",
                "Principal": {"Service": "s3.amazonaws.com"},
                "Action": "lambda:InvokeFunction",
                "Resource": arn,
                "Condition": {"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::b"}},
            }
        ],
    }
    lam.remove_permission(FunctionName=name, StatementId="s3")
    assert refused(lam.remove_permission, FunctionName=name, StatementId="s3")["Error"]["Code"] == "ResourceNotFoundException"


def test_tags_and_concurrency(lam, name):
    arn = create(lam, name, Tags={"a": "1"})["FunctionArn"]
    lam.tag_resource(Resource=arn, Tags={"b": "2"})
    lam.untag_resource(Resource=arn, TagKeys=["a"])
    assert lam.list_tags(Resource=arn)["Tags"] == {"b": "2"}
    assert "ReservedConcurrentExecutions" not in lam.get_function_concurrency(FunctionName=name)
    lam.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=5)
    assert lam.get_function(FunctionName=name)["Concurrency"] == {"ReservedConcurrentExecutions": 5}
    assert refused(lam.put_function_concurrency, FunctionName=name, ReservedConcurrentExecutions=901)["Error"]["Code"] == "InvalidParameterValueException"
    lam.delete_function_concurrency(FunctionName=name)
    assert lam.get_account_settings()["AccountLimit"]["ConcurrentExecutions"] == 1000


def test_a_deleted_function_is_gone(lam, name):
    create(lam, name)
    assert lam.delete_function(FunctionName=name)["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refused(lam.delete_function, FunctionName=name)["Error"]["Code"] == "ResourceNotFoundException"
    assert refused(lam.invoke, FunctionName=name)["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_what_is_not_built_is_refused_by_name(lam, name):
    create(lam, name)
    r = refused(lam.publish_version, FunctionName=name)
    assert r["ResponseMetadata"]["HTTPStatusCode"] == 501 and "PublishVersion" in r["Error"]["Message"]
    r = refused(lam.create_function, FunctionName=name + "x", Runtime=RUNTIME, Handler="b", Role=ROLE, Code={"S3Bucket": "bbb", "S3Key": "k"})
    assert r["ResponseMetadata"]["HTTPStatusCode"] == 501
