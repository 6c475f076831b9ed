# SPDX-License-Identifier: Apache-2.0
"""The AWS CLI, version 1 (PyPI) and version 2 (Debian), as a new user types it. Version 1 is told by AWS_ENDPOINT_URL where
the server is; Debian's version 2 knows --endpoint-url only."""
import hashlib
import json
import os
import subprocess
import urllib.error
import urllib.request
import uuid

import pytest

from conftest import environment, installed

MIB = 1 << 20
OLD = 1_500_000_000  # LastModified has no fractions: sync would take a file of the same second for newer


class Cli:
    def __init__(self, version, server, mode):
        self.variables = environment(server, mode)
        self.version = version
        self.error = 255 if version == "v1" else 254
        self.command = [str(installed("python") / "bin/aws")] if version == "v1" else ["/usr/bin/aws", "--endpoint-url", self.variables["AWS_ENDPOINT_URL"]]
        self.variables["AWS_PAGER"] = ""

    def run(self, *arguments, status=0, **more):
        """`aws` with these arguments, as one text split at blanks or as several."""
        if len(arguments) == 1:
            arguments = arguments[0].split()
        done = subprocess.run([*self.command, *map(str, arguments)], env={**self.variables, **more}, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180)
        if done.returncode != status:
            raise AssertionError(f"{arguments}: {done.returncode}\n{done.stdout[-1000:]}\n{done.stderr[-2000:]}")
        return done

    def __call__(self, *arguments):
        return self.run(*arguments).stdout

    def json(self, *arguments):
        return json.loads(self(*arguments) or "null")

    def refused(self, code, *arguments):
        done = self.run(*arguments, status=self.error if arguments[0].split()[0] != "s3" else 1)
        assert f"({code})" in done.stderr, done.stderr


@pytest.fixture(params=["v1", "v2"])
def cli(request, servers):
    return Cli(request.param, servers["strict"], "strict-http")


@pytest.fixture
def bucket(cli):
    name = f"cli-{uuid.uuid4().hex[:8]}"
    assert cli(f"s3 mb s3://{name}") == f"make_bucket: {name}\n"
    yield name
    cli(f"s3 rb s3://{name} --force")
    assert name not in cli("s3 ls")


def fill(directory, files):
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (OLD, OLD))
    return directory


