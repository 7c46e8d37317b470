"""A stack of MongoDB alone: starts, says where it is, refuses what it cannot do, and ends without a trace."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from deployments.mongod import check_mongodb, ledger_only
from deployments.ports import free_port
from deployments.stack import LocalStack
from deployments.sweep import MARK, stack_id
from shipline.config import load_settings, running_stack
from shipline.errors import ConfigError, Unavailable
from tests.integration.stack.conftest import left

ONLY = ("mongodb",)


async def test_it_says_where_it_is_and_ends_without_a_trace(home: Path) -> None:
    told: list[tuple[str, str]] = []
    async with LocalStack(home, fixed_ports=False, parts=ONLY, on_progress=lambda *what: told.append(what)) as stack:
        uri = stack.addresses.mongodb_uri
        file = home / "stack.json"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        told_of_itself = {"pid": os.getpid(), "stack_id": stack_id(home), "mongodb_uri": uri}
        assert running_stack(home) == told_of_itself == json.loads(file.read_text())
        assert load_settings().mongodb_uri == uri
        assert load_settings().github_api_url == "https://api.github.com"  # no part, no word about it
        assert stack.environment()["SHIPLINE_MONGODB_URI"] == uri
        assert "SHIPLINE_GITHUB_API_URL" not in stack.environment()
        assert len(await left(home)) == 2  # mongod, and the watcher over it
    assert [part for part, _ in told] == ["mongodb", "mongodb"]
    assert told[0][1] == "starting"
    assert told[1][1].startswith("ready in ")
    assert await left(home) == []
    assert running_stack(home) == {}
    assert not (home / "stack.json").exists()
    assert '"Shutting down"' in (home / "logs" / "mongodb.log").read_text()  # cleanly, not by a kill


async def test_its_data_survives_another_port(home: Path) -> None:
    for documents, port in enumerate((free_port(), free_port()), 1):
        async with LocalStack(home, fixed_ports=True, parts=ONLY, ports={"mongodb": port}) as stack:
            assert f"127.0.0.1:{port}/" in stack.addresses.mongodb_uri
            async with AsyncMongoClient[dict[str, Any]](stack.addresses.mongodb_uri, w="majority") as client:
                things = client.shipline.things
                async with await things.watch() as changes:
                    await things.insert_one({"number": documents})
                    assert (await changes.next())["fullDocument"]["number"] == documents
                assert await things.count_documents({}) == documents
                assert (await client.admin.command("hello"))["me"] == f"127.0.0.1:{port}"


async def test_a_second_stack_on_the_same_home_is_refused(home: Path) -> None:
    async with LocalStack(home, fixed_ports=False, parts=ONLY) as first:
        with pytest.raises(ConfigError, match=rf"already running here \(pid {os.getpid()}\)"):
            async with LocalStack(home, fixed_ports=False, parts=ONLY):
                raise AssertionError
        await check_mongodb(first.addresses.mongodb_uri)  # the first took no harm


async def test_a_taken_port_is_refused_before_anything_starts(home: Path) -> None:
    async with LocalStack(home, fixed_ports=False, parts=ONLY) as stack:
        port = int(stack.addresses.mongodb_uri.partition("/?")[0].rpartition(":")[2])
        with pytest.raises(ConfigError, match=rf"Port {port} is taken \(by pid \d+ mongod\)"):
            async with LocalStack(home / "other", fixed_ports=True, parts=ONLY, ports={"mongodb": port}):
                raise AssertionError
    assert await left(home / "other") == []


async def test_without_a_mongod_nothing_starts(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHIPLINE_MONGOD", "/nothing")
    with pytest.raises(ConfigError, match="SHIPLINE_MONGOD"):
        async with LocalStack(home, fixed_ports=False):
            raise AssertionError
    assert await left(home) == []


async def test_a_mongod_that_fails_is_said_with_its_log_and_the_others_end(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHIPLINE_MONGOD", "/bin/false")
    with pytest.raises(Unavailable, match=r"mongodb ended at once \(exit code 1\)") as failed:
        async with LocalStack(home, fixed_ports=False, parts=("mongodb", "sandbox")):
            raise AssertionError
    assert str(home / "logs" / "mongodb.log") in failed.value.hint
    assert await left(home) == []
    monkeypatch.delenv("SHIPLINE_MONGOD")
    async with LocalStack(home, fixed_ports=False, parts=ONLY):  # the folder is free again
        pass


async def test_a_mongodb_of_yours_is_used_and_left_alone(
    home: Path, mongodb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHIPLINE_MONGODB_URI", mongodb)
    monkeypatch.setenv("SHIPLINE_MONGOD", "/nothing")  # none is needed here
    async with LocalStack(home, fixed_ports=False, parts=ONLY) as stack:
        assert stack.addresses.mongodb_uri == mongodb
    await check_mongodb(mongodb)


async def test_a_mongodb_of_yours_that_does_not_answer_is_said(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHIPLINE_MONGODB_URI", f"mongodb://127.0.0.1:{free_port()}")
    with pytest.raises(Unavailable, match="MongoDB does not answer"):
        async with LocalStack(home, fixed_ports=False, parts=ONLY):
            raise AssertionError


async def test_children_are_waited_for_and_end_with_the_stack(home: Path) -> None:
    async with LocalStack(home, fixed_ports=False, parts=ONLY) as stack:
        tell = "import os; print(os.environ['SHIPLINE_MONGODB_URI'], os.environ['MORE'])"
        short = await stack.start_child("short", [sys.executable, "-c", tell], {"MORE": "more"})
        long = await stack.start_child("long", ["sleep", "60"], {})
        assert await short.wait() == 0
        assert short.log.read_text() == f"{stack.addresses.mongodb_uri} more\n"
        assert long.exit_code is None
    assert await long.wait() == -15


async def test_what_a_killed_stack_left_is_swept_at_the_next_start(home: Path) -> None:
    leftover = _sleeper(stack_id(home))
    async with LocalStack(home, fixed_ports=False, parts=ONLY):
        assert leftover.wait(1) == -15


async def test_a_command_has_mongodb_for_itself_or_the_running_stacks(home: Path) -> None:
    async with ledger_only(home) as uri:
        await check_mongodb(uri)
        assert running_stack(home) == {}  # it will be gone in a moment: nobody is told
    assert await left(home) == []
    async with LocalStack(home, fixed_ports=False, parts=ONLY) as stack:
        async with ledger_only(home) as uri:
            assert uri == stack.addresses.mongodb_uri
        await check_mongodb(uri)


def test_the_mark_is_of_the_folder_and_not_of_the_start(tmp_path: Path) -> None:
    assert stack_id(tmp_path) == stack_id(tmp_path / "x" / "..")
    assert stack_id(tmp_path) != stack_id(tmp_path / "x")


def _sleeper(stack: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(["sleep", "60"], env={MARK: stack, "PATH": os.environ["PATH"]})
