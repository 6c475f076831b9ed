# SPDX-License-Identifier: Apache-2.0
"""Gusts for the clients and the clients themselves, as tests/clients/run has installed them.

A mode is one way to get in: "dev-http" (any key), "strict-http" (the root key, signatures verified, those of version 2 in URLs
too: it is what half of the clients send), "strict-https" (the same with our own CA) and "strict-name" (over http by the name
localhost, where some clients put the bucket before the name). Each client tells its story in a process of its own; the stories
run two at a time, beside the tests."""
import collections
import concurrent.futures
import contextlib
import json
import os
import pathlib
import re
import subprocess
import time
import uuid

import pytest

from recorder import Recorder

HERE = pathlib.Path(__file__).parent
WORK = pathlib.Path(os.environ["GUST_CLIENTS_WORK"])
LONG = os.environ.get("GUST_LONG") == "1"
COMPLAINTS = re.compile(r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:|check failed")
MODES = ("dev-http", "strict-http", "strict-https")
PATIENCE = 60


class Gust:
    """`gust serve` on a state directory of its own."""

    def __init__(self, name, *arguments):
        self.directory = WORK / name
        self.directory.mkdir()
        self.directory.chmod(0o711)
        self.state, self.ready, self.log = (self.directory / n for n in ("state", "ready", "log"))
        command = [os.environ["GUST_BINARY"], "serve", "--state", self.state, "--listen", "127.0.0.1:0", "--runtimes", WORK / "runtimes", *arguments]
        with open(self.ready, "wb") as out, open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=log)
        end = time.monotonic() + PATIENCE
        while not (found := re.search(r"^gust ready .*endpoint=http://(\S+)", self.ready.read_text(), re.M)):
            assert self.process.poll() is None and time.monotonic() < end, f"gust did not start:\n{self.log.read_text()[-3000:]}"
            time.sleep(0.05)
        self.address = found.group(1)
        self.port = int(self.address.rsplit(":", 1)[1])

    @property
    def keys(self):
        key = json.loads((self.state / "credentials.json").read_text())["keys"][0]
        return key["access_key_id"], key["secret_access_key"]

    @property
    def authority(self):
        """The file of our CA's certificate."""
        return self.state / "ca" / "ca.pem"

    def stop(self):
        self.process.terminate()
        status = self.process.wait(PATIENCE)
        log = self.log.read_text(errors="replace")
        complaint = COMPLAINTS.search(log)
        assert not complaint, f"in the log:\n{log[complaint.start():][:4000]}"
        assert status == 0, f"gust ended with status {status}:\n{log[-3000:]}"


@pytest.fixture(scope="session")
def servers():
    """{"dev": Gust, "strict": Gust}"""
    with contextlib.ExitStack() as stack:
        made = {}
        for name, arguments in (("dev", ["--dev"]), ("strict", ["--sigv2-presign"])):
            made[name] = Gust(name, *arguments)
            stack.callback(made[name].stop)
        yield made


@pytest.fixture(scope="session")
def recorder(servers):
    """Where the stories of strict-http call: it forwards to the server and keeps the heads of requests."""
    with contextlib.closing(Recorder(servers["strict"].port)) as made:
        yield made


def installed(client):
    """Where a client is; fails where it could not be had."""
    where = (WORK / f"installed-{client}").read_text().strip()
    if not where:
        pytest.fail(f"{client} could not be installed:\n" + (WORK / f"install-{client}.log").read_text()[-3000:])
    return pathlib.Path(where)


def know(names):
    """Lets this namespace resolve them; see run."""
    with open("/etc/hosts", "a") as hosts:
        hosts.write(f"127.0.0.1 {' '.join(names)}\n")


