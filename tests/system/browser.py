# SPDX-License-Identifier: Apache-2.0
"""A real browser without a driver of its own: Chromium, headless, spoken to over its DevTools pipe (descriptors 3 and 4,
JSON messages that end with a NUL byte)."""
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time

# Chromium starts several processes; on two busy cores, beside sanitizers, that takes its time.
PATIENCE = 60
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions",
         "--disable-background-networking", "--disable-component-update", "--remote-debugging-pipe"]


class Browser:
    def __init__(self):
        program = shutil.which("chromium")
        assert program, "Debian's package chromium is missing"
        self._profile = tempfile.mkdtemp(prefix="gust-browser-")
        commands, self._write = os.pipe()
        self._read, answers = os.pipe()
        # 3 and 4 in the child, whatever numbers the pipes have here.
        script = f'exec "$0" "$@" 3<&{commands} 4>&{answers}'
        self._process = subprocess.Popen(["bash", "-c", script, program, *FLAGS, f"--user-data-dir={self._profile}", "about:blank"],
                                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                         pass_fds=(commands, answers), start_new_session=True)
        os.close(commands)
        os.close(answers)
        self._buffer = b""
        self._last_id = 0

    def close(self):
        os.close(self._write)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(self._process.pid, signal.SIGKILL)  # its helpers too
        except ProcessLookupError:
            pass
        self._process.wait()
        os.close(self._read)
        shutil.rmtree(self._profile, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def call(self, method, session=None, **parameters):
        self._last_id += 1
        message = {"id": self._last_id, "method": method, "params": parameters, **({"sessionId": session} if session else {})}
        os.write(self._write, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + PATIENCE
        while True:
            answer = self._next(end)
            if answer.get("id") == self._last_id:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]

    def _next(self, end):
        while b"\0" not in self._buffer:
            left = end - time.monotonic()
            assert left > 0 and select.select([self._read], [], [], left)[0], "the browser does not answer"
            more = os.read(self._read, 1 << 20)
            assert more, "the browser has ended"
            self._buffer += more
        text, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(text)

    def open(self, url):
        return Page(self, url)


class Page:
    def __init__(self, browser, url):
        self._browser = browser
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._call("Page.navigate", url=url)
        self.wait_for(f"location.href.startsWith({json.dumps(url)}) && document.readyState === 'complete'")

    def _call(self, method, **parameters):
        return self._browser.call(method, self._session, **parameters)

    def run(self, expression):
        """The value of a JavaScript expression; of what it promises where it is a promise."""
        answer = self._call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait_for(self, expression, seconds=PATIENCE):
        end = time.monotonic() + seconds
        while not self._true(expression):
            assert time.monotonic() < end, f"{seconds} s without {expression}"
            time.sleep(0.05)

    def _true(self, expression):
        # While a page is being left there is nothing to evaluate in.
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True)
        return "exceptionDetails" not in answer and answer["result"].get("value") is True

    def choose_file(self, selector, path):
        element = self._call("Runtime.evaluate", expression=f"document.querySelector({json.dumps(selector)})")
        self._call("DOM.setFileInputFiles", files=[str(path)], objectId=element["result"]["objectId"])
