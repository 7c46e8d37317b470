"""Code: the branches of a run as a tree, what stands between each and its merge, and what it changes."""

from __future__ import annotations

import streamlit as st

from console.view.code import branches, gates, why_not
from console.view.inert import filled, joined
from console.web.approving import approve_merge
from console.web.evidence import show_change
from console.web.parts import LIVE, PAGES, ask, choose_run, seen_run, show_table
from console.web.pulls import show_pulls
from ledger.queries import ci_of

ROW = (
    "<li style='padding:.2rem 0 .2rem {indent}rem'>{mark} "
    "<a href='code?run={run}&issue={key}' target='_self'>{branch}</a> "
    "<span style='opacity:.85'>{into} · {pull} {standing}</span></li>"
)


@st.fragment(run_every=3 * LIVE)
def show(run_id: str) -> None:
    """The tree of branches, looked at again every few seconds."""
    seen = seen_run(run_id)
    if seen is None:
        return
    rows = branches(seen)
    if not rows:
        st.info("No branch yet: the tree is not planned.")
        return
    listed = [
        filled(
            ROW, indent=1.2 * each.depth, mark=each.mark, run=run_id, key=each.key, branch=each.branch,
            into=f"→ {each.into}" if each.into else "", pull=each.pull, standing=each.standing,
        )
        for each in rows
    ]  # fmt: skip
    st.html(f"<ul aria-label='Branches' style='list-style:none;padding:0;margin:0'>{joined(listed)}</ul>")


def one(run_id: str, key: str) -> None:
    """One branch: its gates and its pull request."""
    seen = seen_run(run_id)
    if seen is None:
        return
    if key not in seen.tree:
        st.info("This run has no such issue.")
        return
    issue = seen.tree[key]
    st.html(filled("<h2 style='padding:0'>{branch}</h2>", branch=issue.branch or "Not made yet"))
    if issue.merged_sha:
        st.html(
            filled("<p role='status'>✓ Merged into {into} as {sha}.</p>", into=issue.base, sha=issue.merged_sha[:12])
        )
    else:
        st.subheader("Gates")
        told = ask(lambda store: ci_of(store, seen.run.repo, [issue.head]))
        must = gates(seen, issue, (told or {}).get(str(issue.head), ()))
        show_table([{"Gate": e.name, "Standing": e.standing, "Evidence": e.evidence} for e in must], "")
        st.html(filled("<p role='status'>{why}</p>", why=why_not(must)))
        approve_merge(run_id, issue)
    show_change(seen.run.repo, issue.pr_number, issue.head or "")
    st.page_link(PAGES["issue"], label="Open its issue", query_params={"run": run_id, "issue": key})


st.title("Code")
named = choose_run("Branches and pull requests come with the first run.")
if named is not None:
    show(named)
    show_pulls(named)
    wanted = st.query_params.get("issue")
    if wanted is not None:
        one(named, wanted)
    else:
        st.caption("Choose a branch to see its gates and what it changes.")
