# SPDX-License-Identifier: Apache-2.0
"""One story, told by each client in its own words and compared step by step. Written so that it would pass on AWS."""
import urllib.error
import urllib.request

import boto3
import pytest

from conftest import COMMANDS, LONG, MODES, Gust

STEPS = {
    "bucket": "is absent, is created, waited for, listed, located",
    "object": "put, get with a range, head, copy, delete; odd characters in the key, metadata, no byte at all",
    "shape": "uploads in each form that this client has",
    "multipart": "17 MiB by the client's own transfer manager, both ways; an upload is listed and aborted",
    "list": "in pages, by prefix and delimiter; deletes many at once",
    "presigned": "put and get by URL and plain HTTP; a spoiled signature is refused",
    "conditional_put": "only where there is none; conditions of reads",
    "tags": "of an object, with the upload and after it; a bucket without",
    "versions": "old ones, a delete marker and its removal",
    "s3_errors": "are this SDK's own classes",
    "remove_bucket": "empties it of all versions",
    "table": "with an index, waited for, described, listed in pages",
    "items": "of every type; update expressions; what is returned",
    "batch": "25 writes, 3 reads, 26 refused",
    "query": "in pages, by the index backwards, filtered",
    "scan": "in pages and in segments",
    "condition": "that fails is this SDK's own class",
    "dynamodb_errors": "are this SDK's own classes, with DynamoDB's texts",
    "remove_table": "and waits for its end",
    "identity": "of the caller",
    "functions": "are listed; a missing one is this SDK's own class",
}


# Every client verified, one of each kind in the other modes too: what differs there is the way in, not the operations.
OTHERS = ("boto3", "js_v3", "go_v2", "java_v2")
NAMED = ("js_v3", "java_v2")  # these put the bucket before a name, the others do so on request only
PAIRS = [(c, m) for c in COMMANDS for m in MODES if LONG or m == "strict-http" or c in OTHERS] + [(c, "strict-name") for c in NAMED]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("client,mode", PAIRS)
def test_story(stories, client, mode, step):
    told = stories[client, mode].result()
    assert step in told.steps, f"it ended with status {told.status} and without this step:\n{told.output}"
    assert told.steps[step]["ok"], told.steps[step]["error"]


@pytest.mark.parametrize("client", COMMANDS)
def test_no_step_is_left_out(stories, client):
    told = stories[client, "strict-http"].result()
    assert list(told.steps) == list(STEPS) and told.status == 0, told.output


@pytest.mark.parametrize("client,mode", [(c, "strict-name") for c in NAMED])
def test_the_bucket_was_in_the_name(stories, recorder, client, mode):
    host = f"story-{stories[client, mode].result().tag}.localhost:{recorder.port}"
    heads = [h for h in recorder.heads("/shape/") if h[2].get("host") == host]
    assert heads and all(h[1].startswith("/shape/") for h in heads)


def test_version_2_of_signatures_is_off_unless_asked_for(request):
    """As on AWS in its newer regions; the stories' server has it on, because boto3 and JS v2 sign URLs so of themselves."""
    server = Gust("default")
    request.addfinalizer(server.stop)
    access, secret = server.keys
    s3 = boto3.client("s3", endpoint_url=f"http://{server.address}", region_name="us-east-1", aws_access_key_id=access, aws_secret_access_key=secret)
    s3.create_bucket(Bucket="story")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(s3.generate_presigned_url("list_objects_v2", Params={"Bucket": "story"}), timeout=30)
    assert refused.value.code == 400 and b"Please use AWS4-HMAC-SHA256." in refused.value.read()
