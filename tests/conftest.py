"""What every test gets: a home of its own, no configuration from outside, and no way past 127.0.0.1."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

LOCAL = {"localhost", ""}


class OutsideReached(RuntimeError):
    """A test tried to leave this machine."""


@pytest.hookimpl(tryfirst=True)  # before xdist reads the mark
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With ``-n 2`` each folder stays on one worker, because its tests share a server."""
    for item in items:
        folder = item.path.parent.name
        alone = item.path.stem == "test_interrupts"
        item.add_marker(pytest.mark.xdist_group("interrupts" if alone else folder))


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
