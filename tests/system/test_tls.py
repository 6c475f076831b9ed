# SPDX-License-Identifier: Apache-2.0
"""TLS on the one port, with certificates of Gust's own authority; large bodies that stay out of memory; keys and sessions that
outlive the daemon, with signatures verified."""
import contextlib
import hashlib
import http.client
import json
import os
import socket
import ssl

import boto3
import botocore.config
import pytest
from botocore.exceptions import ClientError
from conftest import LONG, read, wait_until

MIB = 1 << 20
LARGE = (2048 if LONG else 384) * MIB
MOST_GROWTH = 32 * MIB
HELLO = bytes.fromhex("160301004a0100004603037f") + bytes(31) + bytes.fromhex("00000413011302010000190000")


@pytest.fixture(scope="module")
def gust(shared_gust):
    return shared_gust


def ca(gust):
    return str(gust.state / "ca/ca.pem")


def trusting(gust):
    return ssl.create_default_context(cafile=ca(gust))


def secure_client(gust, service, key="test", secret="test", token=None, **config):
    settings = {"retries": {"total_max_attempts": 1}, "s3": {"addressing_style": "path"}, **config}
    return boto3.client(service, endpoint_url=f"https://localhost:{gust.port}", verify=ca(gust), region_name="us-east-1",
                        aws_access_key_id=key, aws_secret_access_key=secret, aws_session_token=token,
                        config=botocore.config.Config(**settings))


def healthy(gust):
    assert gust.get("/_gust/health")[0] == 200


def daemon_connections(gust):
    return sum(os.path.islink(f) and os.readlink(f).startswith("socket:") for f in
               (f"/proc/{gust.pid('daemon')}/fd/{n}" for n in os.listdir(f"/proc/{gust.pid('daemon')}/fd")))


