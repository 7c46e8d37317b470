"""A run recorded, then replayed with its agents switched off, ends in the same trees; where it does not, it says so."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.conftest import Said, git, new_repository, script, shipline
from tests.e2e.own_agents import BINARY, IDEA

pytestmark = pytest.mark.timeout(600)

OWN = {"SHIPLINE_PLANNER": "tests.e2e.own_agents:Planner", "SHIPLINE_CODER": "tests.e2e.own_agents:Coder"}


@dataclass(frozen=True)
class Own:
    """A run of somebody's own agents, recorded. ``asked`` holds one line a request that they were made."""

    run: str
    repo: str
    recording: Path
    asked: Path

    @property
    def environment(self) -> dict[str, str]:
        return {**OWN, "ASKED": str(self.asked)}


@pytest.fixture(scope="module")
def own(stack: Path, tmp_path_factory: pytest.TempPathFactory) -> Own:
    """Delivered by agents of one's own, then recorded by the command line."""
    folder = tmp_path_factory.mktemp("own")
    repo, asked = new_repository(stack, "own-agents"), folder / "asked.txt"
    # An issue that is there already: the run's numbers, and the path of its spec, begin at another one.
    code = f"""
import json
from flows import deliver_now
run = deliver_now({IDEA!r}, repo={repo!r}, size="small")
print(json.dumps([run.id, run.outcome, run.error]))
"""
    _open_issue(stack, repo)
    said = script(stack, code, timeout=500, **OWN, ASKED=str(asked))
    assert said.code == 0, said.err[-2000:]
    run, outcome, error = json.loads(said.out.strip().splitlines()[-1])
    assert (outcome, error) == ("succeeded", None)
    made = shipline(stack, "record", run, "--to", str(folder), "--name", "manners", "--json")
    assert made.code == 0, made.err
    assert made.last_json["missing"] == []
    return Own(run, repo, folder / "manners", asked)


def test_the_demo_replayed_strictly_is_equal(stack: Path, demo: Said) -> None:
    said = shipline(stack, "replay", demo.last_json["run"], "--strict", "--json", timeout=500)
    assert said.code == 0, said.out + said.err
    told = said.last_json
    assert (told["equal"], told["differences"], told["outcome"]) == (True, [], "succeeded")
    assert told["trees"] == demo.last_json["merged_pull_requests"] + 1
    # Not by its own word alone: git says the same of both repositories.
    tag = demo.last_json["release"]
    assert _tree(_bare(stack, told["repository"]), tag) == _tree(Path(demo.last_json["repository"]), tag)
    assert "Warning" not in demo.out
    assert "Warning" not in shipline(stack, "logs", told["run"]).out


@pytest.mark.slow
@pytest.mark.long
def test_a_run_of_ones_own_agents_is_replayed_without_asking_them(stack: Path, own: Own) -> None:
    asked = own.asked.read_text()
    assert "developer-implementer goodbye 1" in asked
    assert (own.recording / "answers" / "hello" / "1.developer-implementer" / "change.patch").is_file()
    assert "conflict-1" in asked

    said = shipline(stack, "replay", str(own.recording), "--strict", timeout=500, **own.environment)
    assert said.code == 0, said.out + said.err
    assert said.out.strip().splitlines()[-1].startswith("equal: 4 trees")
    assert own.asked.read_text() == asked

    told = shipline(stack, "show", _newest(stack), "--json").last_json
    bare = _bare(stack, told["repo"])
    assert _tree(bare, "v0.2.0") == _tree(_bare(stack, own.repo), "v0.2.0")
    git(bare, "cat-file", "-e", "v0.2.0:docs/mark.bin")
    assert int(git(bare, "cat-file", "-s", "v0.2.0:docs/mark.bin")) == len(BINARY)
    epic = next(issue for issue in told["issues"] if issue["type"] == "epic")
    assert epic["number"] == 1
    assert git(bare, "ls-tree", "--name-only", "v0.2.0", "docs/specs/").split() == ["docs/specs/2-manners.md"]


@pytest.mark.slow
@pytest.mark.long
def test_a_patch_that_was_changed_is_named(stack: Path, own: Own, tmp_path: Path) -> None:
    altered = shutil.copytree(own.recording, tmp_path / "altered")
    patch = altered / "answers" / "goodbye" / "1.developer-implementer" / "change.patch"
    text = patch.read_bytes()
    assert text.count(b'+    """The word."""') == 1
    patch.write_bytes(text.replace(b'+    """The word."""', b'+    """The last word."""'))

    said = shipline(stack, "replay", str(altered), "--json", timeout=500)
    assert said.code == 1, said.out + said.err
    told = said.last_json
    assert (told["equal"], told["outcome"]) == (False, "succeeded")
    files = {each["what"]: each["files"] for each in told["differences"]}
    assert set(files) == {"tree of goodbye", "tree of hello", "tree of epic", "tree of the release"}
    assert {path for paths in files.values() for path in paths} == {"tally/goodbye.py"}


@pytest.mark.slow
@pytest.mark.long
def test_a_request_that_changed_fails_when_strict(stack: Path, own: Own, tmp_path: Path) -> None:
    altered = shutil.copytree(own.recording, tmp_path / "altered")
    answer = altered / "answers" / "plan-small" / "1.spec-writer" / "answer.yaml"
    known: dict[str, Any] = yaml.safe_load(answer.read_text())
    answer.write_text(yaml.safe_dump({**known, "request": "0" * 12}))

    said = shipline(stack, "replay", str(altered), "--strict")
    assert said.code == 1
    assert "spec-writer was asked something else for run" in said.err
    assert "differs: outcome: recorded succeeded, replayed failed" in said.out


@pytest.mark.slow
@pytest.mark.long
def test_what_cannot_be_replayed_or_recorded_is_said_in_a_sentence(stack: Path, own: Own, tmp_path: Path) -> None:
    again = shipline(stack, "record", own.run, "--to", str(own.recording.parent), "--name", own.recording.name)
    assert (again.code, "exists already" in again.err) == (2, True)
    nothing = shipline(stack, "replay", str(tmp_path))
    assert (nothing.code, "holds no recording.yaml" in nothing.err) == (4, True)
    by_hand = shipline(stack, "replay", "agents_catalog/recordings/tally-budgets")
    assert (by_hand.code, "does not say what its run ended in" in by_hand.err) == (2, True)
    alone = shipline(tmp_path / "elsewhere", "replay", str(own.recording))
    assert (alone.code, "shipline up" in alone.err) == (3, True)


def _bare(home: Path, repo: str) -> Path:
    return home / "sandbox" / "repos" / f"{repo}.git"


def _tree(bare: Path, ref: str) -> str:
    return git(bare, "rev-parse", f"{ref}^{{tree}}").strip()


def _newest(home: Path) -> str:
    return str(json.loads(shipline(home, "runs", "--json").out)[0]["_id"])


def _open_issue(home: Path, repo: str) -> None:
    import httpx

    told = json.loads((home / "stack.json").read_text())
    headers = {"Authorization": f"Bearer {told['github_token']}"}
    url = f"{told['github_api_url']}/repos/{repo}/issues"
    assert httpx.post(url, headers=headers, json={"title": "Be polite"}).status_code == 201
