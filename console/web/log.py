"""The log of a run: live, narrowed by issue, stage and level; frozen, and further back, when asked."""

from __future__ import annotations

from typing import Any

import streamlit as st

from console.bridge import bridge
from console.view.inert import filled, first_line, joined
from console.view.run import as_text, entries
from console.view.words import STAGES, name
from console.web.parts import LIVE, ask, follow, seen_run
from ledger.models import Level
from ledger.queries import latest_events

LOUD = {"all": (), "warnings and errors": (Level.WARNING, Level.ERROR), "errors": (Level.ERROR,)}
MORE = 200  # lines of the log at a time


def log(run_id: str) -> None:
    """The log, newest at the end."""
    first, second, third = st.columns(3)
    loud = first.selectbox("Show", list(LOUD), bind="query-params", key="level")
    seen = seen_run(run_id)
    names = {"": "all", **({each.key: name(each) for each in seen.tree.issues} if seen else {})}
    node = chosen(second, "Of issue", "node", names)
    phase = chosen(third, "Of stage", "stage", {"": "all", **{str(state): title for state, title in STAGES.items()}})
    shown = st.session_state.setdefault("shown", MORE)

    def newest() -> None:
        found = ask(
            lambda store: latest_events(
                store, run_id, limit=shown, node=node, phase=phase, levels=LOUD[str(loud)]
            ),
            share=("log", run_id, node, phase, str(loud), str(shown)),
        )  # fmt: skip
        if found is None:
            return
        rows = entries(found)
        if not rows:
            st.caption("No line yet.")
            return
        text = joined(
            [filled("{at}  {level:<10}{text}\n", at=e.at, level=e.level, text=first_line(e.text, 400)) for e in rows]
        )
        st.html(
            "<pre tabindex='0' aria-label='Log' style='max-height:28rem;overflow:auto;display:flex;"
            f"flex-direction:column-reverse;white-space:pre-wrap;margin:0'><code>{text}</code></pre>"
        )

    def everything() -> str:
        levels = LOUD[str(loud)]
        found = bridge().read(
            lambda store: latest_events(store, run_id, limit=0, node=node, phase=phase, levels=levels)
        )
        return as_text(entries(found))

    follow(newest, LIVE)
    st.download_button("Download", everything, f"{run_id}.log", icon=":material/download:", on_click="ignore",
                       help="All lines of what is chosen, also those that are not shown.")  # fmt: skip
    if st.button("Earlier lines"):
        st.session_state["shown"] = shown + 1000
        st.rerun()


def chosen(place: Any, label: str, key: str, names: dict[str, str]) -> str:
    """A box whose choice stands in the address; empty for all of it."""
    keys = list(names)
    asked = st.query_params.get(key, "")
    picked = str(place.selectbox(label, keys, index=keys.index(asked) if asked in keys else 0, format_func=names.get))
    if picked and picked != asked:
        st.query_params[key] = picked
    elif not picked and asked:
        del st.query_params[key]
    return picked
