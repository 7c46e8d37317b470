"""Agents: who they are, what they are held to, what they read first; on and off."""

from __future__ import annotations

import streamlit as st

from console.view.inert import previewed, quoted
from console.view.others import agents, versions
from console.view.settings import history
from console.web.access import allowed, hint, me
from console.web.parts import ask, press, show_table, tell
from ledger.models import Agent, OnboardingDoc, now
from ledger.rules.access import Action

LISTS = (
    ("goals", "Goals"), ("tools", "Tools"), ("constraints", "Constraints"), ("guardrails", "Guardrails"),
    ("context_packs", "Context packs"),
)  # fmt: skip


def edit(agent: Agent) -> None:
    """One agent's form: a line an item."""
    from tasks.administration import change_agent

    with st.form(f"agent-{agent.id}"):
        enabled = st.toggle("On", value=agent.enabled, help="A run that needs an agent that is off stops and says so.")
        texts = {name: st.text_area(label, value="\n".join(getattr(agent, name)), height=110) for name, label in LISTS}
        off = not allowed(Action.SETTINGS)
        pressed = st.form_submit_button(
            "Save", type="primary", disabled=off, help=hint(Action.SETTINGS, "Runs heed it from now on.")
        )
    if pressed:
        values: dict[str, object] = {"enabled": enabled}
        values |= {name: [line.strip() for line in text.splitlines() if line.strip()] for name, text in texts.items()}
        if tell(Action.SETTINGS, lambda: change_agent(agent.type, values, by=me()), lambda _: "Saved") is not None:
            st.rerun()
    st.caption(f"The same on the command line: `shipline agents {agent.id} --off`")
    show_table(history(agent.history, now()), "Nobody has changed this agent.")


def onboarding(document: OnboardingDoc) -> None:
    """What the agent reads first, with a preview and the versions before."""
    from tasks.administration import write_onboarding

    write, look, before = st.tabs(["Write", "Preview", "Versions"])
    text = write.text_area(
        f"{document.id}, version {document.version}",
        value=document.text,
        height=320,
        key=f"{document.id}-{document.version}",
    )
    look.markdown(previewed(text))
    with before:
        show_table(versions(document, now()), "This is the first version.")
        if document.earlier:
            again(document)
    off = text == document.text or not allowed(Action.SETTINGS)
    what = hint(Action.SETTINGS, "Agents read it from now on.")
    if write.button("Save as a new version", disabled=off, help=what, key=f"save-{document.id}"):
        saved = tell(
            Action.SETTINGS,
            lambda: write_onboarding(document.id, text, by=me(), version=document.version),
            lambda done: f"Version {done.version} is saved",
        )
        if saved is not None:
            st.rerun()


def again(document: OnboardingDoc) -> None:
    """An earlier version in full, and the way back to it: it becomes the newest."""
    from tasks.administration import write_onboarding

    texts = {each.version: each.text for each in reversed(document.earlier)}
    picked = st.selectbox("Version", list(texts), key=f"version-{document.id}")
    st.code(texts[picked], language=None, wrap_lines=True)
    what = "Its text becomes the newest version; nothing is lost."
    if press("Write it again", Action.SETTINGS, what, key=f"again-{document.id}", icon=":material/history:"):
        saved = tell(
            Action.SETTINGS,
            lambda: write_onboarding(document.id, texts[picked], by=me(), version=document.version),
            lambda done: f"Version {done.version} is saved",
        )
        if saved is not None:
            st.rerun()


def show(known: list[Agent], documents: dict[str, OnboardingDoc]) -> None:
    """The table, and one agent in full."""
    st.dataframe(agents(known), hide_index=True)
    names = [each.id for each in known]
    named = st.query_params.get("agent")
    picked = st.selectbox("Agent", names, index=names.index(named) if named in names else 0)
    if picked != named:
        st.query_params["agent"] = str(picked)
    agent = next(each for each in known if each.id == picked)
    st.subheader(quoted(agent.name))
    st.text(agent.role)
    edit(agent)
    document = documents.get(agent.onboarding_doc_ref or "")
    if document is not None:
        st.subheader("What it reads first")
        onboarding(document)


def everything() -> tuple[list[Agent], list[OnboardingDoc]] | None:
    """The catalog; None after having said why there is no answer."""
    from tasks.administration import catalog

    return ask(catalog, share=("catalog",), fresh=5)


st.title("Agents")
if found := everything():
    show(found[0], {each.id: each for each in found[1]})
