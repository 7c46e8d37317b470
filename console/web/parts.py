"""What several pages share: links, the stages as chips, commands and their answers, and what is said when in need."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import TimeoutError as TooSlow
from pathlib import Path
from typing import Any, TypeVar

import streamlit as st

from console.bridge import bridge
from console.view.inert import filled, joined
from console.view.run import Chip
from ledger.store import Store
from shipline.errors import ShiplineError

T = TypeVar("T")

HERE = Path(__file__).parent / "pages"
PAGES = {
    name: st.Page(str(HERE / f"{name}.py"), title=title, icon=icon, url_path=name, default=name == "home")
    for name, title, icon in (
        ("home", "Home", ":material/home:"),
        ("new", "New idea", ":material/lightbulb:"),
        ("run", "Run", ":material/timeline:"),
        ("issue", "Issue", ":material/adjust:"),
        ("deployments", "Deployments", ":material/rocket_launch:"),
        ("agents", "Agents", ":material/groups:"),
        ("audit", "Audit", ":material/verified:"),
    )
}
LIVE = 1.0  # seconds between two looks of a page that shows what goes on


def ask(question: Callable[[Store], Coroutine[Any, Any, T]]) -> T | None:
    """Ask the ledger; None after having said on the page why there is no answer."""
    try:
        return bridge().read(question)
    except ShiplineError as error:
        st.warning(f"{error}\n\nThis page looks again by itself.", icon=":material/cloud_off:")
    except TooSlow:
        st.warning("The ledger takes very long to answer. This page looks again by itself.")
    return None


def tell(command: Callable[[], Coroutine[Any, Any, T]], said: Callable[[T], str]) -> T | None:
    """Carry a command out and say what came of it; what went wrong is said as a sentence."""
    try:
        with st.spinner("One moment …"):
            done = bridge().do(command)
    except ShiplineError as error:
        st.error(str(error))
        return None
    except TooSlow:
        st.error("There is no answer yet; what was asked may still happen. Look at the log.")
        return None
    st.toast(said(done), icon=":material/check:")
    return done


def me() -> str:
    """Who presses, for the record: this machine's user on a local stack."""
    return getpass.getuser()


def chosen_run() -> str | None:
    """The run that the address names."""
    return st.query_params.get("run")


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
