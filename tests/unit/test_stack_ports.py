"""Ports: free ones are free, a taken one is named with who has it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from deployments.ports import DEFAULTS, HOST, chosen_port, free_port, is_free
from shipline.errors import ConfigError


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that this test listens on."""
    with socket.socket() as server:
        server.bind((HOST, 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_free_port_is_free_and_not_one_of_the_taken() -> None:
    first = free_port()
    assert is_free(first)
    assert free_port(frozenset({first})) != first


def test_the_argument_comes_before_the_environment_and_that_before_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deployments.ports.is_free", lambda _port: True)
    assert chosen_port("prefect", None) == DEFAULTS["prefect"]
    monkeypatch.setenv("SHIPLINE_PREFECT_PORT", "5001")
    assert chosen_port("prefect", None) == 5001
    assert chosen_port("prefect", 5002) == 5002


def test_a_taken_port_is_refused_with_who_has_it(taken: int) -> None:
    with pytest.raises(ConfigError, match=rf"Port {taken} is taken \(by pid {os.getpid()} ") as refused:
        chosen_port("prefect", taken)
    assert refused.value.hint == "Stop it, or choose another with --prefect-port."


@pytest.mark.parametrize("value", ["http", "0", "65536", "-1", "٤٢"])
def test_a_port_that_is_none_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHIPLINE_SANDBOX_PORT", value)
    with pytest.raises(ConfigError, match="SHIPLINE_SANDBOX_PORT"):
        chosen_port("sandbox", None)
