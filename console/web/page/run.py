"""A run: where it stands, what waits for what, what happened, and what can be pressed."""

from __future__ import annotations

import streamlit as st

from console.view.home import may, needs
from console.view.inert import filled, first_line
from console.view.links import github_pages, of_flow_runs, of_issue, prefect_pages
from console.view.run import chips, facts
from console.web.access import me
from console.web.approving import approve_merges
from console.web.asking import ask_budget
from console.web.log import log
from console.web.parts import (
    LIVE,
    PAGES,
    ask,
    chosen_run,
    follow,
    press,
    seen_run,
    settings,
    show_chips,
    show_facts,
    show_freeze,
    show_links,
    tell,
)
from console.web.tabs import chart, drawing, plan, said, tree
from ledger.queries import Snapshot, runs
from ledger.rules.access import Action
from ledger.rules.budget import paused_by_budget


def controls(seen: Snapshot) -> None:
    """What can be pressed now; each button says what it will do."""
    from tasks import control

    run_id, possible = seen.run.id, may(seen.run)
    with st.container(horizontal=True):
        if "resume" in possible and press(
            "Resume", Action.RESUME, possible["resume"], type="primary", icon=":material/play_arrow:"
        ):
            tell(Action.RESUME, lambda: control.resume(run_id, by=me()), lambda done: done.said)
        if "approve" in possible and press(
            "Approve the plan", Action.APPROVE, possible["approve"], type="primary", icon=":material/check:"
        ):
            tell(Action.APPROVE, lambda: control.approve(run_id, by=me(), via="the console"), lambda done: done.said)
        approve_merges(seen)
        if "pause" in possible and press("Pause", Action.PAUSE, possible["pause"], icon=":material/pause:"):
            why = "from the console"
            tell(Action.PAUSE, lambda: control.pause(run_id, by=me(), reason=why), lambda _: "Paused")
        if "budget" in possible and press(
            "Budget …", Action.BUDGET, possible["budget"], icon=":material/payments:",
            type="primary" if paused_by_budget(seen.run) else "secondary",
        ):  # fmt: skip
            ask_budget(run_id, seen.run.budget, possible["budget"])
        if "advance" in possible and press("Advance", Action.ADVANCE, possible["advance"], icon=":material/redo:"):
            tell(Action.ADVANCE, lambda: control.advance(run_id, by=me()), lambda done: done.said)
        if "cancel" in possible and press("Cancel …", Action.CANCEL, possible["cancel"], icon=":material/cancel:"):
            confirm_cancel(run_id, possible["cancel"])


@st.dialog("Cancel this run for good?")
def confirm_cancel(run_id: str, what: str) -> None:
    """It cannot be taken back, so it is asked twice."""
    from tasks import control

    st.write(what)
    if st.button("Cancel the run", type="primary"):
        why = "from the console"
        proof = tell(Action.CANCEL, lambda: control.cancel(run_id, by=me(), reason=why), lambda _: "Cancelled")
        if proof is not None:
            st.rerun()


def head(run_id: str) -> None:
    """The stages, what needs a person, the numbers and the buttons."""
    seen = seen_run(run_id)
    if seen is None:
        return
    run = seen.run
    st.html(
        filled(
            "<h1 style='padding:0'>{title}</h1>{repo} · {id}",
            title=first_line(run.spec.title if run.spec else seen.idea),
            repo=run.repo,
            id=run.id,
        )
    )
    show_chips(chips(run))
    for need in needs(seen):
        st.html(
            filled(
                "<p role='status' style='border-left:4px solid currentColor;padding-left:.6rem'>▲ {need}</p>", need=need
            )
        )
    show_facts(facts(seen))
    controls(seen)
    known = settings()
    epic = seen.tree.root.number if seen.tree.issues else None
    show_links(
        {
            "Epic on GitHub": of_issue(github_pages(known.github_api_url), run.repo, epic),
            "Flow runs in Prefect": of_flow_runs(prefect_pages(known.prefect_api_url), run_id),
        }
    )


def choose() -> None:
    """No run is named: offer the newest ones."""
    st.title("Run")
    found = ask(lambda store: runs(store, 20))
    if found == []:
        st.info("No run yet.")
        st.page_link(PAGES["new"], label="New idea", icon=":material/lightbulb:")
    for each in found or []:
        st.page_link(PAGES["run"], label=f"{each.id} · {each.repo}", query_params={"run": each.id})


named = chosen_run()
if named is None:
    choose()
else:
    follow(head, LIVE, named)
    show_freeze()
    labels = ["Issues", "Plan", "Graph", "Times", "Agents", "Log"]
    tabs = st.tabs(labels, key="tab", on_change="rerun", bind="query-params")
    for tab, part, every in zip(tabs, (tree, plan, drawing, chart, said, log), (2, 5, 5, 2, 3, None), strict=True):
        with tab:
            if not tab.open:
                continue
            if every is None:
                part(named)
            else:
                follow(part, every * LIVE, named)
