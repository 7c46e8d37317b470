"""What cannot be done is said in a sentence, with what to do, a code, and nothing half-made."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from tests.e2e.conftest import IDEA, Said, script, shipline

pytestmark = pytest.mark.timeout(400)


def _is_a_sentence(said: Said, *words: str) -> None:
    assert said.code not in (0, None)
    for word in words:
        assert word in said.err, said.err
    assert "Traceback" not in said.out + said.err
    assert len(said.err.strip().splitlines()) <= 4, said.err


def _runs(home: Path) -> int:
    return len(json.loads(shipline(home, "runs", "--json").out))


def test_an_idea_without_a_recording_says_how_to_think(stack: Path) -> None:
    before = _runs(stack)
    _is_a_sentence(
        shipline(stack, "run", "Paint it blue", "--repo", "demo/tally"),
        "No recording",
        "SHIPLINE_PLANNER",
        "SHIPLINE_CODER",
    )
    assert _runs(stack) == before


@pytest.mark.parametrize(("idea", "word"), [("   ", "empty"), ("x" * 100_000, "100,000 characters")])
def test_an_idea_of_no_use_is_refused(stack: Path, idea: str, word: str) -> None:
    before = _runs(stack)
    _is_a_sentence(shipline(stack, "run", idea, "--repo", "demo/tally"), word)
    assert _runs(stack) == before


def test_an_idea_of_a_megabyte_is_refused(stack: Path) -> None:
    code = """
from flows import deliver_now
from shipline.errors import InvalidInput
try:
    deliver_now("x" * 1_000_000, repo="demo/tally")
except InvalidInput as error:
    print(error)
"""
    said = script(stack, code)
    assert "1,000,000 characters" in said.out, said.err
    assert IDEA not in said.out


@pytest.mark.parametrize("repo", ["demo/nothing", "nothing", "a/b/c"])
def test_a_repository_that_is_not_there_is_named(stack: Path, repo: str) -> None:
    before = _runs(stack)
    _is_a_sentence(shipline(stack, "run", IDEA, "--repo", repo), repo)
    assert _runs(stack) == before


def test_an_unknown_run_is_named(stack: Path) -> None:
    for command in (("show",), ("logs",), ("audit", "verify")):
        _is_a_sentence(shipline(stack, *command, "r-nothing"), "r-nothing")


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        _is_a_sentence(shipline(tmp_path, "up", "--prefect-port", str(port)), str(port), "taken")


def test_without_a_mongod_it_says_where_to_get_one(tmp_path: Path) -> None:
    said = shipline(tmp_path, "demo", SHIPLINE_MONGOD=str(tmp_path / "nothing"))
    _is_a_sentence(said, "SHIPLINE_MONGOD")


def test_an_empty_home_says_what_to_try(tmp_path: Path) -> None:
    _is_a_sentence(shipline(tmp_path, "runs"), "shipline demo")


def test_a_second_stack_on_the_same_home_is_refused(stack: Path) -> None:
    _is_a_sentence(shipline(stack, "up"), "already running")


def test_help_says_what_each_command_does(tmp_path: Path) -> None:
    for command in ("up", "demo", "run", "resume", "runs", "show", "logs", "doctor", "audit"):
        said = shipline(tmp_path, command, "--help")
        assert said.code == 0
        assert "Usage" in said.out
