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
# Which end-to-end tests share a `shipline up`.
DELIVERING = {"demo", "refusals", "replay", "scripts"}
STEERING = {"budgets", "control", "deployments", "prefect_buttons"}


class OutsideReached(RuntimeError):
    """A test tried to leave this machine."""


@pytest.hookimpl(tryfirst=True)  # before xdist reads the mark
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With ``-n 2`` tests that share a server stay on one worker: a folder's, and of ``e2e`` a file's or a stack's."""
    for item in items:
        group = item.path.parent.name
        if group == "e2e":
            stem = item.path.stem.removeprefix("test_")
            group = "delivering" if stem in DELIVERING else "steering" if stem in STEERING else stem
        item.add_marker(pytest.mark.xdist_group(group))


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
