"""Settings: what decides for a repository, each with what it does, and who changed what."""

from __future__ import annotations

from enum import StrEnum

import streamlit as st

from console.view.inert import quoted
from console.view.settings import FIELDS, changed, history, origins
from console.web.access import allowed, hint, me
from console.web.asking import limits
from console.web.parts import PAGES, ask, show_table, tell
from ledger.models import Budget, EffectiveSettings, Source, UserSettings, now
from ledger.queries import repositories
from ledger.rules.access import Action
from ledger.rules.settings import resolve
from ledger.runs import project_id
from ledger.settings import USER

EVERY = "Every repository, unless it says otherwise"


def fields(known: EffectiveSettings) -> dict[str, object]:
    """The form's answers by field."""
    found: dict[str, object] = {}
    for name, label, what in FIELDS:
        value = getattr(known, name)
        if isinstance(value, bool):
            found[name] = st.checkbox(label, value=value, help=what)
        elif isinstance(value, StrEnum):
            choices = list(type(value))
            found[name] = st.selectbox(label, choices, index=choices.index(value), format_func=str, help=what)
        elif isinstance(value, float):
            found[name] = st.number_input(label, value=value, min_value=0.0, max_value=100.0, help=what)
        elif isinstance(value, int):
            found[name] = st.number_input(label, value=value, min_value=1, max_value=20, step=1, help=what)
        else:
            found[name] = st.text_input(label, value=str(value), help=what)
    return found


def budget(known: Budget) -> Budget:
    """What a run may use unless it says otherwise."""
    st.caption(
        "Budget of a run, unless it is started with another. Empty is no limit; a run pauses when it is used up."
    )
    return limits(known)


def show(repo: str | None) -> None:
    """The form of one repository, or (None) of what holds where a repository sets nothing itself."""
    level = project_id(repo) if repo else USER
    found = ask(lambda store: store.find(UserSettings, {"_id": {"$in": [USER, level]}}))
    if found is None:
        return
    levels = {each.id: each for each in found}
    if repo and level not in levels:
        st.info(f"{quoted(repo)} has no settings yet: they come with its first run.")
        return
    user = levels.get(USER, UserSettings(id=USER))
    own = levels.get(level, user)
    known, source = (resolve(own, user), Source.PROJECT) if repo else (resolve(None, own), Source.USER)
    with st.form(f"settings-{repo}"):
        answers = fields(known)
        may_use = budget(own.budget)
        mine = [name for name in answers if known.sources[name] is source]
        back = st.multiselect(
            "Leave to what stands behind", mine, format_func=lambda name: str(name).replace("_", " "),
            help="A repository's own value goes before the user's, and that before the default.",
        )  # fmt: skip
        off = not allowed(Action.SETTINGS)
        pressed = st.form_submit_button(
            "Save", type="primary", disabled=off, help=hint(Action.SETTINGS, "Runs heed it from now on.")
        )
    if pressed:
        values = changed(known, answers, back) | ({"budget": may_use} if may_use != own.budget else {})
        from tasks.administration import change_settings

        if tell(Action.SETTINGS, lambda: change_settings(repo, values, by=me()), lambda _: "Saved") is not None:
            st.rerun()
    command = f"shipline settings {repo or '--user'} --set coverage_percent=90"
    st.caption(f"The same on the command line: {quoted(command)}")
    st.subheader("Changes")
    show_table(history(own.history, now()), "Nobody has changed anything.")
    st.subheader("Where each value comes from")
    show_table(origins(known), "")


st.title("Settings")
found = ask(repositories)
if found:
    named = st.query_params.get("repo")
    picked = st.selectbox("Repository", [*found, EVERY], index=found.index(named) if named in found else 0)
    if picked not in (named, EVERY):
        st.query_params["repo"] = str(picked)
    show(None if picked == EVERY else str(picked))
elif found is not None:
    st.info("No repository yet. Its settings come with its first run.")
    st.page_link(PAGES["new"], label="New idea", icon=":material/lightbulb:")
