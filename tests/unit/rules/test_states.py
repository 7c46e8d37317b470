"""The run's state machine: every pair of states with every outcome."""

from __future__ import annotations

from itertools import pairwise, product

import pytest

from ledger.models import Outcome, RunState
from ledger.rules.states import NEXT, check_transition, may_end
from shipline.errors import IllegalTransition

WAY = list(RunState)
BACK = {("QA", "EXECUTION_LOOP"), ("MERGE", "EXECUTION_LOOP"), ("MERGE", "QA")}  # defects, conflicts, a base that moved
ALLOWED = {(one.value, other.value) for one, other in pairwise(WAY)} | BACK


def test_the_states_are_the_users() -> None:
    words = "IDEA_SUBMITTED SPEC_WRITING ISSUE_TREE EXECUTION_LOOP QA MERGE RELEASE DONE"
    assert [state.value for state in WAY] == words.split()
    assert set(NEXT) == set(WAY)


@pytest.mark.parametrize("outcome", [None, *Outcome])
def test_every_pair_of_states(outcome: Outcome | None) -> None:
    for current, new in product(WAY, WAY):
        pair = (current.value, new.value)
        continued = outcome is Outcome.PLANNED and pair == ("ISSUE_TREE", "EXECUTION_LOOP")
        if continued or (outcome is None and pair in ALLOWED):
            check_transition(current, new, outcome)
            continue
        with pytest.raises(IllegalTransition) as refused:
            check_transition(current, new, outcome)
        assert new.value in str(refused.value)


@pytest.mark.parametrize("state", RunState)
def test_where_a_run_may_end(state: RunState) -> None:
    assert may_end(state, Outcome.SUCCEEDED) == (state is RunState.DONE)
    assert may_end(state, Outcome.PLANNED) == (state is RunState.ISSUE_TREE)
    assert may_end(state, Outcome.FAILED) == may_end(state, Outcome.CANCELLED) == (state is not RunState.DONE)
