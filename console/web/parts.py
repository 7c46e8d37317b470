"""What several pages share: links, the stages as chips, commands and their answers, and what is said when in need."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import TimeoutError as TooSlow
from pathlib import Path
from typing import Any, TypeVar

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from console.bridge import FRESH, bridge
from console.view.inert import filled, joined, quoted
from console.view.run import Chip
from console.web.access import allowed, hint, person
from ledger.queries import Snapshot, runs, snapshot
from ledger.rules.access import Action, refusal
from ledger.store import Store
from shipline.config import Settings, load_settings
from shipline.errors import ConfigError, ShiplineError, Unavailable

T = TypeVar("T")

# Not "pages": Streamlit runs what is in a folder of that name by itself, past ``app.py``.
HERE = Path(__file__).parent / "page"
TITLES = (
    ("home", "Home", ":material/home:"),
    ("new", "New idea", ":material/lightbulb:"),
    ("run", "Run", ":material/timeline:"),
    ("issue", "Issue", ":material/adjust:"),
    ("code", "Code", ":material/account_tree:"),
    ("deployments", "Deployments", ":material/rocket_launch:"),
    ("agents", "Agents", ":material/groups:"),
    ("settings", "Settings", ":material/tune:"),
    ("audit", "Audit", ":material/verified:"),
)


def pages() -> dict[str, StreamlitPage]:
    """The pages, made anew: ``st.navigation`` marks in a page that it is the one to run, for one viewer."""
    return {
        name: st.Page(str(HERE / f"{name}.py"), title=title, icon=icon, url_path=name, default=name == "home")
        for name, title, icon in TITLES
    }


PAGES = pages()  # to link to; never to run, see ``pages``
DEMO_REPO = "demo/tally"
DEMO = (
    "Let people set a monthly budget for a category, warn them before they overspend, and let them export a month's "
    "spending against its budgets as CSV."
)
AWAY = "away"  # what a session knows about whether the ledger left a question unanswered
FROZEN = "frozen"  # what a session knows about whether its page is to stand still
LIVE = 1.0  # seconds between two looks of a page that shows what goes on


def ask(
    question: Callable[[Store], Coroutine[Any, Any, T]], share: tuple[str, ...] = (), fresh: float = FRESH
) -> T | None:
    """Ask the ledger; None after having said on the page why there is no answer.

    All viewers who ask with the same ``share`` get one answer, at most ``fresh`` seconds old.
    """
    try:
        return bridge().share(share, question, fresh) if share else bridge().read(question)
    except (Unavailable, ConfigError, TooSlow):  # why stands at the head of the page, which looks again: ``watch``
        st.session_state[AWAY] = True
        st.caption("Not known while the ledger does not answer.")
    except ShiplineError as error:
        st.warning(quoted(str(error)), icon=":material/search_off:")
    return None


def seen_run(run_id: str) -> Snapshot | None:
    """The run as it stands, looked at once for all who look at it; None after having said why there is no answer."""
    return ask(lambda store: snapshot(store, run_id), share=("snapshot", run_id))


@st.cache_resource(ttl=5, show_spinner=False)
def settings() -> Settings:
    """The configuration as it was at most five seconds ago: the stack may come up on another port."""
    return load_settings()


def dark() -> bool:
    """Whether the page is dark; charts are drawn for one of the two."""
    return st.context.theme.type == "dark"


def follow(part: Callable[..., None], every: float, *about: Any) -> None:
    """Draw a part of the page, and draw it again every so many seconds, unless the person has frozen the page."""
    st.fragment(part, run_every=None if st.session_state.get(FROZEN) else every)(*about)


def show_freeze() -> None:
    """What stops and resumes the live parts of this page."""
    st.toggle("Freeze", help="Stop following on this page; the run itself goes on.", key=FROZEN)


def tell(action: Action, command: Callable[[], Coroutine[Any, Any, T]], said: Callable[[T], str]) -> T | None:
    """Carry a command out and say what came of it; what went wrong is said as a sentence.

    Whether the person may is asked here, whatever the button looked like.
    """
    if not allowed(action):
        refused(refusal(person().role, action))
        return None
    try:
        with st.spinner("One moment …"):
            done = bridge().do(command)
    except ShiplineError as error:
        refused(str(error))
        return None
    except TooSlow:
        refused("There is no answer yet; what was asked may still happen. Look at the log.")
        return None
    st.toast(quoted(said(done)), icon=":material/check:")
    return done


def refused(why: str) -> None:
    """Say why nothing was done: where it was pressed, and in a note that outlasts the next look at the ledger."""
    st.error(quoted(why))
    st.toast(quoted(why), icon=":material/error:", duration="long")


def press(label: str, action: Action, what: str, **looks: Any) -> bool:
    """A button that says what it does; who may not press it sees which role it takes."""
    off = not allowed(action) or bool(looks.pop("disabled", False))
    return st.button(label, help=hint(action, what), disabled=off, **looks)


def chosen_run() -> str | None:
    """The run that the address names."""
    return st.query_params.get("run")


def choose_run(empty: str) -> str | None:
    """A box with the newest runs, bound to the address; None (and ``empty`` on the page) when there is none."""
    found = ask(lambda store: runs(store, 200))
    if not found:
        if found is not None:
            st.info(f"No run yet. {empty}".strip())
            st.page_link(PAGES["new"], label="New idea", icon=":material/lightbulb:")
        return None
    names = [each.id for each in found]
    named = chosen_run()
    if named is not None and named not in names:
        names.insert(0, named)
    repos = {each.id: each.repo for each in found}
    picked = st.selectbox(
        "Run", names, index=names.index(named) if named else 0,
        format_func=lambda each: f"{each} · {repos[each]}" if each in repos else each,
    )  # fmt: skip
    if picked != named:
        st.query_params.from_dict({"run": str(picked)})
    return str(picked)


def show_chips(chips: Sequence[Chip]) -> None:
    """The stages in a row that wraps on a phone."""
    box = (
        '<li style="border:1px solid currentColor;border-radius:1rem;padding:.15rem .7rem">'
        '<span aria-hidden="true">{mark}</span> {title}<span style="opacity:.85"> · {standing}</span></li>'
    )
    items = joined([filled(box, mark=each.mark, title=each.title, standing=each.standing) for each in chips])
    row = '<ol aria-label="Stages" style="display:flex;flex-wrap:wrap;gap:.4rem;list-style:none;padding:0;margin:0">'
    st.html(f"{row}{items}</ol>")


def show_facts(facts: dict[str, str]) -> None:
    """Numbers by name, in columns that fit."""
    box = (
        "<div style='min-width:7rem'><dt style='opacity:.85;font-size:.85rem;margin:0;padding:0'>{name}</dt>"
        "<dd style='margin:0;padding:0;font-size:1.2rem'>{value}</dd></div>"
    )
    items = joined([filled(box, name=name, value=value) for name, value in facts.items()])
    st.html(f"<dl style='display:flex;flex-wrap:wrap;gap:1.5rem;margin:0;padding:0'>{items}</dl>")


def show_table(rows: Sequence[dict[str, str]], empty: str) -> None:
    """Rows as a table, or a word on why there are none."""
    if rows:
        st.dataframe(list(rows), hide_index=True)
    else:
        st.caption(empty)


def show_links(links: dict[str, str]) -> None:
    """Pages outside, by name; those that do not exist are left out."""
    there = {name: address for name, address in links.items() if address}
    if there:
        with st.container(horizontal=True):
            for name, address in there.items():
                st.link_button(name, address, icon=":material/open_in_new:")
