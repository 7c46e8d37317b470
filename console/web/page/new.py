"""New idea and chat: say what should be possible, approve the plan, follow it, and stop it by a word."""

from __future__ import annotations

from typing import Any

import streamlit as st

from console.view.chat import Bubble, bubbles, explained, is_open, is_whole, suggestions, wanted
from console.view.inert import filled, previewed
from console.view.run import chips
from console.web.access import me
from console.web.asking import limits
from console.web.parts import DEMO, DEMO_REPO, LIVE, PAGES, ask, show_chips, tell
from console.web.plan import before, show_plan
from ledger.conversation import conversation
from ledger.models import Budget, Message, Outcome, Run, Size, now
from ledger.queries import repositories, runs, snapshot
from ledger.store import Store
from tasks.talk import Options

SHOWN = 50  # lines of the conversation at a time


def say(repo: str, text: str, options: Options | None = None) -> Message | None:
    """Say something; the answer stands in the conversation."""
    from tasks.talk import talk

    action = wanted(text, ask_first=(options or Options()).ask_first)
    return tell(
        action, lambda: talk(repo, text, by=me(), options=options), lambda answer: answer.text.splitlines()[0][:120]
    )


def choose() -> str:
    """Which repository is talked about."""
    known = ask(repositories) or []
    offered = list(dict.fromkeys([*known, DEMO_REPO]))
    named = st.query_params.get("repo")
    if named and named not in offered:
        offered.insert(0, named)
    picked = st.selectbox(
        "Repository", offered, index=offered.index(named) if named else 0, accept_new_options=True,
        help="OWNER/NAME. Another one can be typed.",
    )  # fmt: skip
    repo = str(picked or DEMO_REPO).strip()
    if repo != named:
        st.query_params["repo"] = repo
    return repo


@st.fragment(run_every=LIVE)
def talked(repo: str) -> None:
    """The conversation so far, with the stages of its runs, and the plan that waits for a person."""

    shown = st.session_state.setdefault("lines", SHOWN)

    async def all_of_it(store: Store) -> Any:
        said = await conversation(store, repo, shown)
        about = await store.find(Run, {"_id": {"$in": [each.run_id for each in said if each.run_id]}})
        newest = await store.find_one(Run, {"repo": repo, "outcome": Outcome.PLANNED}, newest=True)
        waiting = await snapshot(store, newest.id) if newest else None
        return said, {each.id: each for each in about}, waiting, await before(store, waiting) if waiting else None

    found = ask(all_of_it)
    if found is None:
        return
    said, about, waiting, earlier = found
    if len(said) == shown and st.button("Earlier lines"):
        st.session_state["lines"] = shown + SHOWN
        st.rerun(scope="fragment")
    for each in bubbles(said, now()):
        bubble(each, about)
    if not said and waiting is None:
        offer(repo)
    if waiting is not None:
        with st.container(border=True):
            show_plan(waiting, earlier)
            st.page_link(PAGES["run"], label=f"Open {waiting.run.id}", query_params={"run": waiting.run.id})


def bubble(each: Bubble, about: dict[str, Run]) -> None:
    """One thing said."""
    with st.chat_message("assistant" if each.ours else "user"):
        st.html(
            filled(
                "<span style='opacity:.85;font-size:.85rem'>{author} · {when}</span>"
                "<div style='white-space:pre-wrap;overflow-wrap:anywhere'>{text}</div>",
                author=each.author, when=each.when, text=each.text,
            )
        )  # fmt: skip
        run = about.get(each.run_id or "")
        if run is not None:
            show_chips(chips(run))
            st.page_link(PAGES["run"], label=f"Open {run.id}", query_params={"run": run.id})


def offer(repo: str) -> None:
    """Nobody has said anything yet."""
    st.info(
        "Nothing was said about this repository yet. Write an idea below; the plan is shown before code is written."
    )
    if repo == DEMO_REPO:
        st.text(DEMO)
        pressed = st.button("Try this idea", type="primary", icon=":material/play_arrow:")
        if pressed and say(repo, DEMO, Options()) is not None:
            st.rerun()


def options() -> Options:
    """How an idea is delivered."""
    with st.expander("How an idea is delivered"):
        left, right = st.columns(2)
        sizes = [each.value for each in Size]
        size = left.selectbox("Size", sizes, index=sizes.index(Size.MEDIUM), help="How large a tree the plan may draw.")
        first = right.checkbox("Show me the plan first", value=True, help="No code is written until you approve it.")
        budget = limits(Budget())
    return Options(size=Size(size or Size.MEDIUM), ask_first=first, budget=budget)


def at_length(repo: str, how: Options) -> None:
    """An idea of several paragraphs, with a look at how it reads."""
    with st.expander("Write at length"):
        write, look = st.tabs(["Write", "Preview"])
        text = write.text_area("Idea, in Markdown", height=200, max_chars=20_000, key="long")
        look.markdown(previewed(text) if text else "Nothing written yet.")
        if st.button("Send", disabled=not text.strip()) and say(repo, text, how) is not None:
            st.rerun()


def commands(repo: str) -> None:
    """Whole commands to choose from; typing narrows them."""

    async def open_ones(store: Store) -> Any:
        found = [each for each in await runs(store, 200) if each.repo == repo and is_open(each)]
        return [await snapshot(store, each.id) for each in found]

    with st.expander("Commands"):
        picked = st.selectbox(
            "Command", suggestions(ask(open_ones) or []), index=None, accept_new_options=True, filter_mode="contains",
            placeholder="/ …", help="The same can be typed below.",
        )  # fmt: skip
        if picked:
            st.caption(explained(str(picked)) or "/help lists the commands.")
        if st.button("Do it", disabled=not is_whole(str(picked or ""))) and say(repo, str(picked)) is not None:
            st.rerun()


st.title("New idea")
about = choose()
talked(about)
commands(about)
chosen = options()
at_length(about, chosen)
typed = st.chat_input("An idea, or / and a command", max_chars=20_000)
if typed and say(about, str(typed), chosen) is not None:
    st.rerun()
