"""Deployments: which version is where."""

from __future__ import annotations

import streamlit as st

from console.view.others import deployments
from console.web.parts import LIVE, ask
from ledger.models import Deployment, now


@st.fragment(run_every=5 * LIVE)
def live() -> None:
    """Every deployment, newest first."""
    found = ask(lambda store: store.find(Deployment, {}, [("created_at", -1)], 200))
    if found is None:
        return
    if not found:
        st.info("Nothing is deployed yet: a run that ends in a release deploys it.")
        return
    st.dataframe(deployments(found, now()), hide_index=True)


st.title("Deployments")
live()
