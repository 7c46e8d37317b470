"""From Python and through Prefect's worker, against a running stack."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import httpx
import pytest

from agents_catalog.catalog import recordings_folder
from ledger.models import Size
from ledger.rules.plan import BOUNDS
from tests.e2e.conftest import IDEA, Said, git, new_repository, script, shipline

pytestmark = pytest.mark.timeout(400)

ANSWERS = Path("tally-budgets") / "answers"
BAD = ANSWERS / "budget-usage" / "1.developer-implementer" / "files" / "tally" / "usage.py"
GOOD = ANSWERS / "budget-usage.d1" / "1.developer-implementer" / "files" / "tally" / "usage.py"


def _deliver(home: Path, repo: str, size: str, recordings: Path) -> dict[str, Any]:
    code = f"""
import json
from flows import deliver_now
run = deliver_now({IDEA!r}, repo={repo!r}, size={size!r})
print(json.dumps([run.id, run.outcome, run.error]))
"""
    said = script(home, code, SHIPLINE_RECORDINGS=str(recordings))
    assert said.code == 0, said.err[-2000:]
    run, outcome, error = json.loads(said.out.strip().splitlines()[-1])
    shown = shipline(home, "show", run, "--json").last_json
    return {**shown, "outcome": outcome, "error": error, "run": run}


def _bare(home: Path, repo: str) -> Path:
    return home / "sandbox" / "repos" / f"{repo}.git"


def test_a_dry_run_shows_plans_and_no_code_and_then_goes_on(stack: Path) -> None:
    repo = new_repository(stack, "dry")
    code = f"""
import json
from flows import STAGES, continue_now, deliver_now, stage_now
run = deliver_now({IDEA!r}, repo={repo!r}, size="small", dry_run=True)
print(json.dumps([run.id, run.state, run.outcome, run.error]))
again = [stage_now(stage, run.id).chain.seq for stage in ("spec", "plan", "plan")]
print(json.dumps([run.chain.seq, again]))
"""
    said = script(stack, code)
    assert said.code == 0, said.err[-2000:]
    first, second = (json.loads(line) for line in said.out.strip().splitlines()[-2:])
    run, state, outcome, error = first
    assert (state, outcome, error) == ("ISSUE_TREE", "planned", None)
    assert set(second[1]) == {second[0]}  # each stage again: not one more event

    bare = _bare(stack, repo)
    branches = git(bare, "for-each-ref", "--format=%(refname:short)", "refs/heads/task", "refs/heads/epic").split()
    assert len(branches) == 6
    for branch in branches:
        assert git(bare, "log", "-1", "--format=%s", branch).startswith("Plan: ")
        assert {line.split("/")[0] for line in git(bare, "diff", "--name-only", "main", branch).split()} <= {"docs"}

    code = f"""
import json
from flows import STAGES, continue_now, stage_now
run = continue_now({run!r})
print(json.dumps([run.outcome, run.error, run.release and run.release.tag]))
print(json.dumps([run.chain.seq, [stage_now(stage, run.id).chain.seq for stage in STAGES]]))
"""
    said = script(stack, code)
    assert said.code == 0, said.err[-2000:]
    ended, stages = (json.loads(line) for line in said.out.strip().splitlines()[-2:])
    assert ended == ["succeeded", None, "v0.2.0"]
    assert set(stages[1]) == {stages[0]}


@pytest.mark.parametrize("size", [Size.SMALL, Size.LARGE])
def test_a_tree_stays_within_the_bounds_of_its_size(stack: Path, size: Size) -> None:
    repo = new_repository(stack, f"size-{size}")
    said = shipline(stack, "run", IDEA, "--repo", repo, "--size", size, "--dry-run", "--json")
    assert said.code == 0, said.err
    told = said.last_json
    assert told["outcome"] == "planned", told["error"]
    issues = shipline(stack, "show", told["_id"], "--json").last_json["issues"]
    leaves = sum(issue["type"] == "task" for issue in issues)
    features = sum(issue["type"] == "feature" for issue in issues)
    bounds = BOUNDS[size]
    assert bounds.min_leaves <= leaves <= bounds.max_leaves
    assert bounds.min_features <= features <= bounds.max_features


def test_the_good_answer_in_place_of_the_bad_one_files_no_defect(stack: Path, tmp_path: Path) -> None:
    shutil.copytree(recordings_folder(), tmp_path / "recordings")
    shutil.copy(tmp_path / "recordings" / GOOD, tmp_path / "recordings" / BAD)

    told = _deliver(stack, new_repository(stack, "good"), "small", tmp_path / "recordings")

    assert (told["outcome"], told["error"]) == ("succeeded", None)
    assert told["totals"]["defects"] == 0  # the small demo as it is recorded files one


def test_another_broken_line_files_a_defect_that_quotes_the_assertion(stack: Path, tmp_path: Path) -> None:
    shutil.copytree(recordings_folder(), tmp_path / "recordings")
    month = tmp_path / "recordings" / ANSWERS / "month" / "1.refactorer" / "files" / "tally" / "month.py"
    text = month.read_text()
    broken = text.replace('return f"{self.year:04}-', 'return f"{self.year:04}/')
    assert broken != text
    month.write_text(broken)

    told = _deliver(stack, new_repository(stack, "broken"), "small", tmp_path / "recordings")

    assert told["outcome"] == "failed"
    assert "month.d1" in told["error"]
    defect = next(issue for issue in told["issues"] if issue["key"] == "month.d1")
    assert "AssertionError" in defect["origin"]["evidence"]
    assert "2026/" in defect["origin"]["evidence"]


def test_the_worker_delivers_what_the_command_line_submits(stack: Path) -> None:
    repo = new_repository(stack, "by-worker")
    said = shipline(stack, "run", IDEA, "--repo", repo, "--size", "small")
    assert said.code == 0, said.err
    assert "Run succeeded" in said.out
    _in_prefect(stack, said)


def _in_prefect(home: Path, said: Said) -> None:
    """Somebody who only knows Prefect finds the run: by name, by tag, with its artifacts."""
    api = json.loads((home / "stack.json").read_text())["prefect_api_url"]
    newest = json.loads(shipline(home, "runs", "--json").out)[0]["_id"]
    query = {"flow_runs": {"tags": {"all_": ["shipline", newest]}}}
    found = httpx.post(f"{api}/flow_runs/filter", json=query, timeout=30).json()
    assert [each["name"] for each in found] == [f"deliver {newest}"]
    keys = {each["key"] for each in httpx.post(f"{api}/artifacts/filter", json={"limit": 200}, timeout=30).json()}
    assert {f"plan-{newest}", f"progress-{newest}", f"release-{newest}"} <= keys
    assert said.out


@pytest.mark.long
def test_the_demo_uses_a_stack_that_is_up(stack: Path) -> None:
    said = shipline(stack, "demo", "--size", "small")
    assert said.code == 0, said.err
    assert "using it" in said.err
    assert said.last_json["outcome"] == "succeeded"


def test_every_stage_is_a_deployment_of_its_own(stack: Path) -> None:
    api = json.loads((stack / "stack.json").read_text())["prefect_api_url"]
    names = {each["name"] for each in httpx.post(f"{api}/deployments/filter", json={}, timeout=30).json()}
    assert {"deliver", "spec", "plan", "execute", "qa", "merge", "release"} <= names


def test_doctor_finds_everything_in_order(stack: Path) -> None:
    said = shipline(stack, "doctor")
    assert said.code == 0, said.out
    assert "replayed" in said.out
