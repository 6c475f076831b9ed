# SPDX-License-Identifier: Apache-2.0
"""The command's client verbs: the built binary against a running server."""
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import threading
import time
import zipfile

import botocore.exceptions
import pytest

from lambda_tools import client, native_package, unique

GUST = os.environ.get("GUST_BINARY", "")
pytestmark = pytest.mark.skipif(not os.access(GUST, os.X_OK), reason="GUST_BINARY is the program under test")


def gust(*arguments, status=0, input=None, **variables):
    done = subprocess.run([GUST, *arguments], input=input, capture_output=True, text=True, timeout=120, env={**os.environ, **variables})
    assert done.returncode == status, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def gust_json(*arguments, **options):
    return json.loads(gust(*arguments, "--json", **options).stdout)


def output_of(*arguments):
    """Of a verb that may fail."""
    return subprocess.run([GUST, *arguments], capture_output=True, text=True, timeout=120).stdout


def eventually(look, what, seconds=30):
    until = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < until, f"waited for {what}"
        time.sleep(0.1)
    return found


@pytest.fixture(scope="module")
def lam():
    return client("lambda")


def write_code(directory):
    directory.mkdir()
    with zipfile.ZipFile(io.BytesIO(native_package())) as package:
        package.extractall(directory)  # without its mode: deploy makes it executable
    return directory


@pytest.fixture(scope="module")
def code(tmp_path_factory):
    return write_code(tmp_path_factory.mktemp("cli") / "code")


@pytest.fixture(scope="module")
def function(lam, code):
    name = unique("cli")
    gust("deploy", str(code), "--name", name, "--memory", "256", "--timeout", "5", "--env", "COLOUR=blue")
    yield name
    lam.delete_function(FunctionName=name)


# deploy


def test_deploy_makes_updates_and_leaves_alone(lam, tmp_path):
    name = unique("deployed")
    directory = write_code(tmp_path / name)
    try:
        made = gust("deploy", str(directory))
        configuration = lam.get_function_configuration(FunctionName=name)
        assert made.stdout == configuration["FunctionArn"] + "\n" and "created" in made.stderr
        assert configuration["State"] == "Active" and configuration["MemorySize"] == 128
        assert lam.invoke(FunctionName=name, Payload=b'{"a":1}')["Payload"].read() == b'{"a":1}'

        same = gust("deploy", str(directory))
        assert same.stdout == made.stdout and "unchanged" in same.stderr
        assert lam.get_function_configuration(FunctionName=name)["RevisionId"] == configuration["RevisionId"]

        options = ("--memory", "192", "--timeout", "7", "--env", "ONE=1", "--env", "TWO=x=[y] z")
        changed = gust_json("deploy", str(directory), *options)
        assert changed["action"] == "updated" and sorted(changed["changed"]) == ["Environment", "MemorySize", "Timeout"]
        configuration = lam.get_function_configuration(FunctionName=name)
        assert configuration["Environment"]["Variables"] == {"ONE": "1", "TWO": "x=[y] z"}
        assert (configuration["MemorySize"], configuration["Timeout"]) == (192, 7)
        assert gust_json("deploy", str(directory), *options)["action"] == "unchanged"

        (directory / "data").mkdir()
        (directory / "data" / "more.txt").write_text("more")
        assert gust_json("deploy", str(directory))["changed"] == ["code"]
        listed = lam.invoke(FunctionName=name, Payload=json.dumps({"do": "listdir", "path": "/var/task/data"}))
        assert "more.txt" in json.loads(listed["Payload"].read())["names"]
    finally:
        lam.delete_function(FunctionName=name)


def test_deploy_refuses_what_cannot_work(lam, tmp_path):
    directory = tmp_path / "code"
    directory.mkdir()
    (directory / "program").write_text("#!/bin/sh\n")
    name = unique("refused")
    assert "bootstrap" in gust("deploy", str(directory), "--name", name, status=1).stderr
    (directory / "bootstrap").symlink_to("/etc/passwd")
    assert "leaves the directory" in gust("deploy", str(directory), "--name", name, status=1).stderr
    assert "No such file" in gust("deploy", str(tmp_path / "none"), "--name", name, status=1).stderr
    (directory / "bootstrap").unlink()
    (directory / "bootstrap").write_text("#!/bin/sh\n")
    assert "not a name!" in gust("deploy", str(directory), "--name", "not a name!", status=1).stderr
    with pytest.raises(botocore.exceptions.ClientError):
        lam.get_function(FunctionName=name)


