"""A new idea: write it, choose the repository, start the run."""

from __future__ import annotations

import streamlit as st

from console.web.parts import PAGES, tell
from ledger.models import Budget, Run, Size

DEMO = (
    "Let people set a monthly budget for a category, warn them before they overspend, and let them export a month's "
    "spending against its budgets as CSV."
)


async def start(idea: str, repo: str, size: Size, dry_run: bool, usd: float | None) -> Run:
    """Take the idea in and have Prefect deliver it."""
    from tasks.control import resume
    from tasks.submit import submit

    run = await submit(idea, repo, size=size, dry_run=dry_run, budget=Budget(usd=usd))
    await resume(run.id)
    return run


st.title("New idea")
with st.form("idea"):
    idea = st.text_area("What should be possible afterwards?", value=DEMO, height=160, max_chars=20_000)
    repo = st.text_input("Repository", value="demo/tally", help="OWNER/NAME")
    left, middle, right = st.columns(3)
    sizes = [each.value for each in Size]
    size = Size(left.selectbox("Size", sizes, index=sizes.index(Size.MEDIUM)) or Size.MEDIUM)
    usd = middle.number_input("Budget in US dollars", min_value=0.0, value=None, placeholder="no limit")
    dry_run = right.checkbox("Only plan it", help="The plan is shown, and no code is written until you let it go on.")
    pressed = st.form_submit_button("Start", type="primary")
if pressed:
    run = tell(lambda: start(idea, repo.strip(), size, dry_run, usd), lambda made: f"{made.id} was started")
    if run is not None:
        st.switch_page(PAGES["run"], query_params={"run": run.id})
