"""The stack that another process holds: `shipline demo` beside a running `shipline up`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from deployments.prefect_server import CLIENT
from deployments.process import Child, Children, own_environment
from deployments.run import to_the_end
from deployments.stack import LocalStack, Progress, StackAddresses
from deployments.sweep import stack_id
from shipline.config import running_stack
from shipline.errors import Unavailable

PARTS = ("mongodb", "prefect", "sandbox")
NEEDED = ("mongodb_uri", "prefect_api_url", "github_api_url", "github_token")


class Stack(Protocol):
    """What a command needs of a stack, whoever holds it."""

    home: Path
    addresses: StackAddresses

    def environment(self) -> dict[str, str]:
        """What a process needs to find it."""
        ...

    async def start_child(self, name: str, argv: Sequence[str], env: Mapping[str, str]) -> Child:
        """Start one more process, which ends with the command."""
        ...


class Attached:
    """A running stack, and the processes that this command adds to it."""

    def __init__(self, home: Path, told: Mapping[str, Any]) -> None:
        self.home = home
        self.addresses = StackAddresses(*(str(told[name]) for name in NEEDED))
        self.children = Children(home, stack_id(home))

    def environment(self) -> dict[str, str]:
        """The home is enough: from there everything is found."""
        return {"SHIPLINE_HOME": str(self.home), "PREFECT_HOME": str(self.home / "prefect"), **CLIENT}

    async def start_child(self, name: str, argv: Sequence[str], env: Mapping[str, str]) -> Child:
        """Start one more process, which ends with this command."""
        return self.children.spawn(name, argv, {**own_environment(without="PREFECT_"), **self.environment(), **env})


@contextlib.asynccontextmanager
async def running_or_new(home: Path, on_progress: Progress) -> AsyncIterator[Stack]:
    """The stack that runs on ``home``, or one of our own for as long as this takes."""
    told = running_stack(home)
    if not all(told.get(name) for name in NEEDED):
        new = LocalStack(home, fixed_ports=False, parts=PARTS, on_progress=on_progress)
        async with new as stack, _as_long_as_it_lives(stack):
            yield stack
        return
    on_progress("stack", f"is running already (pid {told['pid']}); using it")
    async with running(home) as attached:
        yield attached


@contextlib.asynccontextmanager
async def running(home: Path) -> AsyncIterator[Attached]:
    """The stack that runs on ``home``, sandbox and all; Unavailable when none does."""
    told = running_stack(home)
    if not all(told.get(name) for name in NEEDED):
        raise Unavailable("No local stack with a sandbox is running.", "Start it: `shipline up`.")
    attached = Attached(home, told)
    try:
        yield attached
    finally:
        await to_the_end(attached.children.stop(patience=1.0))


@contextlib.asynccontextmanager
async def _as_long_as_it_lives(stack: LocalStack) -> AsyncIterator[None]:
    """Cancel the body when a part of the stack cannot be kept alive, and raise what ``watch`` says of it."""
    scope = asyncio.timeout(None)

    def ended(_: asyncio.Task[None]) -> None:
        with contextlib.suppress(RuntimeError):  # the body has just ended
            scope.reschedule(0)

    watching = asyncio.create_task(stack.watch())
    watching.add_done_callback(ended)
    try:
        async with scope:
            yield
    except TimeoutError:
        if not scope.expired():
            raise
        watching.result()
    finally:
        watching.remove_done_callback(ended)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
