"""Audit: the chain of a run's events, whether it is whole, and all of it to keep."""

from __future__ import annotations

import streamlit as st

from console.bridge import bridge
from console.view.audit import links
from console.web.parts import ask, choose_run, show_table
from ledger.queries import events_before, export_text
from ledger.timeline import verify

PAGE = 50  # events at a time


def whole(run_id: str) -> None:
    """Whether the chain is whole, and what is wrong with it when it is not."""
    checked = ask(lambda store: verify(store, run_id), share=("verify", run_id), fresh=10)
    if checked is None:
        return
    count, problems = checked
    if not problems:
        st.success(f"✓ The chain of {count} events is whole.")
        return
    st.error(f"The chain of {count} events is not whole.")
    for each in problems:
        st.text(f"✗ {each}")


def chain(run_id: str) -> None:
    """The events, newest first, a page at a time; the number that a page begins below stands in the address."""
    asked = st.query_params.get("below", "")
    below = int(asked) if asked.isdecimal() and len(asked) < 16 else 0
    found = ask(lambda store: events_before(store, run_id, below, PAGE))
    if found is None:
        return
    show_table(links(found), "No event.")
    with st.container(horizontal=True):
        if st.button("Newest events", disabled=not below):
            del st.query_params["below"]
            st.rerun()
        if st.button("Events before these", disabled=not found or found[-1].seq == 1):
            st.query_params["below"] = str(found[-1].seq)
            st.rerun()


st.title("Audit")
picked = choose_run("Its events are chained from the first one on.")
if picked is not None:
    named = picked
    whole(named)
    st.download_button(
        "Download the chain", lambda: bridge().read(lambda store: export_text(store, named)),
        f"{named}.jsonl", "application/x-ndjson", icon=":material/download:", on_click="ignore",
    )  # fmt: skip
    st.caption(f"The same on the command line: `shipline audit verify {named}`, `shipline audit export {named}`")
    chain(named)