def contents(directory):
    return {str(p.relative_to(directory)): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


@pytest.mark.parametrize("mode", ["dev-http", "strict-https"])
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_gets_in(servers, tmp_path, version, mode):
    """The other ways in; all else is done in strict mode over http."""
    cli = Cli(version, servers[mode.split("-")[0]], mode)
    name = f"cli-{uuid.uuid4().hex[:8]}"
    fill(tmp_path, {"up": b"over " + mode.encode()})
    cli(f"s3 mb s3://{name}")
    cli("s3", "cp", tmp_path / "up", f"s3://{name}/file")
    assert cli("s3", "cp", f"s3://{name}/file", "-") == "over " + mode
    assert name in cli("s3 ls") and cli.json("sts get-caller-identity")["Account"]
    cli(f"s3 rb s3://{name} --force")


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_certificate_that_nobody_knows_is_not_trusted(servers, version):
    cli = Cli(version, servers["strict"], "strict-https")
    assert "Buckets" in cli.json("s3api list-buckets")
    del cli.variables["AWS_CA_BUNDLE"]
    assert "SSL validation failed" in cli.run("s3api list-buckets", status=255).stderr


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_wrong_key_gets_nothing(servers, version):
    cli = Cli(version, servers["strict"], "strict-http")
    cli("s3api list-buckets")
    cli.variables["AWS_SECRET_ACCESS_KEY"] = "wrong"
    cli.refused("SignatureDoesNotMatch", "s3api list-buckets")
    cli.refused("InvalidSignatureException", "dynamodb list-tables")
    cli.refused("SignatureDoesNotMatch", "sts get-caller-identity")
    cli.variables["AWS_ACCESS_KEY_ID"] = "AKIAIOSFODNN7EXAMPLE"
    cli.refused("InvalidAccessKeyId", "s3api list-buckets")
    cli.refused("UnrecognizedClientException", "dynamodb list-tables")
    cli.refused("InvalidClientTokenId", "sts get-caller-identity")


# --- aws s3


def test_s3_files(cli, bucket, tmp_path):
    fill(tmp_path, {"one.txt": b"1\n", "ü b.txt": b"two"})
    assert "upload: " in cli("s3", "cp", tmp_path / "one.txt", f"s3://{bucket}/a/one.txt")
    cli("s3", "cp", tmp_path / "ü b.txt", f"s3://{bucket}/a/", "--metadata", "colour=blue", "--content-type", "text/x")
    listed = cli(f"s3 ls s3://{bucket}/a/")
    assert [line.split(None, 3)[2:] for line in listed.splitlines()] == [["2", "one.txt"], ["3", "ü b.txt"]]
    assert cli(f"s3 ls s3://{bucket}").split() == ["PRE", "a/"]
    assert "Total Objects: 2" in cli(f"s3 ls s3://{bucket} --recursive --summarize --human-readable")
    head = cli.json("s3api", "head-object", "--bucket", bucket, "--key", "a/ü b.txt")
    assert (head["ContentType"], head["Metadata"], head["ContentLength"]) == ("text/x", {"colour": "blue"}, 3)
    cli(f"s3 cp s3://{bucket}/a/one.txt s3://{bucket}/b/one.txt")
    cli(f"s3 mv s3://{bucket}/b/one.txt s3://{bucket}/c.txt")
    assert cli("s3", "cp", f"s3://{bucket}/c.txt", "-") == "1\n"
    assert cli.run(f"s3 ls s3://{bucket}/b/", status=1).stdout == ""
    cli(f"s3 rm s3://{bucket}/c.txt")
    cli.refused("404", f"s3 cp s3://{bucket}/c.txt -")
    cli.refused("BucketNotEmpty", f"s3 rb s3://{bucket}")
    cli(f"s3 rm s3://{bucket} --recursive --exclude * --include *one.txt")
    assert cli(f"s3 ls s3://{bucket} --recursive").split(None, 3)[3:] == ["a/ü b.txt\n"]


def test_s3_sync(cli, bucket, tmp_path):
    files = {f"d{n % 3}/f{n}": os.urandom(n * 100) for n in range(20)}
    up = fill(tmp_path / "up", {**files, "empty": b"", "deep/er/ü +&?#.bin": b"x", "big": os.urandom(9 * MIB)})
    cli("s3", "sync", "--no-progress", up, f"s3://{bucket}/tree")
    down = tmp_path / "down"
    cli("s3", "sync", "--no-progress", f"s3://{bucket}/tree", down)
    assert contents(down) == contents(up)
    assert cli("s3", "sync", "--no-progress", up, f"s3://{bucket}/tree") == "" and cli("s3", "sync", "--no-progress", f"s3://{bucket}/tree", down) == ""
    (up / "d0/f0").unlink()
    fill(up, {"d1/f1": b"of another size" * 10})
    changed = cli("s3", "sync", "--no-progress", up, f"s3://{bucket}/tree", "--delete")
    assert changed.count("upload:") == 1 and changed.count("delete:") == 1
    cli("s3", "sync", "--no-progress", f"s3://{bucket}/tree", f"s3://{bucket}/copy")
    cli("s3", "sync", "--no-progress", f"s3://{bucket}/copy", down, "--delete")
    assert contents(down) == contents(up)


def test_s3_copies_200_mib(cli, bucket, tmp_path):
    block = os.urandom(MIB)
    source, target = tmp_path / "source", tmp_path / "target"
    with open(source, "wb") as file:
        for n in range(200):
            file.write(n.to_bytes(4, "big") + block[4:])
    cli("s3", "cp", source, f"s3://{bucket}/large", "--no-progress")
    head = cli.json("s3api", "head-object", "--bucket", bucket, "--key", "large")
    assert head["ContentLength"] == 200 * MIB and head["ETag"].endswith('-25"')
    cli("s3", "cp", f"s3://{bucket}/large", target, "--no-progress")
    digests = [hashlib.file_digest(open(f, "rb"), "sha256").hexdigest() for f in (source, target)]
    assert digests[0] == digests[1]


def plainly(url, status=200):
    """The body of an answer with this status."""
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            assert answer.status == status
            return answer.read()
    except urllib.error.HTTPError as error:
        body = error.read()
        assert error.code == status, body
        return body


def test_s3_presign(cli, bucket, tmp_path):
    fill(tmp_path, {"file": b"for all"})
    cli("s3", "cp", tmp_path / "file", f"s3://{bucket}/for all")
    url = cli("s3", "presign", f"s3://{bucket}/for all", "--expires-in", "60").strip()
    assert ("X-Amz-Expires=60" if cli.version == "v2" else "AWSAccessKeyId=") in url
    assert plainly(url) == b"for all"
    assert b"SignatureDoesNotMatch" in plainly(url.replace("for%20all", "for%20none"), 403)


def test_s3_takes_and_gives_streams(cli, bucket, tmp_path):
    data = os.urandom(9 * MIB)  # of a length that it does not know before
    up = subprocess.run([*cli.command, "s3", "cp", "-", f"s3://{bucket}/stream"], env=cli.variables, input=data, capture_output=True, timeout=180)
    assert up.returncode == 0, up.stderr
    assert cli.json("s3api", "head-object", "--bucket", bucket, "--key", "stream")["ETag"].endswith('-2"')
    down = subprocess.run([*cli.command, "s3", "cp", f"s3://{bucket}/stream", "-"], env=cli.variables, stdin=subprocess.DEVNULL, capture_output=True, timeout=180)
    assert down.stdout == data


def test_s3api(cli, bucket, tmp_path):
    fill(tmp_path, {"body": b"0123456789", "part": os.urandom(5 * MIB)})
    on = ["--bucket", bucket]
    etag = cli.json("s3api", "put-object", *on, "--key", "k", "--body", tmp_path / "body", "--tagging", "a=1", "--storage-class", "STANDARD")["ETag"]
    assert etag == '"781e5e245d69b566979b86e28d23f2c7"'
    got = cli.json("s3api", "get-object", *on, "--key", "k", "--range", "bytes=2-4", tmp_path / "out")
    assert got["ContentRange"] == "bytes 2-4/10" and (tmp_path / "out").read_bytes() == b"234"
    assert cli.json("s3api", "get-object-tagging", *on, "--key", "k")["TagSet"] == [{"Key": "a", "Value": "1"}]
    cli("s3api", "put-bucket-versioning", *on, "--versioning-configuration", "Status=Enabled")
    assert cli.json("s3api", "get-bucket-versioning", *on) == {"Status": "Enabled"}
    upload = cli.json("s3api", "create-multipart-upload", *on, "--key", "m")["UploadId"]
    tags = [cli.json("s3api", "upload-part", *on, "--key", "m", "--upload-id", upload, "--part-number", n, "--body", tmp_path / f)["ETag"] for n, f in ((1, "part"), (2, "body"))]
    assert [p["Size"] for p in cli.json("s3api", "list-parts", *on, "--key", "m", "--upload-id", upload)["Parts"]] == [5 * MIB, 10]
    parts = {"Parts": [{"PartNumber": n + 1, "ETag": t} for n, t in enumerate(tags)]}
    done = cli.json("s3api", "complete-multipart-upload", *on, "--key", "m", "--upload-id", upload, "--multipart-upload", json.dumps(parts))
    assert done["ETag"].endswith('-2"')
    cli("s3api", "delete-object", *on, "--key", "m")
    versions = cli.json("s3api", "list-object-versions", *on)
    assert [v["Key"] for v in versions["Versions"]] == ["k", "m"] and [m["Key"] for m in versions["DeleteMarkers"]] == ["m"]
    gone = {"Objects": [{"Key": v["Key"], "VersionId": v["VersionId"]} for v in versions["Versions"] + versions["DeleteMarkers"]]}
    assert len(cli.json("s3api", "delete-objects", *on, "--delete", json.dumps(gone))["Deleted"]) == 3
    cli.refused("NoSuchBucketPolicy", f"s3api get-bucket-policy --bucket {bucket}")
    cli(f"s3api wait object-not-exists --bucket {bucket} --key k")


# --- aws dynamodb, along the lines of the tutorial with the table of music


def song(artist, title, **more):
    return json.dumps({"Artist": {"S": artist}, "SongTitle": {"S": title}, **{k: {"N" if str(v).isdigit() else "S": str(v)} for k, v in more.items()}})


def test_dynamodb_tutorial(cli, tmp_path):
    table = ["--table-name", f"Music-{uuid.uuid4().hex[:8]}"]
    made = cli.json("dynamodb", "create-table", *table, "--attribute-definitions", "AttributeName=Artist,AttributeType=S", "AttributeName=SongTitle,AttributeType=S",
                    "--key-schema", "AttributeName=Artist,KeyType=HASH", "AttributeName=SongTitle,KeyType=RANGE",
                    "--provisioned-throughput", "ReadCapacityUnits=5,WriteCapacityUnits=5", "--table-class", "STANDARD")
    assert made["TableDescription"]["TableName"] == table[1]
    cli("dynamodb", "wait", "table-exists", *table)
    assert "ACTIVE" in cli("dynamodb", "describe-table", *table, "--query", "Table.TableStatus")
    for artist, title, album, awards in (("The Gusts", "Front Door", "Draughts", 1), ("The Gusts", "Open Window", "Draughts", 2), ("Calm", "Still Air", "Lull", 10)):
        cli("dynamodb", "put-item", *table, "--item", song(artist, title, AlbumTitle=album, Awards=awards))
    put = cli.json("dynamodb", "put-item", *table, "--item", song("Calm", "Low", AlbumTitle="Lull", Awards=8), "--return-consumed-capacity", "TOTAL")
    assert put == {"ConsumedCapacity": {"TableName": table[1], "CapacityUnits": 1.0}}
    key = song("The Gusts", "Front Door")
    got = cli.json("dynamodb", "get-item", "--consistent-read", *table, "--key", key)
    assert got["Item"] == json.loads(song("The Gusts", "Front Door", AlbumTitle="Draughts", Awards=1))
    updated = cli.json("dynamodb", "update-item", *table, "--key", key, "--update-expression", "SET AlbumTitle = :newval",
                       "--expression-attribute-values", '{":newval":{"S":"Updated Draughts"}}', "--return-values", "ALL_NEW")
    assert updated["Attributes"]["AlbumTitle"] == {"S": "Updated Draughts"}
    (tmp_path / "values.json").write_text('{":name": {"S": "The Gusts"}}')
    found = cli.json("dynamodb", "query", *table, "--key-condition-expression", "Artist = :name", "--expression-attribute-values", f"file://{tmp_path}/values.json")
    assert [i["SongTitle"]["S"] for i in found["Items"]] == ["Front Door", "Open Window"] and found["ScannedCount"] == 2
    cli("dynamodb", "update-table", *table, "--attribute-definitions", "AttributeName=AlbumTitle,AttributeType=S", "--global-secondary-index-updates", json.dumps(
        [{"Create": {"IndexName": "AlbumTitle-index", "KeySchema": [{"AttributeName": "AlbumTitle", "KeyType": "HASH"}],
                     "ProvisionedThroughput": {"ReadCapacityUnits": 10, "WriteCapacityUnits": 5}, "Projection": {"ProjectionType": "ALL"}}}]))
    for _ in range(60):
        status = cli.json("dynamodb", "describe-table", *table, "--query", "Table.GlobalSecondaryIndexes[0].IndexStatus")
        if status == "ACTIVE":
            break
    assert status == "ACTIVE"
    by_album = cli.json("dynamodb", "query", *table, "--index-name", "AlbumTitle-index", "--key-condition-expression", "AlbumTitle = :name",
                        "--expression-attribute-values", '{":name":{"S":"Lull"}}', "--filter-expression", "attribute_exists(Awards)")
    assert sorted(i["SongTitle"]["S"] for i in by_album["Items"]) == ["Low", "Still Air"]
    scanned = cli.json("dynamodb", "scan", *table, "--filter-expression", "Awards >= :n", "--expression-attribute-values", '{":n":{"N":"8"}}', "--page-size", "1")
    assert scanned["Count"] == 2 and scanned["ScannedCount"] == 4
    limited = cli.json("dynamodb", "scan", *table, "--max-items", "3")
    assert len(limited["Items"]) == 3
    rest = cli.json("dynamodb", "scan", *table, "--max-items", "3", "--starting-token", limited["NextToken"])
    assert len(rest["Items"]) == 1
    cli.refused("ConditionalCheckFailedException", "dynamodb", "put-item", *table, "--item", key, "--condition-expression", "attribute_not_exists(Artist)")
    batch = {table[1]: [{"DeleteRequest": {"Key": json.loads(key)}}, {"PutRequest": {"Item": json.loads(song("Calm", "New"))}}]}
    assert cli.json("dynamodb", "batch-write-item", "--request-items", json.dumps(batch)) == {"UnprocessedItems": {}}
    assert table[1] in cli.json("dynamodb list-tables")["TableNames"]
    cli("dynamodb", "delete-table", *table)
    cli("dynamodb", "wait", "table-not-exists", *table)
    cli.refused("ResourceNotFoundException", "dynamodb", "describe-table", *table)


def test_the_others(cli):
    who = cli.json("sts get-caller-identity")
    assert who["Arn"] == f"arn:aws:iam::{who['Account']}:root"
    assert "Functions" in cli.json("lambda list-functions")
    cli.refused("ResourceNotFoundException", "lambda", "invoke", "--function-name", "no-such-function", os.devnull)
