"""What speaks for a node, on its page: checks and findings, the change itself, and what was said of it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from console.bridge import bridge
from console.view import evidence as view
from console.view.inert import filled, quoted
from console.web.parts import show_table
from ledger.models import CheckReport, now
from shipline.errors import ShiplineError


def show_checks(reports: Sequence[CheckReport]) -> None:
    """The newest verdicts, and what was found."""
    st.subheader("Checks")
    show_table(view.checks(reports), "Not checked yet.")
    found = view.findings(reports)
    if reports:
        st.subheader("Findings")
        show_table(found, "Nothing was found.")


def show_change(repo: str, number: int | None, head: str) -> None:
    """The pull request: its files with their diff, and the comments. Read from GitHub when a person asks."""
    st.subheader("Pull request")
    if number is None:
        st.caption("Not opened yet.")
        return
    if not st.toggle(f"Show what pull request #{number} changes, and what was said of it", key=f"change-{number}"):
        return
    try:
        with st.spinner("Asking GitHub …"):
            files, said = _read(repo, number, head)
    except ShiplineError as error:
        st.warning(quoted(str(error)), icon=":material/cloud_off:")
        return
    for each in files:
        with st.expander(quoted(each["title"])):
            st.code(each["patch"] or "GitHub shows no difference: a binary or a very large file.", language="diff")
    if not files:
        st.caption("It changes no file.")
    st.subheader("Said of it")
    for head_line, text in said:
        st.html(
            filled(
                "<article style='border-left:3px solid currentColor;padding-left:.6rem;margin:.4rem 0'>"
                "<span style='opacity:.85;font-size:.85rem'>{head}</span>"
                "<div style='white-space:pre-wrap;overflow-wrap:anywhere'>{text}</div></article>",
                head=head_line, text=text,
            )
        )  # fmt: skip
    if not said:
        st.caption("Nobody has said anything.")


@st.cache_data(ttl=30, max_entries=64, show_spinner=False)
def _read(repo: str, number: int, head: str) -> tuple[list[dict[str, str]], list[tuple[str, str]]]:  # noqa: ARG001 (a new head is read anew)
    from tasks.github.look import files_of, remarks_on

    at = now()
    files = bridge().fetch(lambda: files_of(repo, number))
    said = bridge().fetch(lambda: remarks_on(repo, number))
    shown = [
        {"title": f"{each.path}  {view.counted(each.additions, each.deletions)}", "patch": each.patch or ""}
        for each in files
    ]
    return shown, [(view.said(each.author, each.place, each.at, at), each.text) for each in said]
