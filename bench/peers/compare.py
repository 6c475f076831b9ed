# SPDX-License-Identifier: Apache-2.0
"""Starts the servers, lets peer_load drive each operation on each of them in turn, round after round, and prints medians.
Called by bench/peers/run; README.md says how to read it."""
import argparse
import collections
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

OPERATIONS = {"dynamodb": ("PutItem", "UpdateItem", "GetItem", "Query", "BatchWriteItem"),
              "s3": ("PutObject4K", "GetObject4K", "PutObject8M", "GetObject8M", "ListObjectsV2")}
WHAT = {"PutItem": "PutItem 1 KiB", "UpdateItem": "UpdateItem ADD, item of 1 KiB", "GetItem": "GetItem 1 KiB", "Query": "Query 10 x 1 KiB",
        "BatchWriteItem": "BatchWriteItem 25 x 1 KiB", "PutObject4K": "PutObject 4 KiB", "GetObject4K": "GetObject 4 KiB",
        "PutObject8M": "PutObject 8 MiB", "GetObject8M": "GetObject 8 MiB", "ListObjectsV2": "ListObjectsV2 of 1000 keys"}
KEYS = ("peer-access-key", "peer-secret-key-of-forty-characters-0000")

# durable: an answered write survives a power cut. checked: a wrong signature is refused.
Server = collections.namedtuple("Server", "name services address access secret pid durable checked")


def free_port():
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as s:
        return s.getsockname()[1]


