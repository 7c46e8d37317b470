"""An issue: what was asked, how far it is, and a second try when it stopped."""

from __future__ import annotations

from typing import Any

import streamlit as st

from console.view.inert import filled
from console.view.issue import agent_runs, criteria, effects, facts
from console.view.words import name
from console.web.parts import LIVE, PAGES, ask, chosen_run, me, show_facts, tell
from ledger.models import AgentRun, Effect, now
from ledger.queries import snapshot
from ledger.store import Store


@st.fragment(run_every=2 * LIVE)
def show(run_id: str, key: str) -> None:
    """The whole page."""

    async def all_of_it(store: Store) -> Any:
        mine = {"runId": run_id, "nodeKey": key}
        by_age = [("created_at", 1)]
        return (
            await snapshot(store, run_id), await store.find(Effect, mine, by_age),
            await store.find(AgentRun, mine, by_age),
        )  # fmt: skip

    found = ask(all_of_it)
    if found is None:
        return
    seen, done, asked = found
    if key not in seen.tree:
        st.info("This run has no such issue.")
        return
    issue = seen.tree[key]
    st.html(filled("<h1 style='padding:0'>{title}</h1>", title=name(issue)))
    if issue.failure:
        st.html(
            filled(
                "<p role='status' style='border-left:4px solid currentColor;padding-left:.6rem'>✗ {why}</p>",
                why=issue.failure,
            )
        )
        retry(run_id, key)
    show_facts(facts(seen, issue))
    if issue.body:
        st.subheader("What is asked")
        st.text(issue.body)
    if issue.acceptance_criteria:
        st.subheader("Criteria")
        st.dataframe([{"Criterion": each, "Evidence": tests} for each, tests in criteria(issue)], hide_index=True)
    st.subheader("Agents")
    _table(agent_runs(asked), "No agent was asked yet.")
    st.subheader("Done outside")
    _table(effects(done, now()), "Nothing was done outside yet.")


def _table(rows: list[dict[str, str]], empty: str) -> None:
    if rows:
        st.dataframe(rows, hide_index=True)
    else:
        st.caption(empty)


def retry(run_id: str, key: str) -> None:
    """The button of an issue that stopped."""
    from tasks import control

    what = "Its round rises and its agent is asked anew; its siblings are not touched."
    if st.button("Retry", help=what, type="primary", icon=":material/replay:"):
        tell(lambda: control.retry(run_id, key, by=me()), lambda done: done.said)


named, wanted = chosen_run(), st.query_params.get("issue")
if named is None or wanted is None:
    st.title("Issue")
    st.info("Open an issue from its run.")
    st.page_link(PAGES["run"], label="Runs", icon=":material/timeline:")
else:
    st.page_link(PAGES["run"], label=f"Run {named}", query_params={"run": named}, icon=":material/arrow_back:")
    show(named, wanted)
