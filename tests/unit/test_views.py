"""What the terminal shows: words, not only colours."""

from __future__ import annotations

import io

from rich.console import Console, RenderableType

from console.views import chips, headline, runs_table, tree_table, waiting
from ledger.models import Issue, IssueStatus, IssueType, Outcome, Run, RunState, Usage
from ledger.queries import Snapshot
from ledger.rules.ready import Blocker, waiting_for
from ledger.rules.tree import Tree


def _shown(view: RenderableType) -> str:
    console = Console(file=io.StringIO(), width=120)
    console.print(view)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def _run(**values: object) -> Run:
    shared = {"id": "r-1", "idea_id": "i", "project_id": "p", "repo": "o/r", "correlation_id": "c"}
    return Run.model_validate({**shared, **values})


def _issue(key: str, parent: str | None, kind: IssueType, **values: object) -> Issue:
    shared = {"id": f"r-1/{key}", "run_id": "r-1", "project_id": "p", "repo": "o/r", "title": f"The {key}"}
    return Issue.model_validate({**shared, "key": key, "parent": parent, "type": kind, **values})


def _snapshot(run: Run | None = None) -> Snapshot:
    tree = Tree.of(
        [
            _issue("epic", None, IssueType.EPIC, number=1, status=IssueStatus.BLOCKED),
            _issue("a", "epic", IssueType.TASK, number=2, status=IssueStatus.BLOCKED),
            _issue("a.d1", "a", IssueType.DEFECT, number=4, status=IssueStatus.IN_PROGRESS, title="Defect: wrong"),
            _issue("b", "epic", IssueType.TASK, number=3, order_index=1),
        ]
    )
    waits = {key: waiting_for(tree, key) for key in ("epic", "a", "b")}
    return Snapshot(run or _run(state=RunState.EXECUTION_LOOP), "an idea", tree, waits, Usage(), None)


def test_the_tree_says_who_waits_for_what() -> None:
    lines = _shown(tree_table(_snapshot())).splitlines()
    assert "blocked" in lines[0]
    assert "waiting for #4" in lines[1]
    assert "defect: wrong" in lines[2]
    assert "developer-implementer" in lines[2]
    assert "waits" in lines[3]
    assert "waiting for #2" in lines[3]


def test_an_empty_tree_says_so() -> None:
    empty = Snapshot(_run(), "an idea", Tree.of([]), {}, Usage(), None)
    assert "not planned yet" in _shown(tree_table(empty))


def test_the_stages_have_marks() -> None:
    assert _shown(chips(_run(state=RunState.QA))).split() == [
        "✓", "Spec", "✓", "Plan", "✓", "Build", "▶", "QA", "·", "Merge", "·", "Release",
    ]  # fmt: skip
    assert "✗ Merge" in _shown(chips(_run(state=RunState.MERGE, outcome=Outcome.FAILED)))
    assert "·" not in _shown(chips(_run(state=RunState.DONE, outcome=Outcome.SUCCEEDED)))


def test_the_headline_counts_every_row() -> None:
    assert "0 of 4 issues done, 1 defects, 0 merged" in _shown(headline(_snapshot(), 12))


def test_a_long_wait_is_folded() -> None:
    tree = _snapshot().tree
    assert waiting(tree, [Blocker(key, "order") for key in ("a", "b", "epic", "a.d1", "a")]) == (
        "waiting for #2, #3, #1 and 1 more"
    )


def test_runs_say_how_they_ended() -> None:
    table = _shown(runs_table([_run(), _run(outcome=Outcome.PLANNED)]))
    assert "on its way" in table
    assert "planned" in table
