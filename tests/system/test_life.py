# SPDX-License-Identifier: Apache-2.0
"""A Gust's life: start, end, restart, two on one state directory, and hosts that are short of something."""
import concurrent.futures
import contextlib
import http.client
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import subprocess
import time

import botocore.exceptions
import crash_load
import lambda_tools
import pytest
from conftest import LONG, cgroup_prefix, cgroups_with, wait_until

BINARY = pathlib.Path(os.environ.get("GUST_BINARY", ""))
PROGRAM = ("gust", "gust-init", "gust-unpack", "share")  # what lies beside each other


def install(directory):
    """A copy of the program; the path of its binary."""
    for name in PROGRAM:
        source = BINARY.parent / name
        copy = shutil.copytree if source.is_dir() else shutil.copy2
        copy(source, directory / name)
    return directory / "gust"


def function(gust, name="life", **settings):
    lambda_tools.create(gust.client("lambda"), name, **settings)
    return name


def invoke(gust, name, event):
    answer = gust.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
    return json.loads(answer["Payload"].read())


def busy(gust):
    """Whether an environment executes something now."""
    status, body = gust.get("/_gust/ps")
    assert status == 200, body
    return any(e["state"] == "busy" for e in json.loads(body)["environments"])


@contextlib.contextmanager
def sleeping(gust, name, ms):
    """A call under way that sleeps; gives its future."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        call = pool.submit(invoke, gust, name, {"do": "sleep", "ms": ms})
        wait_until(lambda: busy(gust) or call.done(), "an invocation under way")
        yield call


def test_the_ready_line_says_where_and_who(gust):
    line = gust.ready_lines()[0].decode()
    found = re.fullmatch(r"gust ready endpoint=http://127\.0\.0\.1:(\d+) account=000000000000 credentials=(\S+)", line)
    assert found, line
    assert int(found[1]) != 0
    credentials = pathlib.Path(found[2])
    assert credentials.stat().st_mode & 0o077 == 0
    for host in ("127.0.0.1", "::1"):
        for path in ("/_gust/health", "/_localstack/health"):
            connection = http.client.HTTPConnection(host, gust.port, timeout=20)
            connection.request("GET", path)
            assert connection.getresponse().status == 200, (host, path)
    names = set(gust.members().values())
    assert {"gust-daemon", "gust-starter", "gust-remover"} <= names
    assert stat_uid(gust.pid("daemon")) == 900000 and stat_uid(gust.pid("starter")) == 0


def stat_uid(pid):
    return os.stat(f"/proc/{pid}").st_uid


def test_an_ephemeral_state_is_gone_afterwards(new_gust):
    gust = new_gust()
    command = [BINARY, "serve", "--dev", "--ephemeral", "--listen", "127.0.0.1:0", "--runtimes", gust.runtimes]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, "TMPDIR": str(gust.directory)}) as process:
        state = pathlib.Path(re.search(rb"credentials=(\S+)", process.stdout.readline())[1].decode()).parent
        assert state.parent == gust.directory and state.is_dir()
        process.terminate()
        assert process.wait(60) == 0
    assert not state.exists()
    assert cgroups_with(cgroup_prefix(str(state))) == []


def test_sigterm_lets_an_invocation_end_and_leaves_nothing(gust):
    name = function(gust, Timeout=20)
    with sleeping(gust, name, 3000) as call:
        gust.note_namespaces()
        assert gust.members() and cgroups_with(cgroup_prefix(str(gust.state)))  # what must go is there
        gust.process.terminate()
        assert call.result(60) == {"slept": 3000}
    assert gust.process.wait(60) == 0
    gust.assert_gone()
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", gust.port), 5)


def test_a_second_sigterm_ends_at_once(gust):
    name = function(gust, Timeout=60)
    with sleeping(gust, name, 50_000) as call:
        gust.note_namespaces()
        begin = time.monotonic()
        gust.process.terminate()
        wait_until(lambda: "ending: what is in flight may take 30 s" in gust.log, "the first signal noted")
        assert gust.process.poll() is None  # it waits for the call
        gust.process.terminate()
        assert gust.process.wait(20) == 0
        assert time.monotonic() - begin < 25  # neither the call nor the 30 s were waited for
        assert call.exception(20) is not None
    gust.assert_gone()


def test_sigterm_while_it_restarts_ends_it(gust):
    for _ in range(2):
        ready = len(gust.ready_lines())
        gust.kill("daemon")
        gust.wait_ready(ready + 1)
    gust.kill("starter")
    gust.process.terminate()
    assert gust.process.wait(30) == 0
    gust.assert_gone()


def test_a_killed_daemon_comes_back_on_its_port(gust):
    port = gust.port
    gust.kill("daemon")
    # The supervisor holds the socket: who comes in between waits instead of being turned away.
    status, _ = gust.get("/_gust/health", seconds=60)
    assert status == 200
    gust.wait_ready(2)
    assert gust.port == port


def test_a_second_supervisor_waits_for_the_first(new_gust):
    first = new_gust().start()
    first.client("s3").create_bucket(Bucket="kept")
    second = new_gust()
    second.start(state=first.state, wait=False)
    wait_until(lambda: "waiting for another gust" in second.log, "the second one waiting")
    assert second.process.poll() is None and second.ready_lines() == []
    first.client("s3").put_object(Bucket="kept", Key="key", Body=b"body")
    assert first.stop() == 0
    second.wait_ready()
    assert second.client("s3").get_object(Bucket="kept", Key="key")["Body"].read() == b"body"


def test_a_new_supervisor_takes_the_port_over_from_a_killed_one(new_gust):
    gust = new_gust().start()
    port = gust.port
    function(gust)
    for _ in range(5):
        invoke(gust, "life", {})
        gust.kill("supervisor")
        gust.start(listen=f"127.0.0.1:{port}")  # at once: the others may still be dying
        assert gust.port == port


def test_what_is_kept_survives_a_restart(new_gust):
    gust = new_gust().start()
    crash_load.set_up(gust)
    gust.client("s3").put_object(Bucket=crash_load.BUCKET, Key="small", Body=b"body", Metadata={"colour": "blue"})
    gust.client("s3").put_object(Bucket=crash_load.BUCKET, Key="large", Body=b"x" * 300_000)
    item = {"id": {"S": "one"}, "set": {"NS": ["1", "2.50"]}, "binary": {"B": b"\0\xff"}}
    gust.client("dynamodb").put_item(TableName=crash_load.ITEMS, Item=item)
    before = gust.client("lambda").get_function(FunctionName=crash_load.FUNCTION)
    gust.client("lambda").invoke(FunctionName=crash_load.FUNCTION, InvocationType="Event", Payload=b'{"id": "later", "flaky": true}')

    def processed():
        return set(crash_load.Checker(gust, crash_load.Ledger()).rows(crash_load.PROCESSED))

    wait_until(lambda: "tried later" in processed(), "the first attempt")
    wait_until(lambda: json.loads(gust.get("/_gust/events")[1])["in_flight"] == 0, "its end")
    assert gust.stop() == 0

    gust.start()
    got = gust.client("s3").get_object(Bucket=crash_load.BUCKET, Key="small")
    assert got["Body"].read() == b"body" and got["Metadata"] == {"colour": "blue"}
    assert gust.client("s3").get_object(Bucket=crash_load.BUCKET, Key="large")["Body"].read() == b"x" * 300_000
    assert gust.client("dynamodb").get_item(TableName=crash_load.ITEMS, Key={"id": {"S": "one"}})["Item"]["binary"] == {"B": b"\0\xff"}
    after = gust.client("lambda").get_function(FunctionName=crash_load.FUNCTION)
    assert after["Configuration"] == before["Configuration"]
    waiting = json.loads(gust.get("/_gust/events")[1])
    assert waiting["events"] == 1 and "later" not in processed()  # its next attempt is due in a minute
    assert gust.stop() == 0

    gust.start("--clock-scale", "1000")
    wait_until(lambda: "later" in processed(), "the second attempt")


@pytest.mark.parametrize("arguments, says", [
    (["--lisen", "127.0.0.1:0"], "unknown setting 'lisen'; did you mean 'listen'?"),
    (["--workers", "0"], "workers must be a number from 1 to 256, not '0'"),
    (["--workers"], "--workers needs a value"),
    (["--dev=maybe"], "dev must be true or false"),
    (["--cpu-admission", "none"], "cpu_admission must be one of overcommit|strict"),
    (["--account", "12"], "account must be twelve digits"),
    (["everything"], "unexpected argument 'everything'"),
    (["--listen", "nowhere"], "nowhere"),
    (["--listen", "127.0.0.1:70000"], "70000"),
    (["--dev", "--listen", "0.0.0.0:0"], "--dev accepts any key and is for loopback addresses only"),
    (["--listen", "127.0.0.1:0", "--state", "relative"], "state must be an absolute path, not 'relative'"),
])
def test_a_bad_setting_is_said_in_one_line(arguments, says):
    done = subprocess.run([BINARY, "serve", *arguments], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("gust: ") and done.stderr.count("\n") == 1 and says in done.stderr, done.stderr


def test_a_bad_configuration_file_is_said(tmp_path):
    file = tmp_path / "gust.toml"
    for text, says in [("portt = 1\n", "unknown setting 'portt'"), ("workers = [1]\n", "workers is neither"), ("workers = \n", "line 1")]:
        file.write_text(text)
        done = subprocess.run([BINARY, "serve", "--config", str(file)], capture_output=True, text=True, timeout=60)
        assert done.returncode == 2 and says in done.stderr and str(file) in done.stderr, done.stderr


def test_a_port_in_use_is_said(gust, new_gust):
    other = new_gust()
    other.start(listen=f"127.0.0.1:{gust.port}", wait=False)
    assert other.process.wait(60) == 1
    assert "is another gust running?" in other.log and other.log.count("\n") == 1, other.log


def test_without_root_it_says_so(new_gust):
    gust = new_gust()
    binary = install(gust.directory)
    command = [binary, "serve", "--state", gust.directory / "state", "--listen", "127.0.0.1:0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, user=65534, group=65534, extra_groups=[])
    assert done.returncode == 1 and "needs root" in done.stderr and done.stderr.count("\n") == 1, done.stderr


def test_it_works_below_a_directory_that_only_root_may_enter(new_gust):
    gust = new_gust()
    gust.directory.chmod(0o700)
    gust.binary = install(gust.directory)
    gust.runtimes = gust.directory / "runtimes"
    gust.start()
    assert stat_uid(gust.pid("daemon")) == 900000  # who may not enter
    function(gust)
    assert invoke(gust, "life", {"works": True}) == {"works": True}
    gust.client("s3").create_bucket(Bucket="large")
    gust.client("s3").put_object(Bucket="large", Key="large", Body=b"x" * 200_000)


def test_what_a_killed_one_left_is_removed_while_the_next_one_serves(new_gust):
    gust = new_gust().start()
    function(gust)
    invoke(gust, "life", {})
    others = [gust.pid(part) for part in ("starter", "remover", "daemon")]
    gust.kill("supervisor")
    for pid in others:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not gust.members(), "the end of all processes")
    left = set(cgroups_with(cgroup_prefix(str(gust.state))))
    assert left  # else there is nothing to remove
    gust.start()
    wait_until(lambda: not left & set(cgroups_with(cgroup_prefix(str(gust.state)))), "removal of what was left")
    assert invoke(gust, "life", {"again": 1}) == {"again": 1}


def test_every_start_can_start_sandboxes(new_gust):
    """What cleans up after an earlier life must keep its hands off this one."""
    gust = new_gust().start()
    function(gust)
    for _ in range(40 if LONG else 8):
        assert gust.stop() == 0
        gust.start()
        assert invoke(gust, "life", {"a": 1}) == {"a": 1}
    assert "cannot prepare a sandbox" not in gust.log, gust.tail()


def test_out_of_descriptors_others_are_served_afterwards(gust):
    s3 = gust.client("s3")
    s3.create_bucket(Bucket="kept")
    s3.put_object(Bucket="kept", Key="before", Body=b"before")  # its connection stays
    daemon, room = gust.pid("daemon"), 20
    most = len(os.listdir(f"/proc/{daemon}/fd")) + room
    # As the daemon's user, because root may lack CAP_SYS_RESOURCE.
    subprocess.run(["prlimit", f"--pid={daemon}", f"--nofile={most}:"], check=True, user=900000, group=900000, extra_groups=[])
    held = []
    try:
        for _ in range(room * 2):
            held.append(socket.create_connection(("127.0.0.1", gust.port), 10))
        wait_until(lambda: "accept failed" in gust.log, "a failing accept")
        meanwhile = refused(s3.put_object, Bucket="kept", Key="meanwhile", Body=b"x" * 200_000)
    finally:
        for connection in held:
            connection.close()
    s3 = gust.client("s3")
    kept = {o["Key"] for o in s3.list_objects_v2(Bucket="kept")["Contents"]}
    assert kept == ({"before"} if meanwhile else {"before", "meanwhile"})
    for key in kept:
        assert s3.get_object(Bucket="kept", Key=key)["Body"].read() == (b"before" if key == "before" else b"x" * 200_000)
    s3.put_object(Bucket="kept", Key="after", Body=b"x" * 200_000)
    assert "ended status" not in gust.log, "it was not by a restart"
    assert gust.log.count("accept failed") < 1000, "the log is flooded"


def test_the_daemon_may_have_as_many_descriptors_as_the_host_allows(new_gust):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    gust = new_gust().start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard)))
    limits = pathlib.Path(f"/proc/{gust.pid('daemon')}/limits").read_text()
    assert re.search(r"Max open files +(\d+) +(\d+)", limits).groups() == (str(hard), str(hard))
    function(gust)
    assert invoke(gust, "life", {"a": 1}) == {"a": 1}


@contextlib.contextmanager
def small_disk(directory, size):
    directory.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=711", "tmpfs", directory], check=True)
    try:
        yield directory
    finally:
        subprocess.run(["umount", "--lazy", directory], check=True)


def refused(operation, **arguments):
    """The error code of a request that a full disk makes fail; None where it was taken."""
    try:
        operation(**arguments)
        return None
    except botocore.exceptions.ClientError as e:
        status = e.response["ResponseMetadata"]["HTTPStatusCode"]
        assert status in (500, 503, 507) and e.response["Error"]["Message"], e.response
        return e.response["Error"]["Code"]


def checker_rows(gust):
    return crash_load.Checker(gust, crash_load.Ledger()).rows(crash_load.ITEMS)


def test_a_full_disk_refuses_and_loses_nothing(new_gust):
    gust = new_gust()
    with small_disk(gust.directory / "disk", "64m") as disk:
        gust.start(state=disk / "state")
        crash_load.set_up(gust)
        s3, dynamodb, functions = (gust.client(name) for name in ("s3", "dynamodb", "lambda"))
        kept = {}

        def put(key, body):
            code = refused(s3.put_object, Bucket=crash_load.BUCKET, Key=key, Body=body)
            if code is None:
                kept[key] = body
            return code

        def whole():
            for key, body in kept.items():
                assert s3.get_object(Bucket=crash_load.BUCKET, Key=key)["Body"].read() == body, key
            listed = s3.list_objects_v2(Bucket=crash_load.BUCKET).get("Contents", [])
            assert {o["Key"] for o in listed} >= set(kept)

        assert put("small-before", b"a" * 1000) is None and put("large-before", b"b" * 200_000) is None
        s3.put_bucket_versioning(Bucket=crash_load.VERSIONED, VersioningConfiguration={"Status": "Enabled"})
        upload = {"Bucket": crash_load.BUCKET, "Key": "parts",
                  "UploadId": s3.create_multipart_upload(Bucket=crash_load.BUCKET, Key="parts")["UploadId"]}
        first = {"PartNumber": 1, "ETag": s3.upload_part(PartNumber=1, Body=b"p" * (5 << 20), **upload)["ETag"]}
        filler = disk / "filler"
        with contextlib.suppress(OSError), open(filler, "wb", buffering=0) as f:
            while True:
                f.write(bytes(4096))
        codes = {}
        for i in range(200):  # pages of the log that were allocated before still take something
            if put(f"small-{i}", b"c" * 60_000):
                break
        codes["large"] = put("large-full", b"d" * 1_000_000)
        codes["small"] = put("small-full", b"e" * 60_000)
        codes["part"] = refused(s3.upload_part, PartNumber=2, Body=b"q" * 1_000_000, **upload)
        codes["version"] = refused(s3.put_object, Bucket=crash_load.VERSIONED, Key="v", Body=b"v" * 60_000)
        codes["batch"] = refused(dynamodb.batch_write_item, RequestItems={crash_load.ITEMS: [
            {"PutRequest": {"Item": {"id": {"S": f"batch-{i}"}, "text": {"S": "b" * 20_000}}}} for i in range(25)]})
        # Those write little: either is right, but what is acknowledged is there.
        if refused(s3.copy_object, Bucket=crash_load.BUCKET, Key="copy", CopySource=f"{crash_load.BUCKET}/large-before") is None:
            kept["copy"] = kept["large-before"]
        codes["item"] = refused(dynamodb.put_item, TableName=crash_load.ITEMS, Item={"id": {"S": "x"}, "text": {"S": "f" * 100_000}})
        codes["event"] = refused(functions.invoke, FunctionName=crash_load.FUNCTION, InvocationType="Event",
                                 Payload=json.dumps({"id": "full", "text": "g" * 200_000}))
        assert all(codes.values()), codes
        assert gust.get("/_gust/health")[0] == 200
        whole()

        filler.unlink()
        wait_until(lambda: put("after", b"h" * 200_000) is None, "writes after space was made")
        second = {"PartNumber": 2, "ETag": s3.upload_part(PartNumber=2, Body=b"r" * 1000, **upload)["ETag"]}
        s3.complete_multipart_upload(MultipartUpload={"Parts": [first, second]}, **upload)
        kept["parts"] = b"p" * (5 << 20) + b"r" * 1000
        assert "Versions" not in s3.list_object_versions(Bucket=crash_load.VERSIONED)
        assert not [key for key in checker_rows(gust) if key.startswith("batch-")]
        assert put("after-small", b"i") is None
        dynamodb.put_item(TableName=crash_load.ITEMS, Item={"id": {"S": "after"}})
        functions.invoke(FunctionName=crash_load.FUNCTION, InvocationType="Event", Payload=b'{"id": "after"}')
        checker = crash_load.Checker(gust, crash_load.Ledger())
        wait_until(lambda: "after" in checker.rows(crash_load.PROCESSED), "an event after space was made")
        whole()
        assert gust.log.count("ended status") == 0, "it was not by a restart"
        assert gust.stop() == 0
        gust.start()
        s3 = gust.client("s3")
        whole()
        assert gust.stop() == 0
        gust.assert_gone()
