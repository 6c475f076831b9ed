# SPDX-License-Identifier: Apache-2.0
"""Invocations of a native function through boto3."""
import base64
import json
import time

import botocore.exceptions
import pytest

from lambda_tools import client, create, native_package, package, unique


@pytest.fixture(scope="module")
def lam():
    return client("lambda")


@pytest.fixture(scope="module")
def native(lam):
    name = unique("native")
    create(lam, name, Timeout=3, MemorySize=256, Environment={"Variables": {"COLOUR": "blue"}})
    yield name
    lam.delete_function(FunctionName=name)


def invoke(lam, name, event, **arguments):
    answer = lam.invoke(FunctionName=name, Payload=json.dumps(event), **arguments)
    text = answer["Payload"].read()
    return answer, json.loads(text) if text else None


def test_an_event_comes_back(lam, native):
    answer, value = invoke(lam, native, {"hello": ["world", 1, None, "ü"]})
    assert value == {"hello": ["world", 1, None, "ü"]}
    assert answer["StatusCode"] == 200 and answer["ExecutedVersion"] == "$LATEST"
    assert "FunctionError" not in answer and "LogResult" not in answer


def test_an_environment_serves_again(lam, native):
    counts = [invoke(lam, native, {"do": "count"})[1]["count"] for _ in range(5)]
    assert counts[-1] - counts[0] == 4


def test_large_events_and_answers(lam, native):
    event = {"text": "x" * (6 * 1024 * 1024 - 100)}
    assert invoke(lam, native, event)[1] == event
    with pytest.raises(botocore.exceptions.ClientError) as e:
        invoke(lam, native, {"text": "x" * (6 * 1024 * 1024)})
    assert e.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413


def test_variables(lam, native):
    for name, expected in [("COLOUR", "blue"), ("AWS_LAMBDA_FUNCTION_NAME", native), ("AWS_REGION", "us-east-1"), ("_HANDLER", "bootstrap")]:
        assert invoke(lam, native, {"do": "env", "name": name})[1] == {"value": expected}
    assert invoke(lam, native, {"do": "env", "name": "NO_SUCH_VARIABLE"})[1] == {"value": None}


def test_a_reported_error_is_200_with_the_header(lam, native):
    answer, value = invoke(lam, native, {"do": "error"})
    assert answer["StatusCode"] == 200 and answer["FunctionError"] == "Unhandled"
    assert value["errorType"] == "TestError" and value["errorMessage"] == "asked for"


def test_a_crash_is_reported_and_the_next_call_works(lam, native):
    answer, value = invoke(lam, native, {"do": "crash"})
    assert answer["FunctionError"] == "Unhandled"
    assert value["errorType"] == "Runtime.ExitError" and "signal: aborted" in value["errorMessage"]
    answer, value = invoke(lam, native, {"do": "exit", "status": 3})
    assert value["errorType"] == "Runtime.ExitError" and "exit status 3" in value["errorMessage"]
    assert invoke(lam, native, {"ok": 1})[1] == {"ok": 1}


def test_a_timeout_is_reported_and_the_next_call_works(lam, native):
    begin = time.monotonic()
    answer, value = invoke(lam, native, {"do": "sleep", "ms": 20000})
    assert time.monotonic() - begin < 15
    assert answer["FunctionError"] == "Unhandled" and value["errorType"] == "Sandbox.Timedout"
    assert value["errorMessage"].endswith("Error: Task timed out after 3.00 seconds")
    assert invoke(lam, native, {"ok": 1})[1] == {"ok": 1}


def test_the_log_tail_has_the_platform_lines(lam, native):
    answer, value = invoke(lam, native, {"do": "print", "text": "printed-text"}, LogType="Tail")
    tail = base64.b64decode(answer["LogResult"]).decode()
    request = answer["ResponseMetadata"]["RequestId"]
    assert value == {"request": request}
    for text in (f"START RequestId: {request} Version: $LATEST", "printed-text", f"END RequestId: {request}", f"REPORT RequestId: {request}"):
        assert text in tail
    assert "Memory Size: 256 MB" in tail


def test_the_client_context_reaches_the_function(lam, native):
    context = base64.b64encode(json.dumps({"custom": {"k": "v"}}).encode()).decode()
    assert invoke(lam, native, {"do": "context"}, ClientContext=context)[1] == {"custom": {"k": "v"}}


def test_dry_run_and_bad_events(lam, native):
    assert lam.invoke(FunctionName=native, InvocationType="DryRun")["StatusCode"] == 204
    with pytest.raises(lam.exceptions.InvalidRequestContentException):
        lam.invoke(FunctionName=native, Payload="{not json")
    assert lam.invoke(FunctionName=native)["Payload"].read() == b"{}"


def test_an_event_is_accepted_and_runs_later(lam, native):
    logs = client("logs")
    mark = unique("async")
    answer = lam.invoke(FunctionName=native, InvocationType="Event", Payload=json.dumps({"do": "print", "text": mark}))
    assert answer["StatusCode"] == 202 and answer["Payload"].read() == b""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if logs.filter_log_events(logGroupName=f"/aws/lambda/{native}", filterPattern=f'"{mark}"')["events"]:
            return
        time.sleep(0.1)
    pytest.fail("the event did not run")


def test_a_package_without_bootstrap_fails_at_invoke(lam):
    name = unique("empty")
    create(lam, name, code=package(("readme.txt", b"x", 0o100644)))
    try:
        answer, value = invoke(lam, name, {})
        assert answer["FunctionError"] == "Unhandled" and value["errorType"] == "Runtime.InvalidEntrypoint"
    finally:
        lam.delete_function(FunctionName=name)


def test_new_settings_hold_at_the_next_call(lam):
    name = unique("update")
    create(lam, name, Environment={"Variables": {"STEP": "1"}})
    try:
        assert invoke(lam, name, {"do": "env", "name": "STEP"})[1] == {"value": "1"}
        lam.update_function_configuration(FunctionName=name, Environment={"Variables": {"STEP": "2"}})
        assert invoke(lam, name, {"do": "env", "name": "STEP"})[1] == {"value": "2"}
        lam.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
        with pytest.raises(lam.exceptions.TooManyRequestsException) as e:
            invoke(lam, name, {})
        assert e.value.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    finally:
        lam.delete_function(FunctionName=name)


def test_code_is_read_only(lam, native):
    assert invoke(lam, native, {"do": "write"})[1] == {"written": False}
    assert "bootstrap" in invoke(lam, native, {"do": "listdir", "path": "/var/task"})[1]["names"]
