# SPDX-License-Identifier: Apache-2.0
"""CloudWatch Logs over what functions printed."""
import json

import botocore.exceptions
import pytest

from lambda_tools import client, create, unique


@pytest.fixture(scope="module")
def logs():
    return client("logs")


@pytest.fixture(scope="module")
def group():
    lam = client("lambda")
    name = unique("logging")
    create(lam, name)
    for i in range(5):
        lam.invoke(FunctionName=name, Payload=json.dumps({"do": "print", "text": f"line-{i}"}))
    yield f"/aws/lambda/{name}"
    lam.delete_function(FunctionName=name)


def printed(events):
    return [e["message"].strip() for e in events if e["message"].startswith("line-")]


def test_groups_and_streams_are_listed(logs, group):
    listed = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert [g["logGroupName"] for g in listed] == [group]
    streams = logs.describe_log_streams(logGroupName=group)["logStreams"]
    assert streams and all("/[$LATEST]" in s["logStreamName"] for s in streams)


def test_a_stream_is_read_in_order(logs, group):
    texts = []
    for stream in logs.describe_log_streams(logGroupName=group)["logStreams"]:
        events = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True)["events"]
        texts += printed(events)
    assert texts == [f"line-{i}" for i in range(5)]


def test_filtering_and_paging(logs, group):
    assert printed(logs.filter_log_events(logGroupName=group, filterPattern="line -line-3")["events"]) == ["line-0", "line-1", "line-2", "line-4"]
    pages = list(logs.get_paginator("filter_log_events").paginate(logGroupName=group, filterPattern="line", PaginationConfig={"PageSize": 2}))
    assert [t for p in pages for t in printed(p["events"])] == [f"line-{i}" for i in range(5)]
    assert len(pages) >= 3


def test_unknown_groups_and_unbuilt_operations_are_errors(logs, group):
    with pytest.raises(logs.exceptions.ResourceNotFoundException) as e:
        logs.filter_log_events(logGroupName="/aws/lambda/no-such-function")
    assert e.value.response["Error"]["Message"] == "The specified log group does not exist."
    with pytest.raises(botocore.exceptions.ClientError) as e:
        logs.create_log_group(logGroupName="/mine")
    assert e.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
