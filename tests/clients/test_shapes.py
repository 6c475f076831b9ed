# SPDX-License-Identifier: Apache-2.0
"""The forms of an upload, each from the client that really sends it: what went over the wire in the step "shape", whose own
checks say that the server understood it. Where a new version of a client sends another form, this says so."""
import re

import pytest

HASH = r"[0-9a-f]{64}"
STREAM = {"x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "content-encoding": "aws-chunked", "x-amz-trailer": "x-amz-checksum-crc32",
          "x-amz-decoded-content-length": "3145729", "x-amz-checksum-crc32": None}
WHOLE = {"x-amz-content-sha256": HASH, "transfer-encoding": None, "content-encoding": None, "content-length": "3145729"}
CHECKED = {**WHOLE, "x-amz-checksum-crc32": r"\S{6}=="}

# (client, key) -> {header: pattern of its value; None: it is not there}
SHAPES = {
    ("boto3", "bytes"): {**CHECKED, "expect": "100-continue", "x-amz-sdk-checksum-algorithm": "CRC32"},
    ("boto3", "one"): {"expect": "100-continue", "content-length": "1"},
    ("boto3", "SHA256"): {**WHOLE, "x-amz-checksum-sha256": r"\S{43}="},
    ("boto3", "lent"): {**WHOLE, "x-amz-checksum-sha256": r"\S{43}=", "x-amz-security-token": r"\S{16,}", "x-amz-server-side-encryption": "AES256"},
    ("boto3_1_26", "bytes"): {**WHOLE, "expect": "100-continue", "content-md5": r"\S{22}==", "x-amz-checksum-crc32": None},
    ("js_v3", "bytes"): CHECKED,
    ("js_v3", "stream"): {**STREAM, "transfer-encoding": "chunked", "content-length": None},
    ("js_v2", "bytes"): {**WHOLE, "x-amz-checksum-crc32": None},
    ("go_v2", "bytes"): CHECKED,
    ("go_v2", "CRC64NVME"): {**WHOLE, "x-amz-checksum-crc64nvme": r"\S{11}="},
    ("go_v2", "CRC32C"): {**WHOLE, "x-amz-checksum-crc32c": r"\S{6}=="},
    ("java_v2", "stream"): {**STREAM, "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", "content-length": r"\d+"},
    ("java_v2", "async"): STREAM,
    ("java_v1", "bytes"): {"x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "content-encoding": None, "x-amz-trailer": None,
                           "x-amz-decoded-content-length": "3145729", "content-length": r"\d+"},
}


@pytest.mark.parametrize("client,key", SHAPES)
def test_shape(stories, recorder, client, key):
    told = stories[client, "strict-http"].result()
    assert told.steps["shape"]["ok"], told.steps["shape"]["error"]
    bucket = f"/story-{told.tag}/shape/{key}"
    heads = [h for h in recorder.heads(bucket) if h[0] == "PUT"]
    assert heads, f"no PUT of {bucket}"
    _, target, headers = heads[0]
    wrong = {name: headers.get(name) for name, pattern in SHAPES[client, key].items()
             if (headers.get(name) is not None if pattern is None else not re.fullmatch(pattern, headers.get(name, "")))}
    assert not wrong, f"{wrong} in {headers}"
    assert ("x-id=PutObject" in target) == (client in ("js_v3", "go_v2"))
