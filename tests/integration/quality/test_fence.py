"""The fence: what is seen behind it, who may be reached from there, and what is said where there is none."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from shipline.errors import ConfigError
from tasks import fence
from tasks.agents.acp_agent import AcpAgent
from tasks.confine import run_confined
from tasks.fence import Fence, needed_by
from tests.integration.agents.behaviour import job
from tests.integration.agents.test_acp import LocalBench, bench

__all__ = ["bench"]

PYTHON = Path(sys.executable)
ASK = """
import http.client, sys
line = http.client.HTTPConnection("127.0.0.1", 8118, timeout=5)
line.set_tunnel("127.0.0.1", int(sys.argv[1]))
try:
    line.request("GET", "/")
    print(line.getresponse().read().decode())
except OSError as error:
    print("refused:", error)
"""


@pytest.fixture
def server() -> Iterator[int]:
    """Somebody who says hello; the port."""

    class Hello(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, *_: object) -> None:
            """Quiet."""

    made = ThreadingHTTPServer(("127.0.0.1", 0), Hello)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made.server_port
    made.shutdown()
    made.server_close()


async def _asks(around: Fence, port: int, place: Path) -> str:
    async with around.gate():
        done = await run_confined([str(PYTHON), "-c", ASK, str(port)], cwd=place, timeout=20, fence=around)
    return done.words


async def test_only_listed_hosts_are_reached(server: int, tmp_path: Path) -> None:
    hosts = frozenset({f"127.0.0.1:{server}"})
    said = await _asks(Fence((tmp_path,), hosts=hosts, socket=tmp_path / "net"), server, tmp_path)
    other = Fence((tmp_path,), hosts=frozenset({"example.com:443"}), socket=tmp_path / "net")
    if fence.usable():
        assert said == "hello"
        assert "403 Not listed" in await _asks(other, server, tmp_path)
        assert not (tmp_path / "net").exists()
    assert "refused" in await _asks(Fence((tmp_path,)), server, tmp_path)


async def test_what_is_sealed_or_not_given_stays_as_it_is(tmp_path: Path) -> None:
    mine, sealed, other = (tmp_path / each for each in ("mine", "mine/.git", "other"))
    for folder in (mine, sealed, other):
        folder.mkdir()
    code = (
        "import pathlib, sys\nfor each in sys.argv[1:]:\n try:\n  (pathlib.Path.cwd() / each / 'x').write_text('x')\n"
        " except OSError as error:\n  print(each, type(error).__name__)"
    )
    around = Fence((mine,), needed_by(PYTHON), sealed=(sealed,))  # type: ignore[arg-type]
    words = [str(PYTHON), "-c", code, ".", ".git", "../other"]
    done = await run_confined(words, cwd=mine, timeout=20, fence=around)
    assert (mine / "x").exists()
    if fence.usable():
        assert done.words.splitlines() == [".git OSError", "../other FileNotFoundError"]
        assert not (sealed / "x").exists()
        assert not (other / "x").exists()


async def test_where_there_is_none_it_is_said_or_refused(bench: LocalBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fence, "usable", lambda: False)
    bench.acts("writes")
    async with bench.place("none") as (place, branch):
        agent = AcpAgent()
        result = await agent.result(await agent.start(job(branch), "r/none", place))
        assert fence.NONE in result.warnings
        monkeypatch.setenv("SHIPLINE_ACP_FENCE", "required")
        with pytest.raises(ConfigError, match="There is no bwrap that works here"):
            await agent.result(await agent.start(job(branch), "r/required", place))


async def test_a_fence_may_be_turned_off(bench: LocalBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHIPLINE_ACP_FENCE", "off")
    bench.acts("writes")
    async with bench.place("off") as (place, branch):
        agent = AcpAgent()
        result = await agent.result(await agent.start(job(branch), "r/off", place))
        assert result.warnings == [fence.OFF]
