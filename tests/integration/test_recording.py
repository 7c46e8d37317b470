"""The authored recording, played with real git, tests and scans but without Shipline: the tree is walked in order."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
import yaml

from agents_catalog.catalog import recordings_folder
from ledger.models import AgentType, IssueType, Plan, PlanNode, Requirement, Spec
from tasks.agents.recording import RecordedAnswer, Recording, read_recordings
from tasks.answers import AuditOpinion, Criteria, Order, QaOpinion, ReleaseStory, Review, Roadmap

SEED = Path(__file__).parents[2] / "sandbox" / "seed" / "tally"
ANSWERS = recordings_folder() / "tally-budgets" / "answers"
SIZES = ("small", "medium", "large")
BOUNDS = {"small": (2, 5, 0, 2, 2), "medium": (6, 15, 2, 6, 3), "large": (10, 60, 3, 12, 4)}
FAILS_FIRST, CONFLICTS, WEAK = "budget-usage", "http-status", "csv-download"
QUIET = {"GIT_CONFIG_GLOBAL": os.devnull, "LC_ALL": "C", "PYTHONDONTWRITEBYTECODE": "1"}
WHO = {f"GIT_{who}_{what}": "test@localhost" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def load(node: str, who: str) -> RecordedAnswer:
    return RecordedAnswer.model_validate(yaml.safe_load((ANSWERS / node / who / "answer.yaml").read_text()))


def payload(node: str, who: str) -> dict[str, Any]:
    answer = load(node, who).answer
    assert answer is not None
    return answer


def read_plan(size: str) -> Plan:
    roadmap = Roadmap.model_validate(payload(f"plan-{size}", "1.roadmap-decomposer"))
    criteria = Criteria.model_validate(payload(f"plan-{size}", "1.acceptance-criteria-author")).criteria
    order = Order.model_validate(payload(f"plan-{size}", "1.issue-planner")).order
    keys = {node.key for node in roadmap.nodes}
    assert len(keys) == len(roadmap.nodes)
    assert set(criteria) == set(order) == keys
    return Plan(
        nodes=[
            PlanNode(**node.model_dump(), **order[node.key].model_dump(), acceptance_criteria=criteria[node.key])
            for node in roadmap.nodes
        ]
    )


def leaves(plan: Plan) -> list[PlanNode]:
    return [node for node in plan.nodes if node.type is IssueType.TASK]


@dataclass
class Walk:
    """One delivery into one repository: what Shipline does, in a few lines and with nothing remembered."""

    size: str
    repo: Path
    one_at_a_time: bool = False
    failed: dict[str, str] = field(default_factory=dict)
    conflicted: list[str] = field(default_factory=list)

    @cached_property
    def plan(self) -> Plan:
        return read_plan(self.size)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        env = {**os.environ, **QUIET, **WHO, "PATH": path}
        return subprocess.run(command, cwd=self.repo, env=env, capture_output=True, text=True, check=False)

    def git(self, *args: str) -> str:
        ran = self.run("git", *args)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout.strip()

    def begin(self) -> None:
        shutil.copytree(SEED, self.repo, ignore=shutil.ignore_patterns("__pycache__"))
        self.git("init", "--quiet", "--initial-branch", "integration")
        self.commit("Tally 0.1.0")
        assert self.tests() == ""

    def deliver(self) -> None:
        """The whole tree, from the epic's branch down and up again."""
        epic = self.plan.nodes[0]
        self.branch(epic.key, "integration")
        self.children_of(epic)

    def children_of(self, parent: PlanNode) -> None:
        mine = sorted(
            (node for node in self.plan.nodes if node.parent == parent.key), key=lambda n: (n.order_index, n.key)
        )
        for _, group in groupby(mine, key=lambda node: node.key if self.one_at_a_time else node.order_index):
            side_by_side = list(group)
            for node in side_by_side:
                self.branch(node.key, parent.key)
            for node in side_by_side:
                self.git("switch", "--quiet", node.key)
                if node.type is IssueType.TASK:
                    self.leaf(node)
                else:
                    self.children_of(node)
            for node in side_by_side:
                self.merge(node.key, parent.key)

    def leaf(self, node: PlanNode) -> None:
        """Work on a leaf; where its tests fail, let the recorded defect under it repair them."""
        before = set(self.git("ls-files").split())
        self.apply(node.key, f"1.{node.agent}")
        new_tests = [path for path in set(self.git("ls-files").split()) - before if path.startswith("tests/test_")]
        assert new_tests, f"{node.key} brings no test"
        if said := self.tests():
            self.failed[node.key] = said
            self.fix(node.key)
            assert self.tests() == ""

    def fix(self, key: str) -> None:
        defect, branch = f"{key}.d1", self.git("branch", "--show-current")
        self.branch(defect, branch)
        self.apply(defect, "1.developer-implementer")
        self.merge(defect, branch)

    def merge(self, branch: str, parent: str) -> None:
        """Bring the branch up to its parent, resolving as recorded, test it, merge it."""
        self.git("switch", "--quiet", branch)
        head = self.git("rev-parse", "HEAD")
        if self.run("git", "merge", "--quiet", "--no-edit", parent).returncode != 0:
            self.conflicted.append(branch)
            assert self.git("diff", "--name-only", "--diff-filter=U").split() == ["tally/routes.py"]
            self.apply(branch, "conflict-1.developer-implementer")
        if self.git("rev-parse", "HEAD") != head:
            assert self.tests() == ""
        self.git("switch", "--quiet", parent)
        self.git("merge", "--quiet", "--no-ff", "--no-edit", branch)

    def branch(self, name: str, base: str) -> None:
        self.git("switch", "--quiet", "--create", name, base)

    def apply(self, node: str, who: str) -> None:
        answer, files = load(node, who), ANSWERS / node / who / "files"
        assert answer.summary
        if files.is_dir():
            shutil.copytree(files, self.repo, dirs_exist_ok=True)
        for edit in answer.edits:
            text = (self.repo / edit.path).read_text()
            assert text.count(edit.old) == 1, f"{node}: {edit.old!r} stands {text.count(edit.old)} times in {edit.path}"
            (self.repo / edit.path).write_text(text.replace(edit.old, edit.new))
        for path in answer.delete:
            (self.repo / path).unlink()
        self.commit(answer.summary)

    def commit(self, message: str) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        for tool in (("check", "--extend-select", "I"), ("format", "--check")):
            ran = self.run("ruff", *tool, "--isolated", "--no-cache")
            assert ran.returncode == 0, ran.stdout + ran.stderr

    def tests(self) -> str:
        """What the target's tests say when they fail; nothing when they pass."""
        ran = self.run("python", "-W", "error", "-m", "unittest", "--quiet")
        return ran.stderr if ran.returncode else ""

    def coverage_percent(self) -> float:
        assert self.run("coverage", "run", "-m", "unittest", "--quiet").returncode == 0
        return float(self.run("coverage", "report", "--format=total", "--precision=2").stdout)

    def weak_spots(self) -> list[tuple[str, str, str]]:
        ran = self.run("bandit", "-q", "-r", "tally", "-f", "json")
        found = json.loads(ran.stdout)["results"]
        return [(each["test_id"], each["issue_severity"], Path(each["filename"]).as_posix()) for each in found]