# invoke


def test_invoke_takes_its_event_from_anywhere(function, tmp_path):
    event = '{"text": "ü"}'
    (tmp_path / "event.json").write_text(event)
    assert gust("invoke", function, "-d", event).stdout == event
    assert gust("invoke", function, "-f", str(tmp_path / "event.json")).stdout == event
    assert gust("invoke", function, "-", input=event).stdout == event
    assert gust("invoke", function).stdout == "{}"
    assert gust("invoke", function, "-d", '{"do":"env","name":"COLOUR"}').stdout == '{"value":"blue"}'
    assert gust_json("invoke", function, "-d", "[1]")["payload"] == [1]


def test_invoke_tells_a_functions_error(function):
    done = gust("invoke", function, "-d", '{"do":"error"}', status=1)
    assert done.stdout == "" and "TestError: asked for" in done.stderr
    answer = gust_json("invoke", function, "-d", '{"do":"error"}', status=1)
    assert answer["function_error"] == "Unhandled" and answer["payload"]["errorType"] == "TestError"


def test_invoke_prints_the_log_to_standard_error(function):
    done = gust("invoke", function, "--log", "-d", '{"do":"print","text":"for the log"}')
    assert "for the log" in done.stderr and "REPORT RequestId" in done.stderr and "for the log" not in done.stdout


def test_invoke_refuses(function):
    assert "json" in gust("invoke", function, "-d", "{", status=1).stderr
    assert "Function not found" in gust("invoke", "no-such-function", status=1).stderr
    assert gust("invoke", function, "-d", "1", "-f", "x", status=2).stderr.count("\n") == 1


def test_invoke_async_answers_at_once_and_runs(function):
    mark = unique("mark")
    queued = gust("invoke", function, "--async", "-d", json.dumps({"do": "print", "text": mark}))
    assert re.fullmatch(r"[0-9a-f-]{36}\n", queued.stdout)
    assert eventually(lambda: mark in gust("logs", function).stdout, "the event's line")


# logs


def test_logs_shows_filters_and_limits(function):
    marks = [unique("line") for _ in range(5)]
    for mark in marks:
        gust("invoke", function, "-d", json.dumps({"do": "print", "text": mark}))
    found = lambda text: [m for line in text.splitlines() for m in marks if line.endswith(m)]
    assert found(gust("logs", function, "--since", "10m").stdout) == marks
    assert found(gust("logs", function, "--filter", marks[2]).stdout) == marks[2:3]
    limited = gust("logs", function, "--filter", "line", "--limit", "2").stdout.splitlines()
    assert len(limited) == 2 and found("\n".join(limited)) == marks[3:]
    events = [json.loads(line) for line in gust("logs", function, "--filter", marks[4], "--json").stdout.splitlines()]
    assert [e["message"].strip() for e in events] == [marks[4]] and "[$LATEST]" in events[0]["stream"]


def test_logs_follows_without_losing_or_repeating(function):
    follower = subprocess.Popen([GUST, "logs", function, "--follow", "--since", "1s", "--filter", "followed"], stdout=subprocess.PIPE, text=True)
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(follower.stdout))
    reader.start()
    try:
        marks = [unique("followed") for _ in range(20)]
        for mark in marks:
            gust("invoke", function, "-d", json.dumps({"do": "print", "text": mark}))
        time.sleep(2)  # polls that must not repeat anything
    finally:
        follower.terminate()
        reader.join()
    assert [line.split()[-1] for line in lines] == marks


def test_logs_of_nobody(function):
    assert "has not run yet" in gust("logs", "no-such-function", status=1).stderr
    assert "10m" in gust("logs", function, "--since", "soon", status=2).stderr


# ps, explain, events, compat


