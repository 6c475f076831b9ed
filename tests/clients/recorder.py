# SPDX-License-Identifier: Apache-2.0
"""A TCP forwarder to a local port that keeps the heads of the requests which go through it. It changes nothing: the client's
Host names the forwarder, so a signature over it stays right."""
import re
import socket
import threading

# What a body holds cannot be taken for a head here: the stories send patterns of bytes.
HEAD = re.compile(rb"(?:GET|HEAD|PUT|POST|DELETE) (/\S*) HTTP/1\.1\r\n(.*?)\r\n\r\n", re.S)
LIMIT = 64 << 10  # of a head


class Recorder:
    def __init__(self, port):
        self._target = port
        self._lock = threading.Lock()
        self._heads = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def heads(self, path):
        """[(method, target, {name in lower case: value})] of the requests whose target holds this, in order."""
        with self._lock:
            return [h for h in self._heads if path in h[1]]

    def close(self):
        self._listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._target))
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._forward, args=(client, server, self._look), daemon=True).start()
            threading.Thread(target=self._forward, args=(server, client, None), daemon=True).start()

    def _forward(self, source, target, look):
        rest = b""
        try:
            while data := source.recv(1 << 18):
                if look:
                    rest = look(rest + data)
                target.sendall(data)
        except OSError:
            pass
        for one, how in ((target, socket.SHUT_WR), (source, socket.SHUT_RD)):
            try:
                one.shutdown(how)
            except OSError:
                pass

    def _look(self, data):
        """Notes the heads in it; what may be the start of another."""
        end = 0
        for found in HEAD.finditer(data):
            lines = found.group(2).decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            with self._lock:
                self._heads.append((found.group(0).split(b" ", 1)[0].decode(), found.group(1).decode("latin-1"), headers))
            end = found.end()
        return data[end:][-LIMIT:]
