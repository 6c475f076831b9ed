# SPDX-License-Identifier: Apache-2.0
"""What the Lambda and Logs tests share: clients, packages, a native function."""
import functools
import io
import os
import pathlib
import subprocess
import tempfile
import uuid
import zipfile

import boto3
import botocore.config

ROLE = "arn:aws:iam::000000000000:role/test"
RUNTIME = "provided.al2023"


def client(service):
    return boto3.client(
        service,
        endpoint_url=os.environ["GUST_ENDPOINT"],
        region_name="us-east-1",
        aws_access_key_id=os.environ.get("AWS_ACCESS_KEY_ID", "test"),
        aws_secret_access_key=os.environ.get("AWS_SECRET_ACCESS_KEY", "test"),
        config=botocore.config.Config(retries={"max_attempts": 1}, read_timeout=60),
    )


def package(*entries):
    """A zip in memory. entries: (name, bytes, UNIX mode with type)"""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, content, mode in entries:
            info = zipfile.ZipInfo(name)
            info.create_system = 3
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            z.writestr(info, content)
    return out.getvalue()


@functools.lru_cache
def native_package():
    """The native test function, compiled once."""
    source = pathlib.Path(__file__).with_name("native_function.c")
    with tempfile.TemporaryDirectory() as directory:
        program = os.path.join(directory, "bootstrap")
        subprocess.run([os.environ.get("CC", "gcc"), "-O1", "-static", "-o", program, str(source)], check=True)
        with open(program, "rb") as f:
            return package(("bootstrap", f.read(), 0o100755))


def unique(prefix):
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def create(lambda_client, name, code=None, **settings):
    arguments = dict(FunctionName=name, Runtime=RUNTIME, Handler="bootstrap", Role=ROLE, Code={"ZipFile": code or native_package()})
    arguments.update(settings)
    answer = lambda_client.create_function(**arguments)
    lambda_client.get_waiter("function_active_v2").wait(FunctionName=name)
    return answer