@pytest.mark.parametrize(("size", "alone"), [*((size, False) for size in SIZES), ("medium", True)])
def test_the_tree_is_delivered_and_fails_only_where_it_should(tmp_path: Path, size: str, alone: bool) -> None:
    walk = Walk(size, tmp_path / "repo", alone)
    walk.begin()
    walk.deliver()

    assert list(walk.failed) == [FAILS_FIRST]
    assert "AssertionError: Decimal('20.00') != Decimal('60.00')" in walk.failed[FAILS_FIRST]
    assert "FAILED (failures=1)" in walk.failed[FAILS_FIRST]
    whole = size != "small"
    assert walk.conflicted == ([CONFLICTS] if whole and not alone else [])
    assert walk.weak_spots() == ([("B324", "HIGH", "tally/export_handlers.py")] if whole else [])
    if whole:
        walk.fix(WEAK)
        assert walk.weak_spots() == []
    assert walk.coverage_percent() > 95


@pytest.mark.parametrize("key", [FAILS_FIRST, WEAK])
def test_the_fix_of_a_defect_can_be_copied_over_the_bad_file(key: str) -> None:
    bad, good = (ANSWERS / node / "1.developer-implementer" / "files" for node in (key, f"{key}.d1"))
    [fixed] = (path.relative_to(good) for path in good.rglob("*.py"))
    assert (bad / fixed).read_text() != (good / fixed).read_text()
    assert not load(f"{key}.d1", "1.developer-implementer").edits


