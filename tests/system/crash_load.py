# SPDX-License-Identifier: Apache-2.0
"""Load for the crash tests, a ledger of every request's fate, and the checker that compares it with what is there.

A write is acknowledged, refused (an error answer) or unanswered. What was acknowledged must be there, whatever was killed;
what was not may be there whole or not at all. Each key has one writer, so its acceptable states are the last acknowledged
one and every one attempted since. What a check has seen must stay."""
import collections
import functools
import hashlib
import pathlib
import random
import subprocess
import tempfile
import threading

import botocore.exceptions
import lambda_tools
from conftest import PATIENCE, wait_until

ABSENT = "absent"
BUCKET, VERSIONED, ITEMS, INDEX, PROCESSED, FUNCTION = "crash", "crash-versions", "items", "by-group", "processed", "record"
NOTIFIED = "up/"  # keys under it are told to the function
LARGE = 200 * 1024
COPY, PARTS = "/copy", "parts-"  # keys that were made by CopyObject, and by multipart uploads


@functools.lru_cache
def package():
    source = pathlib.Path(__file__).with_name("record_function.c")
    with tempfile.TemporaryDirectory() as directory:
        program = pathlib.Path(directory, "bootstrap")
        subprocess.run(["gcc", "-D_GNU_SOURCE", "-O1", "-static", "-o", program, source], check=True)
        return lambda_tools.package(("bootstrap", program.read_bytes(), 0o100755))


