"""What several tests need: a book in a temporary folder, the command line, a server."""

import contextlib
import http.client
import io
import json
import tempfile
import threading
import unittest
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tally.cli import main
from tally.server import TallyServer
from tally.store import Store


class Ran(NamedTuple):
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str


class Answer(NamedTuple):
    """What the service answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


class StoreCase(unittest.TestCase):
    """A test with a store of its own."""

    def setUp(self) -> None:
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.store = Store(Path(folder) / "tally.json")

    def tally(self, *argv: str) -> Ran:
        """Run ``tally`` on this test's file."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main([*argv, "--data", str(self.store.path)])
        return Ran(code, out.getvalue(), err.getvalue())


class ServerCase(StoreCase):
    """A test with a server of its own, on a free port of 127.0.0.1."""

    def setUp(self) -> None:
        super().setUp()
        self.server = self.enterContext(TallyServer(("127.0.0.1", 0), self.store))
        thread = threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.005}
        )
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.server.shutdown)

    def ask(
        self,
        method: str,
        path: str,
        payload: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request; a payload travels as JSON unless it is bytes."""
        body = payload if isinstance(payload, bytes) else None
        if payload is not None and body is None:
            body = json.dumps(payload).encode()
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.server.server_port, timeout=5
        )
        with contextlib.closing(connection):
            connection.request(method, path, body, dict(headers or {}))
            reply = connection.getresponse()
            return Answer(reply.status, dict(reply.getheaders()), reply.read())