@pytest.mark.parametrize("size", SIZES)
def test_the_plan_is_sound(size: str) -> None:
    plan = read_plan(size)
    spec = Spec.model_validate(payload(f"plan-{size}", "1.spec-writer"))
    nodes = {node.key: node for node in plan.nodes}
    fewest, most, few_features, many_features, deepest = BOUNDS[size]
    assert fewest <= len(leaves(plan)) <= most
    assert few_features <= sum(node.type is IssueType.FEATURE for node in plan.nodes) <= many_features
    assert max(len(list(ancestors(nodes, node))) for node in plan.nodes) < deepest
    assert [node.parent for node in plan.nodes].count(None) == 1
    assert {each for leaf in leaves(plan) for each in leaf.requirements} == ids(spec.requirements)
    for node in plan.nodes:
        assert len(node.title) <= 50
        assert set(node.requirements) <= ids(spec.requirements)
    for leaf in leaves(plan):
        assert len(leaf.acceptance_criteria) >= 2
        assert leaf.files
        assert leaf.requirements


def ids(requirements: list[Requirement]) -> set[str]:
    return {each.id for each in requirements}


def ancestors(nodes: dict[str, PlanNode], node: PlanNode) -> Iterator[PlanNode]:
    while node.parent is not None:
        node = nodes[node.parent]
        yield node


@pytest.mark.parametrize("size", SIZES)
def test_what_a_node_waits_for_stands_before_it(size: str) -> None:
    nodes = {node.key: node for node in read_plan(size).nodes}

    def path(key: str) -> list[int]:
        node = nodes[key]
        return [*reversed([each.order_index for each in ancestors(nodes, node)]), node.order_index]

    for node in nodes.values():
        for other in node.dependencies:
            assert path(other) < path(node.key), f"{node.key} waits for {other}"


@pytest.mark.parametrize("size", SIZES)
def test_files_are_declared_truly_but_for_the_conflict(size: str) -> None:
    for leaf in leaves(read_plan(size)):
        who = ANSWERS / leaf.key / f"1.{leaf.agent}"
        written = {str(path.relative_to(who / "files")) for path in (who / "files").rglob("*") if path.is_file()}
        touched = written | {edit.path for edit in load(leaf.key, who.name).edits}
        if leaf.key in (CONFLICTS, "http-budgets"):
            touched.remove("tally/routes.py")
        assert {next((d for d in leaf.files if d.endswith("/") and t.startswith(d)), t) for t in touched} == set(
            leaf.files
        )


@pytest.mark.parametrize("size", SIZES)
def test_every_answer_about_the_run_fits(size: str) -> None:
    where = f"plan-{size}"
    assert QaOpinion.model_validate(payload(where, "1.qa-tester")).verdict == "pass"
    assert AuditOpinion.model_validate(payload(where, "1.security-auditor")).accepted == []
    assert ReleaseStory.model_validate(payload(where, "1.release-manager")).highlights


def test_every_leaf_and_every_defect_is_reviewed() -> None:
    worked_on = {leaf.key for size in SIZES for leaf in leaves(read_plan(size))} | {f"{FAILS_FIRST}.d1", f"{WEAK}.d1"}
    for key in worked_on:
        review = Review.model_validate(payload(key, "1.code-reviewer"))
        assert review.verdict == "approve"
        for comment in review.comments:
            said = [path for path in (ANSWERS / key).glob(f"1.*/files/{comment.path}") if path.is_file()]
            lines = said[0].read_text().splitlines() if said else []
            assert comment.line is None or lines[comment.line - 1].strip(), f"{key}: line {comment.line} is empty"
    answered = {folder.name for folder in ANSWERS.iterdir() if not folder.name.startswith("plan-")}
    assert answered == worked_on


def test_every_answer_has_a_cost_and_a_known_author() -> None:
    [recording] = read_recordings(recordings_folder())
    assert isinstance(recording, Recording)
    assert recording.header.repository == "demo/tally"
    files = sorted(ANSWERS.glob("*/*/answer.yaml"))
    assert files
    for file in files:
        usage = load(file.parent.parent.name, file.parent.name).usage
        assert min(usage.input_tokens, usage.output_tokens, usage.usd, usage.seconds) > 0
        assert file.parent.name.partition(".")[2] in set(AgentType)


def test_every_answer_says_what_it_was_asked() -> None:
    """Or a request that has changed since would be answered without a word; `shipline record RUN --stamp` notes it."""
    for file in ANSWERS.glob("*/*/answer.yaml"):
        assert load(file.parent.parent.name, file.parent.name).request, f"{file} has no request"
