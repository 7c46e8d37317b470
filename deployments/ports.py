"""Ports on 127.0.0.1: a free one, or a chosen one that must be free."""

from __future__ import annotations

import os
import random
import socket

import psutil

from shipline.errors import ConfigError

HOST = "127.0.0.1"
DEFAULTS = {"mongodb": 27117, "prefect": 4200, "sandbox": 4280, "console": 8501, "gateway": 8580}
# Below Linux's range for outgoing connections: nobody's client takes the port between our look and the server's bind.
_RANGE = range(20_000, 32_000)


def free_port(taken: frozenset[int] = frozenset()) -> int:
    """A port that nobody listens on, and none of ``taken``."""
    for port in random.sample(_RANGE, 200):
        if port not in taken and is_free(port):
            return port
    raise ConfigError("No free port was found on 127.0.0.1.", "Is something listening on thousands of ports?")


def chosen_port(part: str, given: int | None) -> int:
    """The port asked for (argument, then ``SHIPLINE_<PART>_PORT``, then the default); ConfigError when it is taken."""
    port = given or _from_environment(part) or DEFAULTS[part]
    if not is_free(port):
        raise ConfigError(f"Port {port} is taken{_by_whom(port)}.", f"Stop it, or choose another with --{part}-port.")
    return port


def is_free(port: int) -> bool:
    """Whether a server could listen here. ``SO_REUSEADDR``: connections that have just ended do not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def _from_environment(part: str) -> int | None:
    name = f"SHIPLINE_{part.upper()}_PORT"
    value = os.environ.get(name)
    if not value:
        return None
    if not value.isascii() or not value.isdigit() or not 0 < int(value) < 65_536:
        raise ConfigError(f"{name}={value} is not a port.", "Give a number from 1 to 65535.")
    return int(value)


def _by_whom(port: int) -> str:
    """Who listens, as far as the system tells: another user's process is not named."""
    try:
        for each in psutil.net_connections("tcp"):
            if each.status == psutil.CONN_LISTEN and each.laddr and each.laddr.port == port and each.pid:
                return f" (by pid {each.pid} {psutil.Process(each.pid).name()})"
    except psutil.Error:
        pass
    return ""