def test_ps_lists_environments(function):
    gust("invoke", function)
    mine = [e for e in gust_json("ps")["environments"] if e["function"] == function]
    assert mine and mine[0]["state"] == "idle" and mine[0]["memory_mb"] == 256 and mine[0]["executions"] >= 1
    text = gust("ps").stdout
    assert re.search(rf"^{mine[0]['environment']} +{function} +idle +256 ", text, re.M)


def value_of(source, name):
    """What the kernel says: a line of /proc/PID/status, or a file with one value."""
    text = pathlib.Path(source).read_text()
    if source.endswith("/status"):
        return next(line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith(name + ":"))
    return text.strip()


def test_explain_says_what_the_kernel_enforces(lam, function):
    gust("invoke", function)
    explained = gust_json("explain", function)
    assert explained["function"] == function
    settings = {s["source"]: s["value"] for s in explained["settings"]}
    configuration = lam.get_function_configuration(FunctionName=function)
    assert settings["MemorySize"] == configuration["MemorySize"] == 256 and settings["Timeout"] == configuration["Timeout"] == 5
    environment = explained["environments"][0]
    assert environment["state"] == "idle" and os.path.exists(f"/proc/{environment['host_pid']}")
    compared = 0
    for entry in environment["values"]:
        now = value_of(entry["source"], entry["name"])
        if "peak" in entry["name"]:  # may have grown since
            assert int(now) >= int(entry["value"]) > 0
        else:
            assert re.sub(r"\s+", " ", now) == re.sub(r"\s+", " ", str(entry["value"])), entry
        compared += 1
    assert compared >= 8
    by_file = {os.path.basename(e["source"]): e["value"] for e in environment["values"] if e["source"].startswith("/sys/")}
    assert int(by_file.get("memory.max") or by_file["memory.limit_in_bytes"]) == 256 << 20
    quota, period = str(by_file.get("cpu.max") or f"{by_file['cpu.cfs_quota_us']} {by_file['cpu.cfs_period_us']}").split()
    assert abs(int(quota) / int(period) - 256 / 1769) < 0.01
    assert int(by_file["pids.max"]) > 0
    status = {e["name"]: e["value"] for e in environment["values"] if e["source"].endswith("/status")}
    assert status["NoNewPrivs"] == "1" and int(status["CapEff"], 16) == 0 and status["Seccomp"] == "2"
    assert all(int(uid) != 0 for uid in status["Uid"].split())


def test_explain_for_people_names_each_source(function):
    gust("invoke", function)
    text = gust("explain", function).stdout
    for part in (function, "MemorySize", "/proc/", "/sys/fs/cgroup"):
        assert part in text
    arn = gust_json("explain", function)["arn"]
    assert gust_json("explain", arn)["function"] == function
    assert "no-such-function" in gust("explain", "no-such-function", status=1).stderr


def test_events_counts_what_waits():
    assert gust_json("events")["events"] >= 0
    assert "events" in gust("events").stdout


def test_compat_lists_operations():
    document = gust_json("compat")
    assert "Invoke" in document["lambda"]["built"] and document["lambda"]["refused"]
    assert set(gust_json("compat", "lambda")["built"]) == set(document["lambda"]["built"])
    page = gust("compat", "--markdown").stdout
    assert page.startswith("# ") and "`Invoke`" in page
    assert "lambda" in gust("compat", "no-such-service", status=1).stderr


# services


def test_a_service_runs_logs_and_stops(tmp_path):
    name, directory = unique("service"), tmp_path / "code"
    directory.mkdir()
    (directory / "program").write_text('#!/bin/sh\necho "up $COLOUR $1"\nprintf "\\033[2J\\n"\necho end\nexec sleep 1000\n')
    assert "executable" in gust("service", "run", name, "--type", "c4.large", str(directory), status=1).stderr
    assert "c4.large" in gust("service", "run", name, "--type", "c4.tiny", str(directory), "--", "/var/task/program", status=1).stderr
    (directory / "program").chmod(0o755)
    assert name in gust("service", "run", name, "--type", "c4.large", "--env", "COLOUR=red", str(directory), "--", "/var/task/program", "--x").stdout
    try:
        mine = lambda: [s for s in gust_json("service", "ls")["services"] if s["name"] == name]
        eventually(lambda: mine()[0]["state"] == "running", "the service")
        assert mine()[0]["instance_type"] == "c4.large"
        assert re.search(rf"^{name} +running +c4.large ", gust("service", "ls").stdout, re.M) and name in gust("ps").stdout
        assert name in gust("ps").stdout
        log = eventually(lambda: output_of("service", "logs", name, "--filter", "end") and output_of("service", "logs", name), "its lines")
        assert "up red --x" in log and "\\x1b[2J" in log and "\x1b" not in log  # what a program prints cannot move the cursor
        again = gust("service", "run", name, "--type", "c4.large", str(directory), status=1)
        assert "already" in again.stderr
    finally:
        gust("service", "stop", name)
    assert all(s["state"] == "stopped" for s in mine())
    assert name in gust("service", "stop", "no-" + name, status=1).stderr


