"""A part of the stack that dies is started again; one that cannot live ends the stack, in words."""

from __future__ import annotations

import asyncio
import re
import stat
from pathlib import Path

import httpx
import pytest
from pymongo import AsyncMongoClient

from deployments import attached, healing
from deployments.attached import running_or_new
from deployments.mongod import check_mongodb
from deployments.stack import LocalStack
from ledger import patience
from shipline.config import running_stack
from shipline.errors import Unavailable
from tests.integration.stack.conftest import left

PARTS = ("mongodb", "sandbox")
Told = list[tuple[str, str]]


async def _kill(home: Path, word: str) -> None:
    """Kill the process of the stack whose command line holds ``word``."""
    (found,) = [each for each in await left(home) if any(word in part for part in each.cmdline())]
    found.kill()


async def _told(told: Told, part: str, what: str, within: float = 30) -> str:
    """Wait for a line about a part."""
    async with asyncio.timeout(within):
        while True:
            for line in [said for about, said in told if about == part and re.search(what, said)]:
                return line
            await asyncio.sleep(0.05)


async def test_a_part_that_dies_is_back_on_its_port_with_its_data(home: Path) -> None:
    told: Told = []
    async with LocalStack(home, fixed_ports=False, parts=PARTS, on_progress=lambda *what: told.append(what)) as stack:
        before, addresses = running_stack(home), stack.addresses
        async with AsyncMongoClient[dict[str, int]](addresses.mongodb_uri, timeoutMS=30_000) as client:
            await client.shipline.things.insert_one({"kept": 1})
            await _kill(home, "--dbpath")
            assert await client.shipline.things.count_documents({"kept": 1}) == 1
        await _kill(home, "--seed")
        for part in PARTS:
            ended = await _told(told, part, "has ended")
            assert re.fullmatch(r"\d\d:\d\d:\d\d has ended \(killed by SIGKILL\); starting it again", ended)
            assert re.fullmatch(r"\d\d:\d\d:\d\d is back after \d+\.\d s", await _told(told, part, "is back"))
        headers = {"Authorization": f"Bearer {addresses.github_token}"}
        async with httpx.AsyncClient(base_url=addresses.github_api_url, headers=headers) as client_:
            assert (await client_.get("/repos/demo/tally")).status_code == 200
        assert running_stack(home) == before
        assert stack.addresses == addresses
        assert len(await left(home)) == 3  # each once, and the watcher
    assert await left(home) == []


async def test_one_that_cannot_live_ends_the_stack_with_its_log(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(healing, "PAUSE", 0.01)
    told: Told = []
    with pytest.raises(Unavailable, match=r"mongodb has ended 6 times within a minute \(exit code 7\)") as failed:
        async with LocalStack(
            home, fixed_ports=False, parts=("mongodb",), on_progress=lambda *what: told.append(what)
        ) as stack:
            broken = home / "mongod"
            broken.write_text("#!/bin/sh\necho no more >&2\nexit 7\n")
            broken.chmod(stat.S_IRWXU)
            monkeypatch.setenv("SHIPLINE_MONGOD", str(broken))
            await _kill(home, "--dbpath")
            await stack.watch()
    assert str(home / "logs" / "mongodb.log") in failed.value.hint
    assert "no more" in failed.value.hint
    assert sum("starting it again" in what for _, what in told) == healing.STARTS
    assert await left(home) == []


async def test_the_body_of_a_stack_that_cannot_live_is_ended(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo has nobody who waits for a death: its work is cancelled, and the sentence follows."""
    monkeypatch.setattr(healing, "PAUSE", 0.01)
    monkeypatch.setattr(attached, "PARTS", ("mongodb",))
    with pytest.raises(Unavailable, match="mongodb has ended 6 times"):
        async with running_or_new(home, lambda *_: None):
            monkeypatch.setenv("SHIPLINE_MONGOD", "/bin/false")
            await _kill(home, "--dbpath")
            await asyncio.sleep(60)
            raise AssertionError
    assert await left(home) == []


async def test_the_end_of_a_stack_is_not_healed(home: Path) -> None:
    """Ended in the very moment in which a part comes up again: nothing is left."""
    told: Told = []
    for wait in (0.0, 0.1, 0.3, 0.6):
        told.clear()
        async with LocalStack(home, fixed_ports=False, parts=PARTS, on_progress=lambda *what: told.append(what)):
            await _kill(home, "--dbpath")
            await _told(told, "mongodb", "has ended")
            await asyncio.sleep(wait)
        assert await left(home) == [], wait


async def test_with_a_full_disk_it_waits_for_space(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "LOW", 10**15)
    monkeypatch.setattr(healing, "LOOK", 0.05)
    told: Told = []
    async with LocalStack(
        home, fixed_ports=False, parts=("mongodb",), on_progress=lambda *what: told.append(what)
    ) as stack:
        await _kill(home, "--dbpath")
        said = await _told(told, "mongodb", "is full")
        assert f"The disk of {home} is full. It starts again when there is space." in said
        await asyncio.sleep(0.3)
        assert not any("starting it again" in what for _, what in told)
        monkeypatch.setattr(patience, "LOW", 0)
        await _told(told, "mongodb", "is back")
        await check_mongodb(stack.addresses.mongodb_uri)
