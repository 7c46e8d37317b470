"""A run: where it stands, what waits for what, what happened, and what can be pressed."""

from __future__ import annotations

from typing import Any

import streamlit as st

from console.view import gantt, graph
from console.view.home import may, needs
from console.view.inert import filled, first_line, joined
from console.view.links import github_pages, of_flow_runs, of_issue, prefect_pages
from console.view.run import as_text, chips, entries, facts, lines
from console.web.access import me
from console.web.parts import LIVE, PAGES, ask, chosen_run, press, seen_run, show_chips, show_facts, show_links, tell
from console.web.plan import before, show_plan
from ledger.models import Level, now
from ledger.queries import Snapshot, latest_events, runs, spans
from ledger.rules.access import Action
from shipline.config import load_settings

LOUD = {"all": (), "warnings and errors": (Level.WARNING, Level.ERROR), "errors": (Level.ERROR,)}
MORE = 200  # lines of the log at a time


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
            tell(Action.APPROVE, lambda: control.approve(run_id, by=me()), lambda done: done.said)
        if "pause" in possible and press("Pause", Action.PAUSE, possible["pause"], icon=":material/pause:"):
            why = "from the console"
            tell(Action.PAUSE, lambda: control.pause(run_id, by=me(), reason=why), lambda _: "Paused")
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


@st.fragment(run_every=LIVE)
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
    settings = load_settings()
    epic = seen.tree.root.number if seen.tree.issues else None
    show_links(
        {
            "Epic on GitHub": of_issue(github_pages(settings.github_api_url), run.repo, epic),
            "Flow runs in Prefect": of_flow_runs(prefect_pages(settings.prefect_api_url), run_id),
        }
    )


@st.fragment(run_every=5 * LIVE)
def plan(run_id: str) -> None:
    """The plan: what will be built and what it takes; while it waits for a person, with the buttons."""
    seen = seen_run(run_id)
    if seen is None:
        return
    if not seen.tree.issues:
        st.info("Nothing is planned yet.")
        return
    show_plan(seen, ask(lambda store: before(store, seen), share=("before", run_id), fresh=5))


@st.fragment(run_every=2 * LIVE)
def tree(run_id: str) -> None:
    """Every node with what it waits for."""
    seen = seen_run(run_id)
    if seen is None:
        return
    rows = lines(seen)
    if not rows:
        st.info("The tree is not planned yet.")
    row = (
        "<li style='padding:.2rem 0 .2rem {indent}rem'>{mark} <a href='issue?run={run}&issue={key}' target='_self'>"
        "{name}</a> <span style='opacity:.85'>· {said}</span></li>"
    )
    listed = [
        filled(row, indent=1.2 * e.depth, mark=e.mark, run=run_id, key=e.key, name=e.name, said=e.said) for e in rows
    ]
    st.html(f"<ul aria-label='Issues' style='list-style:none;padding:0;margin:0'>{joined(listed)}</ul>")


@st.fragment(run_every=5 * LIVE)
def drawing(run_id: str) -> None:
    """The issue graph; a click opens the issue."""
    seen = seen_run(run_id)
    if seen is None or not seen.tree.issues:
        st.info("The tree is not planned yet.")
        return
    picked: Any = st.plotly_chart(
        graph.figure(seen), on_select="rerun", selection_mode="points", key=f"graph-{run_id}",
        alt="The issue tree; the list under Issues says the same in words",
    )  # fmt: skip
    points = picked["selection"]["points"]
    if points and points[0].get("customdata"):
        st.switch_page(PAGES["issue"], query_params={"run": run_id, "issue": str(points[0]["customdata"])})


@st.fragment(run_every=2 * LIVE)
def chart(run_id: str) -> None:
    """When what was worked on."""
    seen, worked = seen_run(run_id), ask(lambda store: spans(store, run_id), share=("spans", run_id), fresh=2)
    if seen is None or worked is None:
        return
    if not worked:
        st.info("Nothing has happened yet.")
        return
    st.plotly_chart(
        gantt.figure(seen, worked, now()), key=f"gantt-{run_id}", alt="When each stage and issue was worked on"
    )


def log(run_id: str) -> None:
    """The log, newest at the end."""
    left, right = st.columns(2)
    loud = left.selectbox("Show", list(LOUD), bind="query-params", key="level")
    frozen = right.toggle("Freeze", help="Stop following; the run goes on.", key="frozen")
    shown = st.session_state.setdefault("shown", MORE)

    @st.fragment(run_every=None if frozen else LIVE)
    def follow() -> None:
        found = ask(
            lambda store: latest_events(store, run_id, limit=shown, levels=LOUD[str(loud)]),
            share=("log", run_id, str(loud), str(shown)),
        )
        if found is None:
            return
        rows = entries(found)
        if not rows:
            st.caption("No line yet.")
            return
        text = joined(
            [filled("{at}  {level:<10}{text}\n", at=e.at, level=e.level, text=first_line(e.text, 400)) for e in rows]
        )
        st.html(
            "<pre tabindex='0' aria-label='Log' style='max-height:28rem;overflow:auto;display:flex;"
            f"flex-direction:column-reverse;white-space:pre-wrap;margin:0'><code>{text}</code></pre>"
        )
        st.download_button("Download", as_text(rows), f"{run_id}.log", icon=":material/download:")

    follow()
    if st.button("Earlier lines"):
        st.session_state["shown"] = shown + 1000
        st.rerun()


def choose() -> None:
    """No run is named: offer the newest ones."""
    st.title("Run")
    found = ask(lambda store: runs(store, 20))
    if not found:
        st.info("No run yet.")
        st.page_link(PAGES["new"], label="New idea", icon=":material/lightbulb:")
    for each in found or []:
        st.page_link(PAGES["run"], label=f"{each.id} · {each.repo}", query_params={"run": each.id})


named = chosen_run()
if named is None:
    choose()
else:
    head(named)
    issues, planned, picture, times, lines_of_log = st.tabs(
        ["Issues", "Plan", "Graph", "Times", "Log"], key="tab", on_change="rerun", bind="query-params"
    )
    with issues:
        if issues.open:
            tree(named)
    with planned:
        if planned.open:
            plan(named)
    with picture:
        if picture.open:
            drawing(named)
    with times:
        if times.open:
            chart(named)
    with lines_of_log:
        if lines_of_log.open:
            log(named)
