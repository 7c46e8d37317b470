"""An issue: what was asked, how far it is, and a second try when it stopped."""

from __future__ import annotations

from typing import Any

import streamlit as st

from console.view.evidence import ci, reports_of
from console.view.inert import filled, quoted
from console.view.issue import agent_runs, criteria, effects, facts, prompts
from console.view.links import github_pages, of_issue, of_pull
from console.view.words import name
from console.web.access import me
from console.web.asking import let_pass
from console.web.evidence import show_change, show_checks
from console.web.parts import LIVE, PAGES, ask, chosen_run, press, settings, show_facts, show_links, show_table, tell
from ledger.models import AgentRun, Effect, now
from ledger.queries import checks_of, ci_of, snapshot
from ledger.rules.access import Action
from ledger.store import Store


@st.fragment(run_every=2 * LIVE)
def show(run_id: str, key: str) -> None:
    """The whole page."""

    async def all_of_it(store: Store) -> Any:
        mine = {"runId": run_id, "nodeKey": key}
        by_age = [("created_at", 1)]
        seen = await snapshot(store, run_id)
        head = seen.tree[key].head if key in seen.tree else None
        return (
            seen, await store.find(Effect, mine, by_age), await store.find(AgentRun, mine, by_age),
            await checks_of(store, run_id, key), (await ci_of(store, seen.run.repo, [head])).get(str(head), []),
        )  # fmt: skip

    found = ask(all_of_it)
    if found is None:
        return
    seen, done, asked, checked, told = found
    reports = reports_of(checked)
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
        if issue.held is not None and issue.may_pass:
            st.dataframe([{"What a guard says": each} for each in issue.held.reasons], hide_index=True)
            let_pass(run_id, key)
        retry(run_id, key)
    show_facts(facts(seen, issue))
    pages = github_pages(settings().github_api_url)
    show_links(
        {
            "Issue on GitHub": of_issue(pages, seen.run.repo, issue.number),
            "Pull request on GitHub": of_pull(pages, seen.run.repo, issue.pr_number),
        }
    )
    if issue.body:
        st.subheader("What is asked")
        st.text(issue.body)
    if issue.acceptance_criteria:
        st.subheader("Criteria")
        held_to = criteria(issue, reports)
        st.dataframe([{"Criterion": each, "Evidence": evidence} for each, evidence in held_to], hide_index=True)
    show_checks(reports)
    st.subheader("Checks of GitHub")
    show_table(ci(told, now()), "GitHub has told of no check of its head.")
    show_change(seen.run.repo, issue.pr_number, issue.head or "")
    st.subheader("Agents")
    show_table(agent_runs(asked), "No agent was asked yet.")
    for each in prompts(asked):
        with st.expander(quoted(each.title)):
            st.text(each.text)
    st.subheader("Done outside")
    show_table(effects(done, now()), "Nothing was done outside yet.")


def retry(run_id: str, key: str) -> None:
    """The button of an issue that stopped."""
    from tasks import control

    what = "Its round rises and its agent is asked anew; its siblings are not touched."
    if press("Retry", Action.RETRY, what, type="primary", icon=":material/replay:"):
        tell(Action.RETRY, lambda: control.retry(run_id, key, by=me()), lambda done: done.said)


named, wanted = chosen_run(), st.query_params.get("issue")
if named is None or wanted is None:
    st.title("Issue")
    st.info("Open an issue from its run.")
    st.page_link(PAGES["run"], label="Runs", icon=":material/timeline:")
else:
    st.page_link(PAGES["run"], label=f"Run {named}", query_params={"run": named}, icon=":material/arrow_back:")
    show(named, wanted)
