"""What a run page shows below its head: the tree, the plan, the graph, the times, the agents."""

from __future__ import annotations

from typing import Any

import streamlit as st

from console.view import gantt, graph
from console.view.evidence import reports_of
from console.view.inert import filled, joined
from console.view.links import github_pages, of_deployment, of_release
from console.view.run import lines
from console.view.said import last_words, made
from console.web.parts import PAGES, ask, dark, seen_run, settings, show_links, show_table
from console.web.plan import before, show_plan
from ledger.models import AgentRun, Deployment, Effect, EffectKind, EffectStatus, now
from ledger.queries import Snapshot, spans
from ledger.store import Store

DRAWN = 32  # runs whose tree is kept as it was drawn


def tree(run_id: str) -> None:
    """Every node with what it waits for."""
    seen = seen_run(run_id)
    if seen is None:
        return
    if not seen.tree.issues:
        st.info("The tree is not planned yet.")
    drawn = _drawn()
    known = drawn.get(run_id)
    if known is None or known[0] is not seen:  # the same moment is drawn once for all who look
        if len(drawn) > DRAWN:
            drawn.clear()
        known = drawn[run_id] = (seen, _listed(seen))
    st.html(known[1])


@st.cache_resource(show_spinner=False)
def _drawn() -> dict[str, tuple[Snapshot, str]]:
    return {}


def _listed(seen: Snapshot) -> str:
    row = (
        "<li style='padding:.2rem 0 .2rem {indent}rem'>{mark} <a href='issue?run={run}&issue={key}' target='_self'>"
        "{name}</a> <span style='opacity:.85'>· {said}</span></li>"
    )
    listed = [
        filled(row, indent=1.2 * e.depth, mark=e.mark, run=seen.run.id, key=e.key, name=e.name, said=e.said)
        for e in lines(seen)
    ]
    return f"<ul aria-label='Issues' style='list-style:none;padding:0;margin:0'>{joined(listed)}</ul>"


def drawing(run_id: str) -> None:
    """The issue graph; a click opens the issue."""
    seen = seen_run(run_id)
    if seen is None:
        return
    if not seen.tree.issues:
        st.info("The tree is not planned yet.")
        return
    below = graph.folded(seen.tree)
    opened = st.multiselect("Open folded branches", list(below), format_func=lambda key: below[key]) if below else []
    picked: Any = st.plotly_chart(
        graph.figure(seen, dark=dark(), opened=opened), on_select="rerun", selection_mode="points",
        key=f"graph-{run_id}", alt="The issue tree; the list under Issues says the same in words",
    )  # fmt: skip
    points = picked["selection"]["points"]
    if points and points[0].get("customdata"):
        # Streamlit leaves this page with the next one's address in the history: with its tab, Back leads to the graph.
        at = {"run": run_id, "issue": str(points[0]["customdata"]), "tab": "Graph"}
        st.switch_page(PAGES["issue"], query_params=at)


def chart(run_id: str) -> None:
    """When what was worked on."""
    seen, worked = seen_run(run_id), ask(lambda store: spans(store, run_id), share=("spans", run_id), fresh=2)
    if seen is None or worked is None:
        return
    if not worked:
        st.info("Nothing has happened yet.")
        return
    st.plotly_chart(
        gantt.figure(seen, worked, now(), dark=dark()),
        key=f"gantt-{run_id}",
        alt="When each stage and issue was worked on",
    )


def said(run_id: str) -> None:
    """Who was asked and what they said last, and what the run has made."""

    async def both(store: Store) -> Any:
        newest = await store.find(AgentRun, {"runId": run_id}, [("created_at", -1)], 200)
        wanted = {"runId": run_id, "kind": EffectKind.QA_WHOLE, "status": EffectStatus.SUCCEEDED}
        whole = await store.find(Effect, wanted, [("created_at", -1)], 1)
        return newest, await store.find_one(Deployment, {"runId": run_id}, newest=True), reports_of(whole)

    seen, found = seen_run(run_id), ask(both, share=("agents", run_id), fresh=2)
    if seen is None or found is None:
        return
    st.subheader("Agents")
    show_table(last_words(seen, found[0]), "No agent was asked yet.")
    st.subheader("Made")
    show_table(made(seen, *found), "Nothing yet: a release, a deployment and what agents leave come here.")
    show_links(_links_of(seen, found[1]))


def _links_of(seen: Snapshot, deployment: Deployment | None) -> dict[str, str]:
    """Where the release and the deployment are, when there is a page to open."""
    pages, release = github_pages(settings().github_api_url), seen.run.release
    return {
        "Release on GitHub": of_release(pages, seen.run.repo, release.tag) if release else "",
        "What is deployed": of_deployment(deployment.url) if deployment else "",
    }


def plan(run_id: str) -> None:
    """The plan: what will be built and what it takes; while it waits for a person, with the buttons."""
    seen = seen_run(run_id)
    if seen is None:
        return
    if not seen.tree.issues:
        st.info("Nothing is planned yet.")
        return
    show_plan(seen, ask(lambda store: before(store, seen), share=("before", run_id), fresh=5))