def test_an_sdk_works_over_https(gust):
    s3 = secure_client(gust, "s3")
    s3.create_bucket(Bucket="secure")
    body = os.urandom(3 * MIB)
    s3.put_object(Bucket="secure", Key="k", Body=body)
    assert s3.get_object(Bucket="secure", Key="k")["Body"].read() == body
    assert gust.client("s3").get_object(Bucket="secure", Key="k")["Body"].read() == body  # the same port, plain
    for client, scheme in ((s3, "https"), (gust.client("s3"), "http")):  # addresses in answers lead back the way that was taken
        upload = {"Bucket": "secure", "Key": "parts", "UploadId": client.create_multipart_upload(Bucket="secure", Key="parts")["UploadId"]}
        part = client.upload_part(PartNumber=1, Body=b"p", **upload)
        done = client.complete_multipart_upload(MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}, **upload)
        assert done["Location"].startswith(f"{scheme}://") and done["Location"].endswith("/secure/parts")
    dynamodb = secure_client(gust, "dynamodb")
    assert "TableNames" in dynamodb.list_tables()
    assert secure_client(gust, "sts").get_caller_identity()["Account"]


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "bucket.localhost", "bucket.s3.localhost", "a.b.localhost"])
def test_the_certificate_is_believed_under_every_name(gust, name):
    with socket.create_connection(("127.0.0.1", gust.port), 10) as plain:
        with trusting(gust).wrap_socket(plain, server_hostname=name) as secure:
            assert secure.version() in ("TLSv1.2", "TLSv1.3")
            secure.sendall(b"GET /_gust/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert secure.recv(12) == b"HTTP/1.1 200"


def test_it_is_not_believed_under_others_or_without_its_authority(gust):
    def connect(context, name):
        with socket.create_connection(("127.0.0.1", gust.port), 10) as plain, context.wrap_socket(plain, server_hostname=name):
            pass

    connect(trusting(gust), "localhost")
    for context, name in ((trusting(gust), "example.com"), (trusting(gust), "127.0.0.2"), (ssl.create_default_context(), "localhost")):
        with pytest.raises(ssl.SSLCertVerificationError):
            connect(context, name)


def test_secrets_are_the_daemons_alone_and_the_authority_is_everybodys(gust):
    modes = {f.name: f.stat().st_mode & 0o777 for f in (gust.state / "ca").iterdir()}
    assert modes == {"ca.pem": 0o644, "ca-key.pem": 0o600, "server.pem": 0o600, "server-key.pem": 0o600}


def test_old_versions_and_other_protocols_are_refused(gust):
    old = trusting(gust)
    old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    http2 = trusting(gust)
    http2.set_alpn_protocols(["h2"])
    for context in (old, http2):
        with socket.create_connection(("127.0.0.1", gust.port), 10) as plain, pytest.raises(ssl.SSLError):
            context.wrap_socket(plain, server_hostname="localhost")
    both = trusting(gust)
    both.set_alpn_protocols(["h2", "http/1.1"])
    with socket.create_connection(("127.0.0.1", gust.port), 10) as plain, both.wrap_socket(plain, server_hostname="localhost") as secure:
        assert secure.selected_alpn_protocol() == "http/1.1"


@pytest.mark.parametrize("text", [b"\x16", b"\x16\x03\x01", b"\x16\x03\x01\xff\xff" + b"x" * 70000, HELLO, HELLO[:20],
                                  b"\x16\x03\x01\x00\x05hello", b"\x80\x2e\x01\x03\x01" + bytes(40), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                                  b"SSH-2.0-OpenSSH_9.2\r\n", b"\x00" * 100, b"\x04\x01\x00\x50\x7f\x00\x00\x01\x00", b"EHLO x\r\n"],
                         ids=lambda text: text[:8].hex())
def test_what_is_neither_http_nor_tls_is_answered_or_closed(gust, text):
    before = daemon_connections(gust)
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", gust.port), 10) as peer:
            peer.sendall(text)
            with contextlib.suppress(OSError):
                peer.shutdown(socket.SHUT_WR)
            peer.settimeout(10)
            with contextlib.suppress(ConnectionError):
                while peer.recv(65536):
                    pass
    healthy(gust)
    wait_until(lambda: daemon_connections(gust) <= before + 2, "connections that end")


def test_a_broken_record_ends_one_connection_only(gust):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    peer = trusting(gust).wrap_bio(incoming, outgoing, server_hostname="localhost")
    with socket.create_connection(("127.0.0.1", gust.port), 10) as plain:
        while True:
            try:
                peer.do_handshake()
                break
            except ssl.SSLWantReadError:
                plain.sendall(outgoing.read())
                incoming.write(plain.recv(65536))
        plain.sendall(outgoing.read())
        peer.write(b"GET /_gust/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        record = bytearray(outgoing.read())
        record[-1] ^= 1
        plain.sendall(record)
        plain.settimeout(20)
        answer = b""
        with contextlib.suppress(ConnectionError):
            while part := plain.recv(65536):
                answer += part
        assert b"HTTP" not in answer
    healthy(gust)


class Pieces:
    """A body of `size` bytes that exists a piece at a time."""

    def __init__(self, size):
        self.left, self.piece = size, os.urandom(MIB)
        self.digest = hashlib.sha256()

    def __iter__(self):
        while self.left:
            part = self.piece[: min(self.left, MIB)]
            self.left -= len(part)
            self.digest.update(part)
            yield part


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_large_bodies_stay_out_of_memory(new_gust, scheme):
    # A sanitizer keeps what was freed; here it shall not.
    options = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1:thread_local_quarantine_size_kb=64"
    gust = new_gust().start(env={"ASAN_OPTIONS": options})
    gust.client("s3").create_bucket(Bucket=f"large-{scheme}")
    if scheme == "http":
        connection = http.client.HTTPConnection("127.0.0.1", gust.port, timeout=120)
    else:
        connection = http.client.HTTPSConnection("localhost", gust.port, timeout=120, context=trusting(gust))
    headers = {"Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0",
               "x-amz-content-sha256": "UNSIGNED-PAYLOAD"}
    pid = gust.pid("daemon")

    def peak():
        return int(read(f"/proc/{pid}/status").split(b"VmHWM:")[1].split()[0]) * 1024

    with open(f"/proc/{pid}/clear_refs", "w") as f:
        f.write("5")
    before = peak()
    body = Pieces(LARGE)
    connection.request("PUT", f"/large-{scheme}/k", body=iter(body), headers={**headers, "Content-Length": str(LARGE)})
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    answer.read()
    connection.request("GET", f"/large-{scheme}/k", headers=headers)
    answer = connection.getresponse()
    digest, got = hashlib.sha256(), 0
    while part := answer.read(MIB):
        digest.update(part)
        got += len(part)
    assert (answer.status, got, digest.digest()) == (200, LARGE, body.digest.digest())
    assert peak() - before < MOST_GROWTH
    connection.request("DELETE", f"/large-{scheme}/k", headers=headers)
    assert connection.getresponse().status == 204


def strict_key(gust):
    key = json.loads((gust.state / "credentials.json").read_text())["keys"][0]
    return key["access_key_id"], key["secret_access_key"]


def refused(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"]


def test_keys_and_sessions_outlive_the_daemon_and_end_when_they_shall(new_gust):
    gust = new_gust().start(dev=False)
    root = strict_key(gust)
    iam, sts = secure_client(gust, "iam", *root), secure_client(gust, "sts", *root)
    account = sts.get_caller_identity()["Account"]
    iam.create_user(UserName="ann")
    made = iam.create_access_key(UserName="ann")["AccessKey"]
    ann = made["AccessKeyId"], made["SecretAccessKey"]
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"}]}
    role = iam.create_role(RoleName="worker", AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    c = secure_client(gust, "sts", *ann).assume_role(RoleArn=role["Arn"], RoleSessionName="job")["Credentials"]
    session = c["AccessKeyId"], c["SecretAccessKey"], c["SessionToken"]

    def who(*credentials):
        return secure_client(gust, "sts", *credentials).get_caller_identity()

    def check():
        assert who(*ann)["Arn"] == f"arn:aws:iam::{account}:user/ann"
        assert who(*session)["Arn"] == f"arn:aws:sts::{account}:assumed-role/worker/job"
        assert who(*session)["UserId"] == f"{role['RoleId']}:job"

    check()
    before = read(ca(gust))
    gust.kill("daemon")
    gust.wait_ready(times=2)
    check()
    assert read(ca(gust)) == before
    me = secure_client(gust, "sts", ann[0], "x" * 40)
    assert refused(me.get_caller_identity) == "SignatureDoesNotMatch"
    assert refused(secure_client(gust, "sts", session[0], "x" * 40, session[2]).get_caller_identity) == "SignatureDoesNotMatch"
    for token in (None, "x" * 100, session[2][:-8] + "AAAAAAA="):
        assert refused(secure_client(gust, "sts", session[0], session[1], token).get_caller_identity) == "InvalidClientTokenId"
    iam = secure_client(gust, "iam", *root)
    iam.update_access_key(UserName="ann", AccessKeyId=ann[0], Status="Inactive")
    assert refused(secure_client(gust, "sts", *ann).get_caller_identity) == "InvalidClientTokenId"
    iam.update_access_key(UserName="ann", AccessKeyId=ann[0], Status="Active")
    check()
    iam.delete_access_key(UserName="ann", AccessKeyId=ann[0])
    assert refused(secure_client(gust, "sts", *ann).get_caller_identity) == "InvalidClientTokenId"
    assert who(*session)
