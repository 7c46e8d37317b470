"""Home: what needs you, what runs, what is done."""

from __future__ import annotations

import streamlit as st

from console.bridge import bridge
from console.view.health import health
from console.view.home import Card, Group, card, grouped, matching
from console.view.inert import filled, joined
from console.view.words import money
from console.web.asking import let_pass
from console.web.parts import DEMO, DEMO_REPO, LIVE, PAGES, ask, show_facts
from deployments.doctor import Check
from ledger.models import now
from ledger.queries import Snapshot, overview, repositories, used_since
from shipline.config import load_settings

ALL = "all"
DEMO_AT = {"repo": DEMO_REPO}
EMPTY = {
    Group.NEEDS_YOU: "Nothing waits for you.",
    Group.WAITING: "Nothing waits by itself.",
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
                    *[filled("<br>… {what}", what=what) for what in each.waits],
                    filled("<br>{now}", now=each.now) if each.now else "",
                ]
            )
        )
        for key in each.held:
            let_pass(each.run_id, key, f"Let it pass: {key}")
        st.page_link(PAGES["run"], label=f"Open {each.run_id}", query_params={"run": each.run_id})


@st.fragment(run_every=2 * LIVE)
def live(wanted: str, part: str, repo: str) -> None:
    """The runs that fit, looked at again every two seconds."""
    known = _known()
    found = ask(lambda store: overview(store, known=known), share=("overview",), fresh=1)
    if found is None:
        return
    known.clear()
    known.update({each.run.id: each for each in found})
    if not found:
        st.info("No run yet. Write down an idea, and watch it become a release.")
        st.page_link(PAGES["new"], label="New idea", icon=":material/lightbulb:")
        st.caption(f"Or begin with one that is ready: {DEMO}")
        st.page_link(PAGES["new"], label="Try the demo idea", icon=":material/play_arrow:", query_params=DEMO_AT)
        return
    at = now()
    seen = [each for each in found if repo in (ALL, each.run.repo)]
    cards = matching([card(each, at) for each in seen], wanted)
    for group, members in grouped(cards).items():
        if part not in (ALL, str(group)):
            continue
        st.subheader(f"{group} ({len(members)})")
        if not members:
            st.caption(EMPTY[group])
        for each in members:
            show(each)


@st.fragment(run_every=10 * LIVE)
def standing() -> None:
    """What everything stands on, and what the agents cost today."""
    found = _look()
    midnight = now().replace(hour=0, minute=0, second=0, microsecond=0)
    used = ask(lambda store: used_since(store, midnight), share=("used",), fresh=5)
    facts = {f"{each.mark} {each.name}": each.word for each in health(found)}
    if used is not None:
        facts["Cost today (UTC)"] = money(used.usd)
    show_facts(facts)
    for each in health(found):
        if each.detail and each.mark == "✗":
            st.html(filled("<p role='status'>✗ {name}: {detail}</p>", name=each.name, detail=each.detail))


@st.cache_resource(show_spinner=False)
def _known() -> dict[str, Snapshot]:
    """What was seen of all runs, for all who look: what has ended is read once."""
    return {}


@st.cache_data(ttl=5, show_spinner=False)
def _look() -> list[Check]:
    """Asked once for all who look at this page."""
    from deployments.doctor import checks

    return bridge().fetch(lambda: checks(load_settings()))


st.title("Shipline")
standing()
left, middle, right = st.columns([3, 2, 2])
find = left.text_input(
    "Find", key="find", bind="query-params", placeholder="Words of a title, a repository, a run's id"
)
parts = [ALL, *map(str, Group)]
part = middle.selectbox("Show", parts, key="show", bind="query-params")
known = ask(repositories) or []
only = right.selectbox("Repository", [ALL, *known], key="of", bind="query-params")
live(find or "", str(part or ALL), str(only or ALL))