# env, aws, doctor, use


def test_env_is_for_eval():
    out = subprocess.run(["sh", "-c", f'eval "$({GUST} env)"; echo "$AWS_ENDPOINT_URL $AWS_DEFAULT_REGION"'], capture_output=True, text=True, check=True)
    assert out.stdout.split() == [os.environ["GUST_ENDPOINT"], os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"]
    assert gust_json("env")["AWS_ENDPOINT_URL"] == os.environ["GUST_ENDPOINT"]
    assert gust_json("env", "--endpoint", "http://127.0.0.1:9", "--region", "eu-west-1")["AWS_REGION"] == "eu-west-1"


@pytest.mark.skipif(not shutil.which("aws"), reason="the AWS CLI is not installed")
def test_aws_runs_the_aws_cli_against_this_server(function):
    out = gust("aws", "lambda", "get-function-configuration", "--function-name", function, "--output", "json")
    assert json.loads(out.stdout)["MemorySize"] == 256
    missing = subprocess.run([GUST, "aws", "lambda", "get-function", "--function-name", "no-such-function"], capture_output=True, text=True)
    assert missing.returncode in (254, 255) and "Function not found" in missing.stderr  # the AWS CLI's own status, versions 2 and 1


def test_aws_missing_is_said(tmp_path):
    assert "awscli" in gust("aws", "s3", "ls", status=1, PATH=str(tmp_path)).stderr
    assert "gust aws" in gust("aws", status=2).stderr


def test_doctor_finds_what_the_server_needs():
    document = gust_json("doctor")
    assert document["usable"] and {c["name"] for c in document["checks"]} >= {"kernel", "cgroups", "namespaces", "seccomp"}
    assert "cgroups" in gust("doctor").stdout


def test_wrong_use_is_2_and_one_line():
    for arguments in (["no-such-verb"], ["deploy"], ["ps", "extra"], ["service"], ["logs", "x", "--", "y"], ["deploy", ".", "--env", "X"]):
        done = gust(*arguments, status=2)
        assert done.stdout == "" and done.stderr.startswith("gust: ") and done.stderr.count("\n") == 1
    assert "Usage" in gust(status=2).stderr


@pytest.mark.parametrize("verb", ["", "deploy", "invoke", "logs", "ps", "explain", "events", "compat", "service run", "exp run", "env", "aws", "doctor"])
def test_every_verb_has_help(verb):
    text = gust(*verb.split(), "--help").stdout
    assert "Usage: gust" in text and f" gust {verb}".rstrip() in text.split("Usage:")[1]
    assert gust("help", *verb.split()).stdout == text or verb == ""


def test_nobody_listening_says_what_to_do():
    assert "gust serve" in gust("--endpoint", "http://127.0.0.1:1", "ps", status=1).stderr
    assert "http" in gust("--endpoint", "localhost", "ps", status=1).stderr


def test_a_full_disk_is_a_failure():
    with open("/dev/full", "w") as full:
        done = subprocess.run([GUST, "compat", "--json"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1 and "cannot write" in done.stderr


def test_the_page_of_differences_is_current():
    page = pathlib.Path(__file__).parents[2] / "docs/aws-differences.md"
    assert gust("compat", "--markdown").stdout == page.read_text(), "run: gust compat --markdown >docs/aws-differences.md"
