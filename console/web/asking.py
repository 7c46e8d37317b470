"""What a person decides of a run in more than one place: a change that a guard stopped, and what it may use."""

from __future__ import annotations

import streamlit as st

from console.view.inert import quoted
from console.web.access import me
from console.web.parts import press, tell
from ledger.models import Budget
from ledger.rules.access import Action

PASSES = "Exactly this change is pushed, this once; its agent is not asked again. Checks and review still follow."


def let_pass(run_id: str, key: str, label: str = "Let it pass") -> None:
    """The button of an issue whose change a guard stopped."""
    from tasks import control

    if press(label, Action.ALLOW, PASSES, key=f"pass-{run_id}-{key}", icon=":material/lock_open:"):
        tell(Action.ALLOW, lambda: control.allow(run_id, key, by=me()), lambda done: done.said)


def limits(known: Budget) -> Budget:
    """Three fields, one a kind of limit; empty is none."""
    left, middle, right = st.columns(3)
    usd = left.number_input("Budget in US dollars", value=known.usd, min_value=0.0, placeholder="no limit")
    tokens = middle.number_input("Tokens", value=known.tokens, min_value=0, step=1000, placeholder="no limit")
    minutes = right.number_input("Minutes", value=known.minutes, min_value=0.0, placeholder="no limit")
    return Budget(usd=usd, tokens=tokens, minutes=minutes)


@st.dialog("What this run may use")
def ask_budget(run_id: str, known: Budget, why: str) -> None:
    """New limits; a run that had none left goes on when they are large enough."""
    from tasks import control

    st.markdown(quoted(why))
    new = limits(known)
    if st.button("Set the budget", type="primary"):
        given = new.model_dump()
        done = tell(
            Action.BUDGET, lambda: control.set_budget(run_id, by=me(), **given), lambda done: done.said or "It is set"
        )
        if done is not None:
            st.rerun()
