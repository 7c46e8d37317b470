"""Secrets where secrets lie, and a server that waits for whoever sends them."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest


def canary(kind: str) -> str:
    """A secret that nobody was told of: where it comes to light it was not masked."""
    return f"canary-{kind}-{secrets.token_hex(8)}"


@dataclass(frozen=True)
class Canaries:
    """Secrets by the place where they lie. Shipline itself knows of ``dispatch`` alone, by its configuration."""

    dispatch: str  # in our environment
    planner: str  # there too, and nothing of this process has read it
    gateway: str  # a file below our home, of another process of ours
    netrc: str  # a file of the user
    planted: str  # in the repository itself, in the shape of a GitHub token

    def all(self) -> dict[str, str]:
        """Each by its name."""
        return dict(vars(self))


@pytest.fixture
def canaries(monkeypatch: pytest.MonkeyPatch, home: Path, tmp_path: Path) -> Canaries:
    """They lie where secrets lie."""
    ours = {kind: canary(kind) for kind in ("dispatch", "planner", "gateway", "netrc")}
    made = Canaries(**ours, planted=f"ghp_{canary('planted')}")
    monkeypatch.setenv("SHIPLINE_DISPATCH_SECRET", made.dispatch)
    monkeypatch.setenv("NVIDIA_API_KEY", made.planner)
    for file, text in (
        (home / "gateway" / "token", made.gateway), (tmp_path / "user" / ".netrc", f"machine x password {made.netrc}"),
    ):  # fmt: skip
        file.parent.mkdir()
        file.write_text(f"{text}\n")
    return made


@pytest.fixture
def catcher() -> Iterator[tuple[str, list[bytes]]]:
    """A server of the vandal's; what reached it."""
    caught: list[bytes] = []

    class Catch(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            caught.append(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Catch)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", caught
    server.shutdown()
    server.server_close()