class Field:
    """The servers of one run, each in a process group of its own, all ended by close()."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self._processes = []

    def start(self, name, command, **variables):
        home = self.directory / name
        home.mkdir()
        home.chmod(0o711)
        with open(home / "output", "wb") as out:
            process = subprocess.Popen(command, cwd=home, env={**os.environ, **variables}, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
        self._processes.append((process, home))
        return process, home

    def wait(self, process, home, ready):
        end = time.monotonic() + 30
        while not (value := ready()):
            if process.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"{home.name} did not start:\n{(home / 'output').read_text(errors='replace')[-2000:]}")
            time.sleep(0.02)
        return value

    def gust(self, program):
        state = self.directory / "gust" / "state"
        process, home = self.start("gust", [os.path.abspath(program), "serve", "--state", str(state), "--listen", "127.0.0.1:0", "--log-level", "error"])
        found = self.wait(process, home, lambda: re.search(r"endpoint=http://(\S+)", (home / "output").read_text()))
        key = json.loads((state / "credentials.json").read_text())["keys"][0]
        return Server("Gust", ("dynamodb", "s3"), found.group(1), key["access_key_id"], key["secret_access_key"], process.pid, "yes", "yes")

    def peer(self, name, service, command, durable, checked, **variables):
        port = free_port()
        process, home = self.start(name, [word.replace("PORT", str(port)) for word in command], **variables)

        def listening():
            with contextlib.suppress(OSError), contextlib.closing(socket.create_connection(("127.0.0.1", port))):
                return True

        self.wait(process, home, listening)
        return Server(name, (service,), f"127.0.0.1:{port}", *KEYS, process.pid, durable, checked)

    def close(self):
        for process, _ in self._processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        for process, _ in self._processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


def servers_of(field, arguments):
    found = [field.gust(arguments.gust)]
    dynalite, versitygw = (pathlib.Path(p) for p in (arguments.dynalite, arguments.versitygw))
    if (dynalite / "complete").exists():
        command = ["node", str(dynalite / "node_modules/dynalite/cli.js"), "--host", "127.0.0.1", "--port", "PORT", "--createTableMs", "0"]
        found.append(field.peer("dynalite, memory", "dynamodb", command, "no", "no"))
        found.append(field.peer("dynalite, disk", "dynamodb", command + ["--path", "data"], "no", "no"))
    if (versitygw / "complete").exists():
        (data := field.directory / "versitygw data").mkdir()
        command = [str(versitygw / "versitygw"), "--port", "127.0.0.1:PORT", "--keep-alive", "--quiet", "posix", str(data)]
        found.append(field.peer("versitygw", "s3", command, "no", "yes", ROOT_ACCESS_KEY=KEYS[0], ROOT_SECRET_KEY=KEYS[1]))
    for text in arguments.others:
        name, _, rest = text.partition("=")
        service, address, access, secret, pid, *facts = rest.split(",")
        found.append(Server(name, (service,), address, access, secret, int(pid), *(facts + ["?", "?"])[:2]))
    return found


def drive(load, server, service, operation, seconds=1.0):
    """{"operations", "seconds", "cpu_us"}; None where the server cannot do it."""
    command = [load, service, server.address, server.access, server.secret, str(server.pid), operation, str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        print(f"{server.name}: {done.stderr.strip()[:500]}", file=sys.stderr)
        return None
    return json.loads(done.stdout or "{}")


def measure(servers, arguments):
    """[{what, server, rate, cpu_us, low_us, high_us, rounds}] in the order of OPERATIONS."""
    rounds, seconds = (3, 1.0) if arguments.quick else (5, 3.0)
    able = [(s, service) for s in servers for service in s.services if drive(arguments.load, s, service, "prepare") is not None]
    figures = collections.defaultdict(list)
    for n in range(rounds):
        for service, operations in OPERATIONS.items():
            for operation in operations:
                field = [s for s, what in able if what == service]
                for server in field[n % len(field):] + field[:n % len(field)]:  # nobody is always first
                    if (got := drive(arguments.load, server, service, operation, seconds)) and got["operations"]:
                        figures[operation, server].append((got["operations"] / got["seconds"], got["cpu_us"] / got["operations"]))
    for operation in [o for all_ in OPERATIONS.values() for o in all_]:
        for server in servers:
            if runs := figures.get((operation, server)):
                rates, costs = zip(*runs)
                yield {"what": WHAT[operation], "server": server.name, "durable": server.durable, "signatures_checked": server.checked,
                       "rate": round(statistics.median(rates), 1), "cpu_us": round(statistics.median(costs), 1),
                       "cpu_us_low": round(min(costs), 1), "cpu_us_high": round(max(costs), 1), "rounds": len(runs)}


def table(rows):
    print(f"{'16 connections, signed requests':34} {'server':18} {'ops/s':>9} {'CPU us/op':>10} {'least':>9} {'most':>9} {'to Gust':>8} durable checked")
    own = {r["what"]: r["cpu_us"] for r in rows if r["server"] == "Gust"}
    before = None
    for r in rows:
        ratio = f"{r['cpu_us'] / own[r['what']]:.1f} x" if r["server"] != "Gust" and own.get(r["what"]) else ""
        print(f"{r['what'] if r['what'] != before else '':34} {r['server']:18} {r['rate']:9.0f} {r['cpu_us']:10.1f} {r['cpu_us_low']:9.1f} {r['cpu_us_high']:9.1f} "
              f"{ratio:>8} {r['durable']:>7} {r['signatures_checked']:>7}")
        before = r["what"]


def main():
    parser = argparse.ArgumentParser(prog="bench/peers/run")
    for name in ("gust", "load", "dynalite", "versitygw"):
        parser.add_argument("--" + name, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="3 rounds of a second instead of 5 of three")
    parser.add_argument("--json", action="store_true", help="one line of JSON for each row")
    parser.add_argument("--with", dest="others", action="append", default=[], metavar="NAME=s3|dynamodb,HOST:PORT,ACCESS_KEY,SECRET_KEY,PID[,DURABLE,CHECKED]",
                        help="a server that you have started on this machine")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gust-peers-") as directory:
        os.chmod(directory, 0o711)
        with contextlib.closing(Field(directory)) as field:
            rows = list(measure(servers_of(field, arguments), arguments))
    if arguments.json:
        for row in rows:
            print(json.dumps(row))
    else:
        table(rows)
    return 0 if any(r["server"] == "Gust" for r in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
