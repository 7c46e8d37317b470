"""Audit: whether a run's chain of events is whole."""

from __future__ import annotations

import streamlit as st

from console.web.parts import ask, choose_run
from ledger.timeline import verify

st.title("Audit")
picked = choose_run("Its events are chained from the first one on.")
if picked is not None:
    checked = ask(lambda store: verify(store, str(picked)))
    if checked is not None:
        count, problems = checked
        if problems:
            st.error(f"The chain of {count} events is not whole.")
            for each in problems:
                st.text(f"✗ {each}")
        else:
            st.success(f"✓ The chain of {count} events is whole.")
    st.caption(f"The same on the command line: `shipline audit verify {picked}`")
