"""Audit: whether a run's chain of events is whole."""

from __future__ import annotations

import streamlit as st

from console.web.parts import PAGES, ask, chosen_run
from ledger.queries import runs
from ledger.timeline import verify

st.title("Audit")
found = ask(lambda store: runs(store, 200)) or []
if not found:
    st.info("No run yet.")
    st.page_link(PAGES["new"], label="New idea", icon=":material/lightbulb:")
else:
    names = [each.id for each in found]
    named = chosen_run()
    picked = st.selectbox("Run", names, index=names.index(named) if named in names else 0)
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