@functools.lru_cache(maxsize=64)
def body_of(key, version):
    key = key.removesuffix(COPY)  # a copy has its source's body
    line = f"{key} version {version}\n".encode()
    size = LARGE + version * 97 % 5000 if "large" in key else 200 + version % 100
    return (line * (size // len(line) + 1))[:size]


@functools.lru_cache(maxsize=None)
def digest_of(key, version):
    return etag_of(key, body_of(key, version))


def etag_of(key, body):
    digest = hashlib.md5(body)
    return hashlib.md5(digest.digest()).hexdigest() + "-1" if key.startswith(PARTS) else digest.hexdigest()


class Cell:
    """One key: the state known of it and the states attempted since."""

    def __init__(self):
        self.known, self.maybe, self.last = ABSENT, [], ABSENT

    def attempted(self, state):
        self.maybe.append(state)
        self.last = state

    def acknowledged(self, state):
        self.known, self.maybe = state, []

    def accepts(self, state):
        return state == self.known or state in self.maybe

    def __str__(self):
        return f"acknowledged {self.known}, attempted since {self.maybe}"


class Ledger:
    def __init__(self):
        self.objects, self.items = collections.defaultdict(Cell), collections.defaultdict(Cell)
        self.versions = {}         # (key, version id) -> digest, of VERSIONED; None: its removal was asked for
        self.versions_tried = collections.defaultdict(set)  # key -> digests that may have become versions
        self.uploads = {}          # upload id -> key, of those that nobody has completed
        self.events = set()        # ids whose processing is due
        self.fates = collections.Counter()
        self.touched = set()       # objects since the last check


class Load:
    """Threads that write until stop(). Rounds go on with the same ledger and new keys."""

    def __init__(self, gust, ledger, seed):
        self.ledger, self.seed = ledger, seed
        self.clients = {name: gust.client(name, max_pool_connections=20) for name in ("s3", "dynamodb", "lambda")}
        self.fates, self.errors = collections.Counter(), collections.Counter()
        self.outstanding, self.ending = 0, False
        self.lock = threading.Lock()
        writers = [(self.put_objects, name) for name in ("small", "up/small", "large", "up/large")]
        writers += [(self.copy_objects, "small"), (self.copy_objects, "large"), (self.put_parts, PARTS + "large")]
        writers += [(self.put_versions, "version-small"), (self.put_versions, "version-large")]
        writers += [(self.put_items, "a"), (self.put_items, "b"), (self.invoke, "direct"), (self.invoke, "flaky")]
        self.threads = [threading.Thread(target=write, args=(f"{name}-{seed}", random.Random(f"{seed} {name}")), daemon=True)
                        for write, name in writers]
        for thread in self.threads:
            thread.start()

    def ask(self, operation, **arguments):
        return self.asked(operation, **arguments)[0]

    def asked(self, operation, **arguments):
        """The fate of one request, and its answer. The first one that gets none ends the load: its server is gone."""
        answer = None
        with self.lock:
            self.outstanding += 1
        try:
            answer = operation(**arguments)
            fate = "acknowledged"
        except botocore.exceptions.ClientError as e:
            fate = "refused"
            self.errors[str(e)] += 1
        except botocore.exceptions.EndpointConnectionError:  # nobody listens, so nothing was asked
            fate = "unsent"
        except (botocore.exceptions.BotoCoreError, OSError):  # no answer, or half of one
            fate = "unanswered"
        self.ending |= fate in ("unsent", "unanswered")
        with self.lock:
            self.outstanding -= 1
            self.fates[fate] += 1
        return fate, answer

    def write(self, cell, state, operation, **arguments):
        cell.attempted(state)
        fate = self.ask(operation, **arguments)
        if fate == "acknowledged":
            cell.acknowledged(state)
        return fate

    def put_objects(self, prefix, random):
        s3, version = self.clients["s3"], 0
        while not self.ending:
            version += 1
            key = f"{prefix}/{random.randrange(version // 3 + 1)}"  # about a third are overwritten
            cell = self.ledger.objects[key]
            self.ledger.touched.add(key)
            if version % 7 == 0:
                self.write(cell, ABSENT, s3.delete_object, Bucket=BUCKET, Key=key)
                continue
            fate = self.write(cell, version, s3.put_object, Bucket=BUCKET, Key=key, Body=body_of(key, version))
            if fate == "acknowledged" and key.startswith(NOTIFIED):
                self.ledger.events.add(event_of(key, version))

    def copy_objects(self, prefix, random):
        s3, version = self.clients["s3"], 0
        while not self.ending:
            version += 1
            source = f"copied-{prefix}/{random.randrange(version // 3 + 1)}"
            self.ledger.touched |= {source, source + COPY}
            if self.write(self.ledger.objects[source], version, s3.put_object, Bucket=BUCKET, Key=source,
                          Body=body_of(source, version)) != "acknowledged":
                continue
            self.write(self.ledger.objects[source + COPY], version, s3.copy_object, Bucket=BUCKET, Key=source + COPY,
                       CopySource={"Bucket": BUCKET, "Key": source})
            if version % 5 == 0:  # the copy lives on without its source
                self.write(self.ledger.objects[source], ABSENT, s3.delete_object, Bucket=BUCKET, Key=source)

    def put_parts(self, prefix, random):
        s3, version = self.clients["s3"], 0
        while not self.ending:
            version += 1
            key = f"{prefix}/{random.randrange(version // 3 + 1)}"
            self.ledger.touched.add(key)
            begun = self.asked(s3.create_multipart_upload, Bucket=BUCKET, Key=key)[1]
            if begun is None:
                return
            upload = {"Bucket": BUCKET, "Key": key, "UploadId": begun["UploadId"]}
            part = self.asked(s3.upload_part, PartNumber=1, Body=body_of(key, version), **upload)[1]
            if part is None:
                return
            if version % 4 == 0:  # left unfinished
                self.ledger.uploads[begun["UploadId"]] = (key, part["ETag"])
                continue
            parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
            self.write(self.ledger.objects[key], version, s3.complete_multipart_upload, MultipartUpload=parts, **upload)

    def put_versions(self, prefix, random):
        s3, version = self.clients["s3"], 0
        while not self.ending:
            version += 1
            key = f"{prefix}/{random.randrange(version // 6 + 1)}"
            self.ledger.versions_tried[key].add(digest_of(key, version))
            answer = self.asked(s3.put_object, Bucket=VERSIONED, Key=key, Body=body_of(key, version))[1]
            if answer is None:
                return
            made = (key, answer["VersionId"])
            self.ledger.versions[made] = digest_of(key, version)
            if version % 4 == 0:
                self.ledger.versions[made] = None
                if self.ask(s3.delete_object, Bucket=VERSIONED, Key=key, VersionId=made[1]) == "acknowledged":
                    del self.ledger.versions[made]
                    self.ledger.versions_tried[key].discard(digest_of(key, version))

    def put_items(self, prefix, random):
        dynamodb, version = self.clients["dynamodb"], 0
        while not self.ending:
            version += 1
            key = f"{prefix}-{self.seed}-{random.randrange(version // 3 + 1)}"
            cell = self.ledger.items[key]
            if version % 7 == 0:
                self.write(cell, ABSENT, dynamodb.delete_item, TableName=ITEMS, Key={"id": {"S": key}})
            else:
                item = {"id": {"S": key}, "version": {"N": str(version)}, "text": {"S": f"{key} {version} " * 20},
                        "group": {"S": str(version % 5)}}
                self.write(cell, version, dynamodb.put_item, TableName=ITEMS, Item=item)

    def invoke(self, prefix, random):
        number = 0
        while not self.ending:
            number += 1
            event = f"{prefix}-{number}"
            more = ', "flaky": true' if prefix.startswith("flaky") else ""
            payload = f'{{"id": "{event}"{more}}}'
            if self.ask(self.clients["lambda"].invoke, FunctionName=FUNCTION, InvocationType="Event", Payload=payload) == "acknowledged":
                self.ledger.events.add(event)

    def until(self, true, seconds=PATIENCE):
        wait_until(true, lambda: f"the load to come so far: {dict(self.fates)} {dict(self.errors)}", seconds, 0.001)

    def stop(self):
        """Nothing new is asked."""
        self.ending = True
        self.join()

    def join(self):
        """Waits for the fates of what is under way."""
        for thread in self.threads:
            thread.join(PATIENCE * 2)
            assert not thread.is_alive(), "a request has had neither answer nor error for two minutes"
        self.ledger.fates += self.fates


def event_of(key, version):
    return f"{key}@{digest_of(key, version)}"


def set_up(gust):
    """Bucket, tables, function and notification that the load uses."""
    s3, dynamodb, functions = gust.client("s3"), gust.client("dynamodb"), gust.client("lambda")
    key = {"BillingMode": "PAY_PER_REQUEST", "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]}
    attributes = [{"AttributeName": name, "AttributeType": type} for name, type in (("id", "S"), ("group", "S"), ("version", "N"))]
    dynamodb.create_table(TableName=PROCESSED, AttributeDefinitions=attributes[:1], **key)
    dynamodb.create_table(TableName=ITEMS, AttributeDefinitions=attributes, **key, GlobalSecondaryIndexes=[{
        "IndexName": INDEX, "Projection": {"ProjectionType": "KEYS_ONLY"},
        "KeySchema": [{"AttributeName": "group", "KeyType": "HASH"}, {"AttributeName": "version", "KeyType": "RANGE"}]}])
    made = lambda_tools.create(functions, FUNCTION, package(), Timeout=10, MemorySize=256)
    functions.put_function_concurrency(FunctionName=FUNCTION, ReservedConcurrentExecutions=8)
    s3.create_bucket(Bucket=BUCKET)
    s3.create_bucket(Bucket=VERSIONED)
    s3.put_bucket_versioning(Bucket=VERSIONED, VersioningConfiguration={"Status": "Enabled"})
    functions.add_permission(FunctionName=FUNCTION, StatementId="s3", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com",
                             SourceArn=f"arn:aws:s3:::{BUCKET}", SourceAccount="000000000000")
    s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration={"LambdaFunctionConfigurations": [{
        "LambdaFunctionArn": made["FunctionArn"], "Events": ["s3:ObjectCreated:*"],
        "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": NOTIFIED}]}}}]})


