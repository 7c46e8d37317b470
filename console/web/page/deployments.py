"""Deployments: which version is where, deploy it once more, go back to the one before."""

from __future__ import annotations

import streamlit as st

from console.view.others import deployments, may_go_back
from console.web.access import me
from console.web.parts import LIVE, PAGES, ask, press, tell
from ledger.models import Deployment, now
from ledger.rules.access import Action


@st.fragment(run_every=5 * LIVE)
def live() -> None:
    """Every deployment, newest first."""
    found = ask(lambda store: store.find(Deployment, {}, [("created_at", -1)], 200))
    if found is None:
        return
    if not found:
        st.info("Nothing is deployed yet: a run that ends in a release deploys it.")
        st.page_link(PAGES["new"], label="New idea", icon=":material/lightbulb:")
        return
    st.dataframe(deployments(found, now()), hide_index=True)
    act(found)


def act(found: list[Deployment]) -> None:
    """One deployment: once more, or back."""
    names = {each.id: f"{each.repo} · v{each.version} · {each.environment} · {each.status.value}" for each in found}
    picked = st.selectbox("Deployment", list(names), format_func=lambda each: names.get(str(each), str(each)))
    chosen = next((each for each in found if each.id == picked), found[0])
    from tasks.deploy.asking import ask_deploy

    with st.container(horizontal=True):
        if press(
            "Deploy once more", Action.DEPLOY, "This version, in place of what runs there.",
            icon=":material/rocket_launch:",
        ):  # fmt: skip
            tell(
                Action.DEPLOY, lambda: ask_deploy(chosen.run_id, by=me()),
                lambda flow_run: f"Flow run {flow_run} deploys it",
            )  # fmt: skip
        back = may_go_back(found, chosen)
        what = f"Back to v{back[0]}, or further" if back else "There is no earlier version there."
        if press("Roll back …", Action.DEPLOY, what, icon=":material/undo:", disabled=not back):
            confirm(chosen.run_id, back)


@st.dialog("Roll back?")
def confirm(run_id: str, versions: list[str]) -> None:
    """What runs there is ended, so it is asked twice."""
    from tasks.deploy.asking import ask_rollback

    version = str(st.selectbox("Version", versions, format_func=lambda each: f"v{each}"))
    st.write(f"v{version} is deployed, and what runs there now is ended.")
    if st.button("Roll back", type="primary"):
        done = tell(
            Action.DEPLOY,
            lambda: ask_rollback(run_id, by=me(), to=version),
            lambda flow_run: f"Flow run {flow_run} rolls back",
        )
        if done is not None:
            st.rerun()


st.title("Deployments")
live()
