"""Who looks at the page, and what they may press. Without a login that is this machine's user: everything."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from functools import cache
from typing import Any

import streamlit as st

from console.view.inert import filled
from ledger.rules.access import Action, Role, check_roles, may, refusal, role_of
from shipline.login import Login, load_login


@dataclass(frozen=True)
class Person:
    """Whom the record names, and what they are; no role means that they may not even look."""

    name: str
    role: Role | None


@cache
def login() -> Login:
    """The configuration that the process was started with."""
    return load_login()


def claims() -> dict[str, Any] | None:
    """What the provider says of who is logged in; None when nobody is."""
    return dict(st.user.to_dict()) if st.user.get("is_logged_in") else None


@cache
def operator() -> Person:
    """Who sits at this machine."""
    return Person(getpass.getuser(), Role.ADMIN)


def person() -> Person:
    """Who looks."""
    if not login().asked:
        return operator()
    known = claims()
    if known is None:
        return Person("", None)
    roles = check_roles(login().console_roles)
    return Person(str(known.get("email") or known.get("sub") or "somebody"), role_of(known, roles))


def me() -> str:
    """Who presses, for the record."""
    return person().name


def allowed(action: Action) -> bool:
    """Whether who looks may do it. What is pressed is checked once more where it is carried out."""
    return may(person().role, action)


def hint(action: Action, what: str) -> str:
    """What a button does, or why it cannot be pressed."""
    role = person().role
    return what if may(role, action) else refusal(role, action)


def admitted() -> bool:
    """Whether the page may be shown; says so, with a button, when not."""
    who = person()
    if not login().asked or may(who.role, Action.LOOK):
        if login().asked:
            _sidebar(who)
        return True
    st.title("Shipline")
    if who.name:
        st.html(
            filled("<p role='status'>{name} has no role here. Ask an administrator to give you one.</p>", name=who.name)
        )
        st.button("Log out", on_click=st.logout)
    else:
        st.info("Log in to see what runs.")
        st.button("Log in", on_click=st.login, type="primary")
    return False


def _sidebar(who: Person) -> None:
    with st.sidebar:
        st.html(filled("<p>{name} · {role}</p>", name=who.name, role=who.role))
        st.button("Log out", on_click=st.logout)