class Checker:
    """Compares what is there with the ledger; what it sees becomes known."""

    def __init__(self, gust, ledger):
        self.ledger = ledger
        self.s3, self.dynamodb = gust.client("s3"), gust.client("dynamodb")

    def problems(self, everything=False, patience=PATIENCE):
        """Names of everything that is lost, half made or never processed. Bodies are read of the objects written since the
        last check, or of all."""
        return (self.object_problems(everything) + self.version_problems() + self.upload_problems() + self.item_problems()
                + self.event_problems(patience))

    def rows(self, table, **index):
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=table, **index)
        return {item["id"]["S"]: item for page in pages for item in page["Items"]}

    def settle(self, kind, key, cell, state, found):
        if not cell.accepts(state):
            found.append(f"{kind} {key} is {state}; {cell}")
        cell.acknowledged(state)

    def object_problems(self, everything):
        found = []
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        listed = {o["Key"]: o for page in pages for o in page.get("Contents", [])}
        found += [f"object {key} is listed and was never asked for" for key in listed if key not in self.ledger.objects]
        for key, cell in sorted(self.ledger.objects.items()):
            if key not in listed:
                self.settle("object", key, cell, ABSENT, found)
            elif everything or key in self.ledger.touched:
                self.settle("object", key, cell, self.read(key, listed[key], cell), found)
            elif listed[key]["ETag"] != f'"{digest_of(key, cell.known)}"' if cell.known != ABSENT else True:
                found.append(f"object {key} is listed with {listed[key]['ETag']}; {cell}")
            if key.startswith(NOTIFIED) and isinstance(cell.known, int):
                self.ledger.events.add(event_of(key, cell.known))  # it is there, so its event was committed with it
        self.ledger.touched.clear()
        return found

    def read(self, key, listed, cell):
        """The version that a listed object is, or what is wrong with it."""
        try:
            answer = self.s3.get_object(Bucket=BUCKET, Key=key)
            body = answer["Body"].read()
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as e:
            return f"listed, but: {e}"
        etag = f'"{etag_of(key, body)}"'
        if not etag == answer["ETag"] == listed["ETag"] or listed["Size"] != len(body):
            return f"damaged: {len(body)} bytes with {etag}, said to be {answer['ETag']}, listed as {listed['Size']} with {listed['ETag']}"
        for state in (cell.known, *cell.maybe):
            if state != ABSENT and body == body_of(key, state):
                return state
        return f"another body: {body[:60]}"

    def item_problems(self):
        found = []
        rows = self.rows(ITEMS)
        found += [f"item {key} was never put" for key in rows if key not in self.ledger.items]
        for key, cell in sorted(self.ledger.items.items()):
            state = ABSENT
            if key in rows:
                state = int(rows[key]["version"]["N"])
                if rows[key]["text"]["S"] != f"{key} {state} " * 20:
                    state = f"damaged: {rows[key]}"
            self.settle("item", key, cell, state, found)
        indexed = self.rows(ITEMS, IndexName=INDEX)
        for key in sorted(rows.keys() | indexed.keys()):
            keys = {name: rows[key][name] for name in ("id", "group", "version")} if key in rows else None
            if keys != indexed.get(key):
                found.append(f"item {key} is {keys} and its entry in the index {indexed.get(key)}")
        return found

    def version_problems(self):
        """Every version that was acknowledged is there with its body; every other one was asked for."""
        found, versions = [], self.ledger.versions
        pages = self.s3.get_paginator("list_object_versions").paginate(Bucket=VERSIONED)
        listed = {(v["Key"], v["VersionId"]): v["ETag"].strip('"') for page in pages for v in page.get("Versions", [])}
        for made, etag in listed.items():
            if versions.get(made) not in (None, etag) or etag not in self.ledger.versions_tried[made[0]]:
                found.append(f"version {made} is {etag}, acknowledged {versions.get(made)}")
            if made not in versions:
                versions[made] = etag
                body = self.s3.get_object(Bucket=VERSIONED, Key=made[0], VersionId=made[1])["Body"].read()
                if etag_of(made[0], body) != etag:
                    found.append(f"version {made} has another body")
        for made, etag in list(versions.items()):
            if made not in listed:
                if etag is not None:
                    found.append(f"version {made} with {etag} is lost")
                del versions[made]
        return found

    def upload_problems(self):
        """Uploads that nobody completed go on, with their parts."""
        pages = self.s3.get_paginator("list_multipart_uploads").paginate(Bucket=BUCKET)
        listed = {u["UploadId"]: u["Key"] for page in pages for u in page.get("Uploads", [])}
        found = [f"upload {id} of {key} is lost" for id, (key, _) in self.ledger.uploads.items() if listed.get(id) != key]
        for id, (key, etag) in list(self.ledger.uploads.items())[-5:]:
            if id in listed:
                parts = self.s3.list_parts(Bucket=BUCKET, Key=key, UploadId=id).get("Parts", [])
                if [(p["PartNumber"], p["ETag"]) for p in parts] != [(1, etag)]:
                    found.append(f"upload {id} of {key} has the parts {parts}")
        return found

    def event_problems(self, patience):
        missing = set(self.ledger.events)

        def all_done():
            nonlocal missing
            missing -= self.rows(PROCESSED).keys()
            return not missing

        try:
            wait_until(all_done, "", patience, 0.2)
        except AssertionError:
            pass
        done = self.rows(PROCESSED)
        # Object and event are one commit: where the event of a key's last version was processed, that version must be there.
        torn = [f"event {event_of(key, cell.last)} was processed, but its object: {cell}" for key, cell in self.ledger.objects.items()
                if cell.last != ABSENT and (cell.known == ABSENT or isinstance(cell.known, int)) and cell.last != cell.known
                and event_of(key, cell.last) in done]
        return [f"event {e} was not processed" for e in sorted(missing)] + torn
