"""The run's state machine."""

from __future__ import annotations

from collections.abc import Mapping

from ledger.models import Outcome, RunState
from shipline.errors import IllegalTransition

S = RunState

NEXT: Mapping[RunState, frozenset[RunState]] = {
    S.IDEA_SUBMITTED: frozenset({S.SPEC_WRITING}),
    S.SPEC_WRITING: frozenset({S.ISSUE_TREE}),
    S.ISSUE_TREE: frozenset({S.EXECUTION_LOOP}),
    S.EXECUTION_LOOP: frozenset({S.QA}),
    S.QA: frozenset({S.MERGE, S.EXECUTION_LOOP}),  # defects send the run back
    S.MERGE: frozenset({S.RELEASE, S.QA, S.EXECUTION_LOOP}),  # so do conflicts, and a base that moved
    S.RELEASE: frozenset({S.DONE}),
    S.DONE: frozenset(),
}


def check_transition(current: RunState, new: RunState, outcome: Outcome | None) -> None:
    """Raise IllegalTransition unless a run at ``current`` may go to ``new``."""
    if outcome is Outcome.PLANNED and (current, new) == (S.ISSUE_TREE, S.EXECUTION_LOOP):
        return  # a dry run that is continued
    if outcome is not None:
        raise IllegalTransition(f"The run has ended ({outcome}) and cannot go to {new}.")
    if new not in NEXT[current]:
        raise IllegalTransition(f"A run at {current} cannot go to {new}.", "Run the stages in between first.")


def may_end(state: RunState, outcome: Outcome) -> bool:
    """Whether a run at ``state`` may end as ``outcome``."""
    if outcome is Outcome.SUCCEEDED:
        return state is S.DONE
    if outcome is Outcome.PLANNED:
        return state is S.ISSUE_TREE
    return state is not S.DONE
