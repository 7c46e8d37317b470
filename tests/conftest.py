"""What every test gets: a home of its own, no configuration from outside, and no way past 127.0.0.1."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

LOCAL = {"localhost", ""}
# Which end-to-end tests share a `shipline up`.
SHARED = {
    "delivering": {"demo", "refusals", "replay", "scripts"},
    "steering": {"budgets", "control", "deployments", "prefect_buttons"},
    "stepping": {"actions", "webhooks"},
}

WHOLE = "whole "  # what the name of a piece of work begins with that delivers ideas on a stack of its own
DELIVERING = 2  # workers that do those
LONGEST = ("tests/integration/agents", "tests/integration/actions", f"{WHOLE}stepping")


class OutsideReached(RuntimeError):
    """A test tried to leave this machine."""


class ByServer(LoadScopeScheduling):  # type: ignore[misc]
    """Tests that share a server stay on one worker: a folder's, and of ``e2e`` a file's or those of one stack.

    xdist's own ``loadgroup`` marks the ids of tests, which pytest 9.2 no longer lets it do.
    """

    def _split_scope(self, nodeid: str) -> str:
        path = Path(nodeid.partition("::")[0])
        if path.parent.name != "e2e":
            return path.parent.as_posix()
        stem = path.stem.removeprefix("test_")
        return f"{WHOLE}{next((name for name, stems in SHARED.items() if stem in stems), stem)}"

    def _assign_work_unit(self, node: Any) -> None:
        """The next piece for a worker. Two of three do whole deliveries as long as there are any, the other the rest.

        Three deliveries at once, each with a stack of its own, are more than two cores carry: everything waits then.
        """
        delivers = self.nodes.index(node) < DELIVERING
        fitting = [each for each in self.workqueue if each.startswith(WHOLE) == delivers]
        if fitting:
            self.workqueue.move_to_end(min(fitting, key=self._begins), last=False)
        super()._assign_work_unit(node)

    def _begins(self, scope: str) -> int:
        """What takes longest begins first, so that no worker is left alone with it."""
        return LONGEST.index(scope) if scope in LONGEST else len(LONGEST)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Asked by xdist when it starts."""
    return ByServer(config, log)


@pytest.fixture(autouse=True, scope="session")
def _only_this_machine() -> Iterator[None]:
    """Refuse every connection beyond the loopback."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            host = str(address[0])
            if host not in LOCAL and not ipaddress.ip_address(host).is_loopback:
                raise OutsideReached(f"a test tried to reach {host}")
        return connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        yield


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test sees the configuration of the person who runs it."""
    for name in list(os.environ):
        if name.startswith("SHIPLINE_") or name == "PREFECT_API_URL":
            monkeypatch.delenv(name)
    monkeypatch.setenv("SHIPLINE_HOME", str(tmp_path_factory.mktemp("home")))


@pytest.fixture
def home() -> Path:
    """The home folder of this test."""
    return Path(os.environ["SHIPLINE_HOME"])
