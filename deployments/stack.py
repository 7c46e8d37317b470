"""The local stack: MongoDB, Prefect, the sandbox and a worker on 127.0.0.1, started and ended together."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from deployments import console_server, gateway_server, mongod, prefect_server, sandbox_server, worker
from deployments.healing import Again, Healing
from deployments.lock import hold_for_stack
from deployments.ports import HOST, chosen_port, free_port
from deployments.process import Child, Children, own_environment
from deployments.run import to_the_end, together
from deployments.sweep import MARK, stack_id, sweep
from shipline.config import STACK_FILE

T = TypeVar("T")
Progress = Callable[[str, str], None]
# Seconds to end by itself, for what does work, for what serves it, and for the database. With the sweep: eight in all.
PATIENCE_WORK, PATIENCE_SERVERS, PATIENCE_DATA = 1.0, 1.5, 4.0
# What makes the stack use a service of yours and start none.
YOURS = {"mongodb": "SHIPLINE_MONGODB_URI", "prefect": "PREFECT_API_URL"}


@dataclass(frozen=True)
class StackAddresses:
    """Where everything is, named as in ``shipline.config.Settings``; empty for a part that was not asked for."""

    mongodb_uri: str
    prefect_api_url: str
    github_api_url: str
    github_token: str
    console_url: str = ""
    gateway_url: str = ""
    dispatch_secret: str = ""


class LocalStack:
    """One stack on one folder; ``async with`` it. ``parts``: mongodb, prefect, sandbox, gateway, runner, console.

    A part that dies is started again on its port, and ``on_progress`` is told; see ``watch``.
    """

    def __init__(
        self,
        home: Path,
        *,
        fixed_ports: bool,
        parts: Sequence[str] = ("mongodb", "prefect", "sandbox"),
        ports: Mapping[str, int] | None = None,
        on_progress: Progress | None = None,
    ) -> None:
        self.home = home
        self.addresses = StackAddresses("", "", "", "")
        self._fixed, self._parts, self._asked = fixed_ports, tuple(parts), dict(ports or {})
        self._tell = on_progress or (lambda _part, _what: None)
        self._id = stack_id(home)
        self._children = Children(home, self._id)
        self._held = contextlib.AsyncExitStack()
        self._own: set[str] = set()  # the parts that are started here, not yours
        self._ports: dict[str, int] = {}
        self._again: dict[str, tuple[str, Again]] = {}  # a part's process, and what starts it once more
        self._healing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        await hold_for_stack(self.home, self._held)
        try:
            await sweep(self._id)  # what a stack that was killed has left
            self._children.watch_over()
            await self._start()
        except BaseException:
            await to_the_end(self._end())
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await to_the_end(self._end())

    def environment(self) -> dict[str, str]:
        """What a process needs to find this stack, or as much of it as was asked for."""
        known = {
            "SHIPLINE_HOME": str(self.home),
            "SHIPLINE_MONGODB_URI": self.addresses.mongodb_uri,
            "SHIPLINE_GITHUB_API_URL": self.addresses.github_api_url,
            "SHIPLINE_GITHUB_TOKEN": self.addresses.github_token,
            "SHIPLINE_DISPATCH_SECRET": self.addresses.dispatch_secret,
            MARK: self._id,
            **prefect_server.CLIENT,
            # A server of yours may be known to Prefect by a profile of yours.
            "PREFECT_HOME": str(self.home / "prefect") if "prefect" in self._own else "",
            "PREFECT_API_URL": self.addresses.prefect_api_url,
            "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
        }
        return {name: value for name, value in known.items() if value}

    async def start_child(self, name: str, argv: Sequence[str], env: Mapping[str, str]) -> Child:
        """Start one more process, which ends with the stack."""
        return self._children.spawn(name, argv, {**self._inherited(), **self.environment(), **env})

    async def watch(self) -> None:
        """Wait until a part dies that cannot be kept alive; then raise Unavailable with its name and log."""
        assert self._healing is not None, "the stack is not up"
        await asyncio.shield(self._healing)

    def _inherited(self) -> dict[str, str]:
        """This process's environment. A Prefect of ours is not to meet a person's settings for theirs."""
        return own_environment(without="PREFECT_" if "prefect" in self._own else None)

    async def _start(self) -> None:
        self._own = {part for part in self._parts if not os.environ.get(YOURS.get(part, ""))}
        if "mongodb" in self._own:
            mongod.find_mongod()  # says what is missing before anything starts
        self._ports = self._choose_ports()
        async with together() as group:
            mongo = group.create_task(self._mongodb())
            prefect = group.create_task(self._prefect())
            sandbox = group.create_task(self._sandbox())
        secret = gateway_server.dispatch_secret(self.home) if "gateway" in self._parts else ""
        self.addresses = StackAddresses(mongo.result(), prefect.result(), *sandbox.result(), dispatch_secret=secret)
        if "runner" in self._parts:
            await self._runner()
            self._again["runner"] = (worker.NAME, self._runner)
            if worker.takes_leaves(self._for_flows()):
                await self._leaf_runner()
                self._again["leaf-runner"] = (worker.LEAVES, self._leaf_runner)
            self._tell("runner", "started; it takes work in a few seconds")
        async with together() as group:
            gateway = group.create_task(self._gateway())
            console = group.create_task(self._console())
        self.addresses = replace(self.addresses, gateway_url=gateway.result(), console_url=console.result())
        self._healing = asyncio.create_task(Healing(self._children, self._tell).keep(self._again))
        self._publish()

    async def _mongodb(self) -> str:
        if "mongodb" not in self._parts:
            return ""
        if "mongodb" not in self._own:
            given = os.environ[YOURS["mongodb"]]
            await mongod.check_mongodb(given)
            self._tell("mongodb", "is yours (SHIPLINE_MONGODB_URI)")
            return given
        start = partial(mongod.start_mongod, self._children, self._ports["mongodb"])
        return await self._timed("mongodb", mongod.NAME, start)

    async def _prefect(self) -> str:
        if "prefect" not in self._parts:
            return ""
        if "prefect" not in self._own:
            given = os.environ[YOURS["prefect"]]
            await prefect_server.check_prefect(given)
            self._tell("prefect", "is yours (PREFECT_API_URL)")
            return given
        start = partial(prefect_server.start_prefect, self._children, self._ports["prefect"])
        return await self._timed("prefect", prefect_server.NAME, start)

    async def _sandbox(self) -> tuple[str, str]:
        if "sandbox" not in self._parts:
            return "", ""
        gateway = f"http://{HOST}:{self._ports['gateway']}" if "gateway" in self._parts else ""
        start = partial(sandbox_server.start_sandbox, self._children, self._ports["sandbox"], gateway)
        return await self._timed("sandbox", sandbox_server.NAME, start)

    async def _runner(self) -> None:
        await prefect_server.wait_for_prefect(self.addresses.prefect_api_url)
        await worker.start_worker(self._children, self.addresses.prefect_api_url, self._for_flows())

    async def _leaf_runner(self) -> None:
        await prefect_server.wait_for_prefect(self.addresses.prefect_api_url)
        await worker.start_leaf_worker(self._children, self.addresses.prefect_api_url, self._for_flows())

    async def _gateway(self) -> str:
        if "gateway" not in self._parts:
            return ""
        start = partial(gateway_server.start_gateway, self._children, self._ports["gateway"], self._for_flows())
        return await self._timed("gateway", gateway_server.NAME, start)

    async def _console(self) -> str:
        if "console" not in self._parts:
            return ""
        start = partial(console_server.start_console, self._children, self._ports["console"], self._for_flows())
        return await self._timed("console", console_server.NAME, start)

    def _for_flows(self) -> dict[str, str]:
        return {**self._inherited(), **self.environment()}

    async def _timed(self, part: str, process: str, start: Callable[[], Awaitable[T]]) -> T:
        self._tell(part, "starting")
        began = time.monotonic()
        made = await start()
        self._again[part] = (process, start)
        self._tell(part, f"ready in {time.monotonic() - began:.1f} s")
        return made

    def _choose_ports(self) -> dict[str, int]:
        chosen: dict[str, int] = {}
        for part in sorted(self._own - {"runner"}):
            asked = self._fixed or part in self._asked
            taken = frozenset(chosen.values())
            chosen[part] = chosen_port(part, self._asked.get(part)) if asked else free_port(taken)
        return chosen

    def _publish(self) -> None:
        draft = self.home / f"{STACK_FILE}.new"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as out:
            known = {name: value for name, value in asdict(self.addresses).items() if value}
            json.dump({"pid": os.getpid(), "stack_id": self._id, **known}, out)
        draft.replace(self.home / STACK_FILE)

    async def _end(self) -> None:
        async with self._held:
            (self.home / STACK_FILE).unlink(missing_ok=True)
            if self._healing is not None:
                self._healing.cancel()
                await asyncio.gather(self._healing, return_exceptions=True)
            servers = (sandbox_server.NAME, prefect_server.NAME, mongod.NAME)
            await self._children.stop(keep=servers, patience=PATIENCE_WORK)
            await self._children.stop(keep=(mongod.NAME,), patience=PATIENCE_SERVERS)
            await self._children.stop(patience=PATIENCE_DATA)
            self._children.dismiss_watcher()
            await sweep(self._id)
