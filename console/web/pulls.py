"""The open pull requests of a repository: merge one, or read why it cannot be merged."""

from __future__ import annotations

import streamlit as st

from console.bridge import bridge
from console.view.code import Pull, pulls
from console.view.inert import filled, quoted
from console.web.access import me
from console.web.parts import ask, press, seen_run, tell
from ledger.models import CiStatus
from ledger.queries import ci_of
from ledger.rules.access import Action
from ledger.runs import project_id
from ledger.store import Store
from shipline.errors import ShiplineError

ROW = "<p style='margin:0'><strong>{name}</strong> {head} → {into} · {checks}{why}</p>"


def show_pulls(run_id: str) -> None:
    """Those of the run's repository. Read from GitHub when a person asks."""
    seen = seen_run(run_id)
    if seen is None or not st.toggle(f"Show the open pull requests of {quoted(seen.run.repo)}", key="pulls"):
        return
    try:
        with st.spinner("Asking GitHub …"):
            found = _read(seen.run.repo)
    except ShiplineError as error:
        st.warning(quoted(str(error)), icon=":material/cloud_off:")
        return
    if not found:
        st.caption("None is open.")
    for each in found:
        why = f" · not now: {each.why_not}" if each.why_not else ""
        st.html(filled(ROW, name=each.name, head=each.head, into=each.into, checks=each.checks, why=why))
        what = each.why_not or "Merges it on GitHub as it stands; what its base branch asks for must hold."
        off = each.why_not is not None
        if press("Merge …", Action.MERGE, quoted(what), key=f"merge-{each.number}", disabled=off):
            confirm(seen.run.repo, each.number, each.name)


def _read(repo: str) -> list[Pull]:
    from tasks import code

    found = bridge().fetch(lambda: code.pulls(project_id(repo), "open", code.Part()))

    async def checks(store: Store) -> dict[str, list[CiStatus]]:
        return await ci_of(store, repo, [each.sha for each in found])

    return pulls(found, ask(checks) or {})


@st.dialog("Merge it?")
def confirm(repo: str, number: int, name: str) -> None:
    """It cannot be taken back, so it is asked twice."""
    from tasks import code

    st.html(filled("<p>{name}</p>", name=name))
    if st.button("Merge it", type="primary"):
        done = tell(
            Action.MERGE, lambda: code.merge_pull(project_id(repo), number, by=me()),
            lambda done: f"#{done.number} is merged as {done.sha[:7]}",
        )  # fmt: skip
        if done is not None:
            st.rerun()
