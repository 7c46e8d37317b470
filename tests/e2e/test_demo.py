"""The demo: what it says, and whether it is true."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.e2e.conftest import Said, git, processes_of, shipline

pytestmark = pytest.mark.timeout(400)

FIELDS = "run outcome state issues leaves merged_pull_requests defects release repository seconds"


@pytest.fixture(scope="session")
def shown(demo: Said, home_folder: Path) -> dict[str, Any]:
    """The demo's run with its issues, as `show --json` tells it afterwards, with nothing running."""
    assert demo.code == 0, demo.err
    return shipline(home_folder, "show", demo.last_json["run"], "--json").last_json


@pytest.fixture(scope="session")
def clone(demo: Said, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of the repository at the release's tag."""
    told = demo.last_json
    folder = tmp_path_factory.mktemp("clone") / "tally"
    subprocess.run(["git", "clone", "-q", "-b", told["release"], told["repository"], str(folder)], check=True)
    return folder


def test_it_ends_in_a_release_and_one_json_line(demo: Said) -> None:
    assert demo.code == 0, demo.err
    told = demo.last_json
    assert set(told) == set(FIELDS.split())
    assert (told["outcome"], told["state"], told["release"]) == ("succeeded", "DONE", "v0.2.0")
    assert (told["leaves"], told["defects"], told["issues"]) == (10, 2, 17)
    assert told["merged_pull_requests"] == 17
    assert Path(told["repository"]).is_dir()
    assert "replayed from a recording" in demo.out
    assert "Traceback" not in demo.out + demo.err


def test_nothing_of_it_is_left_running(demo: Said, home_folder: Path) -> None:
    assert demo.code == 0
    if not (home_folder / "stack.json").exists():  # the stack of a later test may be up already
        assert processes_of(home_folder) == []


def test_the_release_passes_its_own_tests(clone: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "unittest", "-q"], cwd=clone, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Ran 8" in done.stderr or "Ran 9" in done.stderr


def test_the_feature_works_and_was_not_there_before(clone: Path, shown: dict[str, Any], tmp_path: Path) -> None:
    def tally(*words: str, at: Path = clone) -> subprocess.CompletedProcess[str]:
        command, book = [sys.executable, "-m", "tally", *words], {"TALLY_DATA": str(tmp_path / "book.json")}
        return subprocess.run(command, cwd=at, env=book, capture_output=True, text=True, check=False)

    assert tally("budget", "set", "food", "200").returncode == 0
    warned = tally("add", "185", "food", "--day", "2026-11-30")
    assert "92%" in warned.stderr
    assert tally("budget", "status", "--month", "2026-11", "--check").returncode == 1
    assert "food" in tally("export", "--month", "2026-11").stdout

    git(clone, "worktree", "add", "-q", str(tmp_path / "before"), shown["baseSha"])
    before = tally("budget", "set", "food", "200", at=tmp_path / "before")
    assert before.returncode != 0
    assert "invalid choice: 'budget'" in before.stderr


def test_every_commit_of_every_leaf_is_in_the_release(clone: Path, shown: dict[str, Any]) -> None:
    messages = git(clone, "log", "--format=%B%x00", shown["release"]["tag"]).split("\0")
    nodes = {
        line.removeprefix("Shipline-Node: ") for text in messages for line in text.splitlines() if "Node: " in line
    }
    worked = {issue["key"] for issue in shown["issues"] if issue["type"] in ("task", "defect")}
    assert worked <= nodes
    for issue in shown["issues"]:
        git(clone, "merge-base", "--is-ancestor", issue["head"], shown["release"]["tag"])
        git(clone, "merge-base", "--is-ancestor", issue["mergedSha"], shown["release"]["tag"])


def test_each_merge_has_the_branches_that_the_hierarchy_asks_for(clone: Path, shown: dict[str, Any]) -> None:
    by_key = {issue["key"]: issue for issue in shown["issues"]}
    prefix = {"epic": "epic", "feature": "feature", "task": "task", "defect": "task"}
    for issue in shown["issues"]:
        assert issue["branch"].startswith(f"{prefix[issue['type']]}/{issue['number']}-")
        title = git(clone, "log", "-1", "--format=%s", issue["mergedSha"]).strip()
        assert title == f"Merge {issue['branch']} into {issue['base']} (#{issue['prNumber']})"
        assert len(git(clone, "log", "-1", "--format=%P", issue["mergedSha"]).split()) == 2
        if issue["type"] == "epic":
            assert issue["base"] == "integration"
        elif issue["key"] != "csv-download.d1":
            assert issue["base"] == by_key[issue["parent"]]["branch"]
    # Filed when its parent had merged: it goes to the nearest branch that had not.
    assert by_key["csv-download.d1"]["base"] == by_key["epic"]["branch"]


def test_the_head_that_merged_is_the_head_that_was_tested(clone: Path, shown: dict[str, Any]) -> None:
    for issue in shown["issues"]:
        base, head = git(clone, "log", "-1", "--format=%P", issue["mergedSha"]).split()
        git(clone, "merge-base", "--is-ancestor", base, head)
        assert issue["testedHead"] in (head, None)  # None: a defect under it has merged elsewhere since


def test_two_leaves_ran_side_by_side_and_conflicted(clone: Path, demo: Said) -> None:
    assert "conflicts with feature/" in demo.out
    resolved = [line for line in git(clone, "log", "--format=%H %P %s").splitlines() if "Route for a month" in line]
    assert any(len(line.split(" ")[1:3]) == 2 and len(line.split(" ")[2]) == 40 for line in resolved)


def test_both_defects_were_filed_blocked_fixed_and_closed(shown: dict[str, Any], demo: Said, home_folder: Path) -> None:
    defects = {issue["key"]: issue for issue in shown["issues"] if issue["type"] == "defect"}
    assert set(defects) == {"budget-usage.d1", "csv-download.d1"}
    assert "AssertionError: Decimal('20.00') != Decimal('60.00')" in defects["budget-usage.d1"]["origin"]["evidence"]
    assert "B324" in defects["csv-download.d1"]["title"]
    assert {each["status"] for each in defects.values()} == {"DONE"}
    story = shipline(home_folder, "logs", demo.last_json["run"]).out
    for line in ("budget-usage is BLOCKED", "epic is BLOCKED", "csv-download is BLOCKED", "QA found 1 defect(s)"):
        assert line in story
    for each in defects.values():
        assert f"Issue #{each['number']} is closed" in story


def notes_of(home: Path, shown: dict[str, Any]) -> str:
    """The notes as they stand on GitHub's page of the release."""
    with closing(sqlite3.connect(home / "sandbox" / "sandbox.sqlite3")) as sandbox:
        asked = "SELECT body FROM releases JOIN repos ON repos.id = repo_id WHERE tag_name = ? AND repos.name = ?"
        found = sandbox.execute(asked, (shown["release"]["tag"], shown["repo"].partition("/")[2])).fetchone()
    return str(found[0])


def test_the_notes_trace_each_requirement(shown: dict[str, Any], clone: Path, home_folder: Path) -> None:
    assert shown["spec"]["requirements"]
    changelog = (clone / "CHANGELOG.md").read_text()
    assert "## [0.2.0]" in changelog
    assert 'version = "0.2.0"' in (clone / "pyproject.toml").read_text()
    table = [line for line in notes_of(home_folder, shown).splitlines() if line.startswith("| **")]
    assert len(table) == len(shown["spec"]["requirements"])
    assert all(cell.strip() for line in table for cell in line.strip().strip("|").split("|"))
    tested = {need for issue in shown["issues"] if issue["tests"] for need in issue["requirements"]}
    assert {need["id"] for need in shown["spec"]["requirements"]} <= tested


def test_the_chain_is_whole_until_somebody_touches_it(stack: Path, demo: Said) -> None:
    from pymongo import MongoClient

    run = demo.last_json["run"]
    assert shipline(stack, "audit", "verify", run).code == 0
    uri = json.loads((stack / "stack.json").read_text())["mongodb_uri"]
    with MongoClient[dict[str, Any]](uri) as client:
        events = client["shipline"]["events"]
        fifth = events.find_one({"runId": run, "seq": 5})
        assert fifth is not None
        tail = list(events.find({"runId": run, "seq": {"$gt": 300}}))

        events.update_one({"_id": fifth["_id"]}, {"$set": {"msg": "nothing to see"}})
        said = shipline(stack, "audit", "verify", run)
        assert said.code == 1
        assert "event 5 was altered" in said.err

        events.delete_one({"_id": fifth["_id"]})
        said = shipline(stack, "audit", "verify", run)
        assert said.code == 1
        assert "5" in said.err
        assert "missing" in said.err
        events.insert_one(fifth)

        events.delete_many({"runId": run, "seq": {"$gt": 300}})
        said = shipline(stack, "audit", "verify", run)
        assert said.code == 1
        assert "cut off" in said.err
        events.insert_many(tail)
    assert shipline(stack, "audit", "verify", run).code == 0


def test_nothing_listens_beyond_this_machine(stack: Path) -> None:
    listening = [
        each.laddr
        for process in processes_of(stack)
        for each in process.net_connections()
        if each.status == psutil.CONN_LISTEN
    ]
    assert len(listening) >= 3
    assert {address.ip for address in listening} == {"127.0.0.1"}
