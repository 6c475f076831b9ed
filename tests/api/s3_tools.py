# SPDX-License-Identifier: Apache-2.0
"""What the S3 tests share: a client that sends more headers than its model knows, a bucket, and errors as pairs."""
import base64
import binascii
import hashlib
import os
import urllib.error
import urllib.request

import boto3
import botocore.config
import botocore.exceptions
import pytest

from lambda_tools import unique

MIB = 1 << 20
# Newer clients else add a checksum to everything, and these tests say themselves when there shall be one.
os.environ.update(AWS_REQUEST_CHECKSUM_CALCULATION="when_required", AWS_RESPONSE_CHECKSUM_VALIDATION="when_required")


def make_client(operation=None, headers=None, region="us-east-1"):
    """`headers`: sent with every call of the operation, for what older clients have no argument for."""
    made = boto3.client(
        "s3",
        endpoint_url=os.environ["GUST_ENDPOINT"],
        region_name=region,
        aws_access_key_id=os.environ.get("AWS_ACCESS_KEY_ID", "test"),
        aws_secret_access_key=os.environ.get("AWS_SECRET_ACCESS_KEY", "test"),
        config=botocore.config.Config(retries={"max_attempts": 1}, read_timeout=60, s3={"addressing_style": "path"}),
    )
    if headers:
        made.meta.events.register(f"before-call.s3.{operation}", lambda params, **_: params["headers"].update(headers))
    return made


def empty(s3, name):
    """Removes all versions, uploads and the bucket."""
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
        entries = [{"Key": v["Key"], "VersionId": v["VersionId"]} for v in page.get("Versions", []) + page.get("DeleteMarkers", [])]
        if entries:
            s3.delete_objects(Bucket=name, Delete={"Objects": entries, "Quiet": True})
    s3.delete_bucket(Bucket=name)


def new_bucket(s3, versioned=False):
    name = unique("b")
    s3.create_bucket(Bucket=name)
    if versioned:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


def refused(call, **arguments):
    with pytest.raises(botocore.exceptions.ClientError) as e:
        call(**arguments)
    return e.value.response


def code(call, **arguments):
    response = refused(call, **arguments)
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


def headers(answer):
    return answer["ResponseMetadata"]["HTTPHeaders"]


def md5(data):
    return hashlib.md5(data).hexdigest()


def base64_sha256(data):
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def base64_crc32(data):
    return base64.b64encode(binascii.crc32(data).to_bytes(4, "big")).decode()
