# SPDX-License-Identifier: Apache-2.0
"""The C++ side: tables of the cases' models are written and compiled with driver_main.cc against a build's libraries."""
import json
import os
import pathlib
import shlex
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tools/model"))
import generate  # noqa: E402

PARTS = 4  # files of tables, compiled side by side


def write_tables(models, work):
    """models: list of (id, model). Returns the sources."""
    parts = [[] for _ in range(PARTS)]
    for i, (sid, model) in enumerate(models):
        body = generate.table_text(sid, model, "kTable")
        parts[i % PARTS].append(f"namespace suite_{i} {{\nextern const ServiceTable kTable;\n{body}}}  // namespace suite_{i}\n")
    sources = []
    for n, bodies in enumerate(parts):
        path = work / f"suites_{n}.cc"
        path.write_text('#include "model/table.h"\n\nnamespace gust::model {\n' + "\n".join(bodies) + "}\n")
        sources.append(path)
    path = work / "suites.cc"
    names = ", ".join(f"&suite_{i}::kTable" for i in range(len(models)))
    declared = "\n".join(f"namespace suite_{i} {{ extern const ServiceTable kTable; }}" for i in range(len(models)))
    path.write_text('#include "model/table.h"\n\nnamespace gust::model {\n' + declared +
                    "\nextern const std::span<const ServiceTable* const> kSuites;\n"
                    f"constexpr const ServiceTable* kList[] = {{{names}}};\n"
                    "constinit const std::span<const ServiceTable* const> kSuites = kList;\n}\n")
    return sources + [path, HERE / "driver_main.cc"]


def compile_flags(build):
    """Those of the library (sanitizers must agree), without its warnings."""
    for entry in json.loads((build / "compile_commands.json").read_text()):
        if entry["file"].endswith("src/model/codec.cc"):
            words = shlex.split(entry["command"])
            words = words[:words.index("-o")]
            words = words[1:] if words[0].endswith("ccache") else words
            return [w for w in words if not w.startswith("-W")]
    sys.exit(f"{build} does not build src/model")


def build_driver(models, build, work):
    command = compile_flags(build)
    ccache = ["ccache"] if subprocess.run(["which", "ccache"], stdout=subprocess.DEVNULL).returncode == 0 else []
    objects, waiting, running = [], write_tables(models, work), []

    def finish(process):
        if process.wait() != 0:
            sys.exit("the driver does not compile")
    for source in waiting:
        objects.append(str(work / (source.stem + ".o")))
        if len(running) == 2:
            finish(running.pop(0))
        running.append(subprocess.Popen(ccache + command + ["-c", str(source), "-o", objects[-1]], cwd=work))
    for process in running:
        finish(process)
    libraries = [str(build / f"src/{name}/libgust_{name}.a") for name in ("model", "http", "net", "crypto", "os", "base")]
    program = work / "driver"
    link = command + objects + ["-o", str(program), "-Wl,--start-group", *libraries, "-Wl,--end-group",
                                "-lpugixml", "-lre2", "-lssl", "-lcrypto", "-lz", "-lpthread"]
    if subprocess.run(link, cwd=work).returncode != 0:
        sys.exit("the driver does not link")
    return program


class Driver:
    def __init__(self, program):
        environment = dict(os.environ, ASAN_OPTIONS="detect_leaks=0", UBSAN_OPTIONS="print_stacktrace=1")
        self.process = subprocess.Popen([str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)

    def ask(self, **question):
        self.process.stdin.write(json.dumps(question).encode() + b"\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"the driver died of {json.dumps(question)[:2000]}")
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        return self.process.wait(timeout=60)
