"""The plan that waits for a person, wherever it is shown: what will be built, what it takes, and two buttons."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from console.view import plan as view
from console.view.inert import filled, joined, quoted
from console.web.access import me
from console.web.parts import press, show_facts, tell
from ledger.models import Outcome, Plan
from ledger.plans import approved_plan, earlier_plan
from ledger.queries import Snapshot
from ledger.rules.access import Action
from ledger.store import Store


@dataclass(frozen=True)
class Before:
    """The plan that this one is held against, and what to call it."""

    title: str
    plan: Plan


async def before(store: Store, seen: Snapshot) -> Before | None:
    """What a person saw before this plan: what they approved, else the plan that they did not take."""
    if approved := await approved_plan(store, seen.run.id):
        return Before(f"Changed since {seen.run.approved_by} approved it", approved)
    earlier = await earlier_plan(store, seen.run) if seen.run.outcome is Outcome.PLANNED else None
    return Before(f"Changed since the plan of {earlier[0]}", earlier[1]) if earlier else None


def show_plan(seen: Snapshot, earlier: Before | None) -> None:
    """What will be built, and the buttons while it waits for a person."""
    run, waits = seen.run, seen.run.outcome is Outcome.PLANNED
    if run.spec:
        st.html(
            filled(
                "<h3 style='padding:0'>The plan: {title}</h3><p>{why}</p>", title=run.spec.title, why=run.spec.problem
            )
        )
    show_facts(view.forecast(run))
    if path := view.critical_path(run, seen.tree):
        st.html(filled("<p>Critical path: {path}</p>", path=path))
    st.dataframe(view.rows(seen.tree), hide_index=True)
    show_changes(seen, earlier)
    if waits:
        decide(run.id)


def show_changes(seen: Snapshot, earlier: Before | None) -> None:
    """How the plan differs from the one that the person saw before."""
    if earlier is None:
        return
    lines = view.changes(earlier.plan, seen.tree)
    if not lines:
        st.caption(quoted(f"{earlier.title}: nothing."))
        return
    listed = joined([filled("{line}\n", line=line) for line in lines])
    st.html(filled("<h4 style='padding:0'>{title}</h4>", title=f"{earlier.title} ({len(lines)})"))
    st.html(
        f"<pre tabindex='0' aria-label='Changes of the plan' style='white-space:pre-wrap'><code>{listed}</code></pre>"
    )


def decide(run_id: str) -> None:
    """Approve, or give it up."""
    from tasks import control

    with st.container(horizontal=True):
        if press(
            "Approve", Action.APPROVE, "Code is written, checked and merged as planned, and released at the end.",
            key=f"approve-{run_id}", type="primary", icon=":material/check:",
        ):  # fmt: skip
            tell(Action.APPROVE, lambda: control.approve(run_id, by=me(), via="the console"), lambda done: done.said)
        if press(
            "Give it up", Action.CANCEL, "Ends the run for good. Its issues and branches stay on GitHub.",
            key=f"give-up-{run_id}", icon=":material/cancel:",
        ):  # fmt: skip
            why = "the plan is not wanted"
            tell(Action.CANCEL, lambda: control.cancel(run_id, by=me(), reason=why), lambda _: "Given up")