def environment(server, mode, endpoint=None):
    """Nothing of the caller's but what finds programs: no proxy, no profile, no region."""
    home = WORK / "home"
    home.mkdir(exist_ok=True)
    access, secret = ("any", "key") if mode == "dev-http" else server.keys
    scheme = "https" if mode.endswith("https") else "http"
    made = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "TMPDIR": str(WORK), "PYTHONDONTWRITEBYTECODE": "1",
            "AWS_ACCESS_KEY_ID": access, "AWS_SECRET_ACCESS_KEY": secret, "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true", "AWS_MAX_ATTEMPTS": "1", "AWS_ENDPOINT_URL": endpoint or f"{scheme}://{server.address}",
            "STORY_MODE": mode.split("-")[0], "STORY_TAG": uuid.uuid4().hex[:8]}
    made["STORY_ENDPOINT"] = made["AWS_ENDPOINT_URL"]
    if scheme == "https":
        for name in ("AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "STORY_CA"):
            made[name] = str(server.authority)
    return made


def trust_store(server):
    """Our CA as Java wants it."""
    store = server.directory / "trust.p12"
    if not store.exists():
        subprocess.run(["keytool", "-importcert", "-noprompt", "-alias", "gust", "-file", str(server.authority), "-keystore", str(store), "-storepass", "changeit"],
                       check=True, capture_output=True)
    return [f"-Djavax.net.ssl.trustStore={store}", "-Djavax.net.ssl.trustStorePassword=changeit"]


def java(client, *options):
    where = installed(client)
    return ["java", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Dfile.encoding=UTF-8", *options, "-cp", f"{where}/lib/*:{where}/classes", "Story"]


def node(program):
    return ["node", "--no-warnings", str(HERE / "js" / program)]


# What runs a story; a function, because a client that is not there fails its own tests only.
COMMANDS = {
    "boto3": lambda: [str(installed("python") / "bin/python"), str(HERE / "python/story.py")],
    "boto3_1_26": lambda: ["/usr/bin/python3", str(HERE / "python/story.py")],
    "js_v3": lambda: node("v3.js"),
    "js_v2": lambda: node("v2.js"),
    "go_v2": lambda: [str(installed("go") / "story")],
    "java_v2": lambda: java("java_v2"),
    # This SDK looks into the standard library to fill its exceptions.
    "java_v1": lambda: java("java_v1", "--add-opens", "java.base/java.lang=ALL-UNNAMED"),
}

Told = collections.namedtuple("Told", "tag steps status output")


def run_story(client, mode, server, endpoint):
    command, variables = COMMANDS[client](), environment(server, mode, endpoint)
    if mode == "strict-name":
        know(f"{prefix}-{variables['STORY_TAG']}.localhost" for prefix in ("story", "missing"))
    if client.startswith("js"):
        variables["NODE_PATH"] = str(installed("js") / "node_modules")
    if client.startswith("java") and mode.endswith("https"):
        command[1:1] = trust_store(server)
    done = subprocess.run(command, env=variables, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
    steps = {}
    for line in done.stdout.splitlines():
        with contextlib.suppress(ValueError):
            told = json.loads(line)
            steps[told["step"]] = told
    return Told(variables["STORY_TAG"], steps, done.returncode, (done.stdout + done.stderr)[-4000:])


@pytest.fixture(scope="session")
def stories(request, servers, recorder):
    """{(client, mode): future of Told} of those that the chosen tests ask for."""
    wanted = [(client, mode) for item in request.session.items for client, mode in [item_story(item)] if client]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        made = {}
        for client, mode in dict.fromkeys(wanted):
            endpoint = {"strict-http": f"http://127.0.0.1:{recorder.port}", "strict-name": f"http://localhost:{recorder.port}"}.get(mode)
            made[client, mode] = pool.submit(run_story, client, mode, servers[mode.split("-")[0]], endpoint)
        yield made
        for future in made.values():
            future.cancel()


def item_story(item):
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    if "stories" not in item.fixturenames:
        return None, None
    return parameters["client"], parameters.get("mode", "strict-http")
