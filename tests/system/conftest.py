# SPDX-License-Identifier: Apache-2.0
"""Gusts for the system tests: started, killed by part, stopped, and searched for what they leave behind.

new_gust() makes one with a state directory of its own; `gust` is one that runs for a test, `shared_gust` for a module. All
are stopped at the end, which fails the test where a process, mount, control group, namespace or loop device is left or a
sanitizer has complained."""
import contextlib
import glob
import http.client
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid

import boto3
import botocore.config
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "api"))

LONG = os.environ.get("GUST_LONG") == "1"
MARK = "SYSTEM_TEST_MARK"  # in the environment of all processes that fork from the supervisor
PARTS = ("supervisor", "starter", "remover", "daemon")
COMPLAINTS = re.compile(r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:|check failed")
NAMESPACES = ("net", "mnt", "pid", "user", "ipc", "uts", "cgroup")
# A start with sanitizers on two busy cores takes its time; waits end as soon as what they wait for is there.
PATIENCE = 60


def wait_until(true, what, seconds=PATIENCE, every=0.02):
    end = time.monotonic() + seconds
    while not (value := true()):
        if time.monotonic() > end:
            raise AssertionError(f"{seconds} s without: {what() if callable(what) else what}")
        time.sleep(every)
    return value


def read(path):
    """The bytes of a file of /proc or /sys; empty where it is gone."""
    try:
        return pathlib.Path(path).read_bytes()
    except OSError:
        return b""


def link(path):
    try:
        return os.readlink(path)
    except OSError:
        return ""


def processes():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def stat_of(pid):
    """(name, state, parent) or None."""
    text = read(f"/proc/{pid}/stat").decode(errors="replace")
    if not text:
        return None
    state, parent = text[text.rindex(")") + 2 :].split()[:2]
    return text[text.index("(") + 1 : text.rindex(")")], state, int(parent)


def namespaces_of(pid):
    found = {link(f"/proc/{pid}/ns/{kind}") for kind in NAMESPACES}
    for fd in glob.glob(f"/proc/{pid}/fd/*"):
        target = link(fd)
        if target.split(":")[0] in NAMESPACES:
            found.add(target)
    return found - {""}


def cgroup_prefix(state):
    """How the warden names the control groups of a state directory (src/sandbox/warden_names.h)."""
    value = 14695981039346656037
    for byte in os.fsencode(state):
        value = (value ^ byte) * 1099511628211 % 2**64
    return f"gust-{(value ^ value >> 32) % 2**32:08x}-"


def cgroups_with(prefix):
    return [d for pattern in ("/sys/fs/cgroup/", "/sys/fs/cgroup/*/") for d in glob.glob(pattern + prefix + "*")]


class Gust:
    """One state directory and the `gust serve` that runs on it now, if any."""

    def __init__(self, directory, runtimes, binary=None):
        self.directory = pathlib.Path(directory)
        self.state = self.directory / "state"
        self.runtimes = runtimes
        self.binary = pathlib.Path(binary or os.environ["GUST_BINARY"])
        self.mark = uuid.uuid4().hex
        self.process = None
        self.lives = 0
        self._namespaces = set()

    # --- starting -------------------------------------------------------------------------------------------------
    def start(self, *arguments, env=None, state=None, listen="127.0.0.1:0", dev=True, wait=True, **popen):
        """`gust serve` with these arguments besides; wait: until it says that it is ready."""
        assert self.process is None or self.process.poll() is not None, "still running"
        self.state = pathlib.Path(state or self.state)
        self.lives += 1
        self._out = self.directory / f"ready-{self.lives}"
        self._log = self.directory / f"log-{self.lives}"
        command = [str(self.binary), "serve", "--state", str(self.state), "--listen", listen, "--runtimes", str(self.runtimes)]
        command += (["--dev"] if dev else []) + list(arguments)
        environment = {**os.environ, MARK: self.mark, **(env or {})}
        with open(self._out, "wb") as out, open(self._log, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=log, env=environment, **popen)
        if wait:
            self.wait_ready()
        return self

    def ready_lines(self):
        return re.findall(rb"^gust ready .*$", read(self._out), re.M)

    def wait_ready(self, times=1, seconds=PATIENCE):
        """Until the daemon of this supervisor has become ready so many times."""
        wait_until(lambda: len(self.ready_lines()) >= times or self.process.poll() is not None, "ready line in:\n" + self.tail(), seconds)
        if len(self.ready_lines()) < times:
            raise AssertionError(f"gust ended with status {self.process.returncode}:\n{self.tail()}")

    # --- talking --------------------------------------------------------------------------------------------------
    @property
    def endpoint(self):
        return re.search(rb"endpoint=(\S+)", self.ready_lines()[-1]).group(1).decode()

    @property
    def port(self):
        return int(self.endpoint.rsplit(":", 1)[1])

    def client(self, service, attempts=1, **config):
        """A boto3 client that asks once, so that every request has one fate."""
        settings = {"retries": {"total_max_attempts": attempts}, "read_timeout": 60, "connect_timeout": 10, **config}
        return boto3.client(service, endpoint_url=self.endpoint, region_name="us-east-1", aws_access_key_id="test",
                            aws_secret_access_key="test", config=botocore.config.Config(**settings))

    def get(self, path, seconds=20):
        """(status, body) of a GET without SDK; signed as --dev wants it."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)
        with contextlib.closing(connection):
            connection.request("GET", path, headers={"Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, "
                                                                      "SignedHeaders=host, Signature=0"})
            answer = connection.getresponse()
            return answer.status, answer.read()

    # --- processes ------------------------------------------------------------------------------------------------
    def members(self):
        """{pid: name} of every process of this Gust that has not ended, whoever its parent is now."""
        found = {}
        in_groups = {int(pid) for group in cgroups_with(cgroup_prefix(str(self.state)))
                     for procs in glob.glob(group + "/**/cgroup.procs", recursive=True) for pid in read(procs).split()}
        wanted = f"{MARK}={self.mark}".encode()
        for pid in processes():
            if pid in in_groups or wanted in read(f"/proc/{pid}/environ").split(b"\0"):
                stat = stat_of(pid)
                if stat and stat[1] not in "ZX":
                    found[pid] = stat[0]
        return found

    def pid(self, part):
        """Of "supervisor", "starter", "remover" or "daemon"; None where it does not run."""
        if part == "supervisor":
            return self.process.pid if self.process and self.process.poll() is None else None
        for pid, name in self.members().items():
            if name == "gust-" + part and stat_of(pid) and stat_of(pid)[2] == self.process.pid:
                return pid
        return None

    def kill(self, part, sig=signal.SIGKILL):
        pid = wait_until(lambda: self.pid(part), f"a {part} to kill")
        os.kill(pid, sig)
        if part == "supervisor" and sig == signal.SIGKILL:
            self.process.wait()
        return pid

    def note_namespaces(self):
        for pid in self.members():
            self._namespaces |= namespaces_of(pid)

    # --- the end --------------------------------------------------------------------------------------------------
    def stop(self, seconds=PATIENCE, sig=signal.SIGTERM):
        """Ends it as an administrator does; its exit status."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.note_namespaces()
            self.process.send_signal(sig)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                raise AssertionError(f"{seconds} s after signal {sig} it still runs: {self.members()}\n{self.tail()}") from None
        return self.process.returncode

    def leftovers(self):
        """What there is of this Gust; nothing, once it has ended."""
        found = [f"process {pid} {name}" for pid, name in self.members().items()]
        found += [f"control group {d}" for d in cgroups_with(cgroup_prefix(str(self.state)))]
        own = self._namespaces - namespaces_of("self")
        roots = {str(self.state), os.path.realpath(self.state)}
        seen_mounts = set()
        for pid in processes():
            if self._of_another(pid):  # namespaces' numbers are used again
                continue
            found += [f"namespace {n} in process {pid} {(stat_of(pid) or '?')[0]}" for n in namespaces_of(pid) & own]
            if (view := link(f"/proc/{pid}/ns/mnt")) in seen_mounts:
                continue
            seen_mounts.add(view)
            for line in read(f"/proc/{pid}/mountinfo").decode(errors="replace").splitlines():
                root, point = line.split()[3:5]
                if point not in roots and any((p + "/").startswith(r + "/") for p in (root, point) for r in roots):
                    found.append(f"mount {line} in process {pid}")
        for backing in glob.glob("/sys/block/loop*/loop/backing_file"):
            if any(read(backing).decode(errors="replace").startswith(root + "/") for root in roots):
                found.append(f"loop device {backing}: {read(backing).decode().strip()}")
        return found

    def _of_another(self, pid):
        marks = [v for v in read(f"/proc/{pid}/environ").split(b"\0") if v.startswith(MARK.encode() + b"=")]
        groups = re.findall(rb"/(gust-[0-9a-f]{8}-)", read(f"/proc/{pid}/cgroup"))
        return any(not m.endswith(self.mark.encode()) for m in marks) or any(g.decode() != cgroup_prefix(str(self.state)) for g in groups)

    def assert_gone(self, seconds=20):
        with contextlib.suppress(AssertionError):
            wait_until(lambda: not self.leftovers(), "an end of everything", seconds, 0.1)
        assert self.leftovers() == [], "left behind"

    def close(self):
        """Ends what runs and asserts that nothing is left and no sanitizer complained."""
        try:
            if self.process and self.process.poll() is None:
                status = self.stop()
                assert status == 0, f"ended with status {status}:\n{self.tail()}"
            if self.process:
                self.assert_gone()
            self.assert_quiet()
        finally:
            for pid in self.members():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            for group in cgroups_with(cgroup_prefix(str(self.state))):  # after a failure; the host shall not pay for it
                for directory in sorted(glob.glob(group + "/*/"), reverse=True) + [group]:
                    with contextlib.suppress(OSError):
                        os.rmdir(directory)

    # --- the log --------------------------------------------------------------------------------------------------
    @property
    def log(self):
        """Of all lives."""
        return "".join(read(self.directory / f"log-{life}").decode(errors="replace") for life in range(1, self.lives + 1))

    def tail(self, lines=30):
        return "\n".join(self.log.splitlines()[-lines:])

    def assert_quiet(self):
        complaint = COMPLAINTS.search(self.log)
        assert not complaint, f"in the log:\n{self.log[complaint.start():][:4000]}"


@pytest.fixture(scope="session")
def work():
    """Where state directories lie: any user may pass through, because daemons and sandboxes are others than root."""
    given = os.environ.get("GUST_SYSTEM_WORK")
    path = pathlib.Path(tempfile.mkdtemp(prefix="gust-system-", dir=given))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def runtimes(work):
    return work / "runtimes"


@contextlib.contextmanager
def gusts(work, runtimes):
    made = []

    def make(**arguments):
        directory = pathlib.Path(tempfile.mkdtemp(prefix="test-", dir=work))
        directory.chmod(0o711)
        made.append(Gust(directory, runtimes, **arguments))
        return made[-1]

    try:
        yield make
    finally:
        problems = []
        for one in made:
            with contextlib.suppress(AssertionError):  # close() says it again
                one.stop()
        for one in made:
            try:
                one.close()
            except AssertionError as e:
                problems.append(str(e))
            shutil.rmtree(one.directory, ignore_errors=True)
        assert not problems, "\n".join(problems)


@pytest.fixture
def new_gust(work, runtimes):
    with gusts(work, runtimes) as make:
        yield make


@pytest.fixture
def gust(new_gust):
    return new_gust().start()


@pytest.fixture(scope="module")
def shared_gust(work, runtimes):
    with gusts(work, runtimes) as make:
        yield make().start()
