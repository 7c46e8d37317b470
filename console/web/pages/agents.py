"""Agents: who they are and what they are held to."""

from __future__ import annotations

import streamlit as st

from console.view.others import agents
from console.web.parts import ask
from ledger.models import Agent

st.title("Agents")
found = ask(lambda store: store.find(Agent, {}))
if found:
    st.dataframe(agents(found), hide_index=True)
elif found is not None:
    st.info("The catalog comes into the ledger with the first idea.")
