"""Home: what needs you, what runs, what is done."""

from __future__ import annotations

import streamlit as st

from console.view.home import Card, Group, card, grouped, matching
from console.view.inert import filled, joined
from console.web.parts import LIVE, PAGES, ask
from ledger.models import now
from ledger.queries import overview

EMPTY = {
    Group.NEEDS_YOU: "Nothing waits for you.",
    Group.RUNNING: "Nothing runs.",
    Group.DONE: "Nothing has ended yet.",
}


def show(each: Card) -> None:
    """One run."""
    with st.container(border=True):
        st.html(
            joined(
                [
                    filled("<strong>{title}</strong><br>{repo} · {stage} · {progress} · {when}", **vars(each)),
                    *[filled("<br>▲ {need}", need=need) for need in each.needs],
                    filled("<br>{now}", now=each.now) if each.now else "",
                ]
            )
        )
        st.page_link(PAGES["run"], label=f"Open {each.run_id}", query_params={"run": each.run_id})


@st.fragment(run_every=2 * LIVE)
def live(wanted: str) -> None:
    """All runs, looked at again every two seconds."""
    found = ask(overview)
    if found is None:
        return
    if not found:
        st.info("No run yet. Write down an idea, and watch it become a release.")
        st.page_link(PAGES["new"], label="New idea", icon=":material/lightbulb:")
        return
    at = now()
    cards = matching([card(each, at) for each in found], wanted)
    for group, members in grouped(cards).items():
        st.subheader(f"{group} ({len(members)})")
        if not members:
            st.caption(EMPTY[group])
        for each in members:
            show(each)


st.title("Shipline")
find = st.text_input("Find", key="find", bind="query-params", placeholder="Words of a title, a repository, a run's id")
live(find or "")
