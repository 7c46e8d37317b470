"""What an operator comes for: a run out of budget, a guard that stopped a change, a filter kept, a chain to read."""

from __future__ import annotations

import getpass

import pytest
from streamlit.testing.v1 import AppTest

from ledger.interrupts import pause_run
from ledger.issues import change_issue, get_issue
from ledger.models import DocVersion, EventType, Held, OnboardingDoc, Run, now
from ledger.rules.budget import BY
from ledger.store import Store
from ledger.timeline import append, event
from tests.integration.console.test_pages import NASTY, _html, _opened, page, run

__all__ = ["page", "run"]  # fixtures
pytestmark = pytest.mark.timeout(120)


async def test_a_budget_that_is_used_up_can_be_raised_there(page: AppTest, store: Store, run: Run) -> None:
    await pause_run(store, run.id, BY, "the budget of $1.00 is used up ($1.20)")
    _opened(page, "run", run=run.id)
    assert "Out of budget" in _html(page)
    next(each for each in page.button if each.label == "Budget …").click().run()
    assert [each.label for each in page.number_input] == ["Budget in US dollars", "Tokens", "Minutes"]
    assert "Set the budget" in [each.label for each in page.button]  # pressed in tests/e2e/test_console_alone.py


async def test_a_change_that_a_guard_stopped_can_pass_from_home(page: AppTest, store: Store, run: Run) -> None:
    held = Held(change="c", reasons=[NASTY])
    await change_issue(store, run.id, "a", {"held": held.model_dump(by_alias=True)})
    page.run()
    assert "A guard stopped the change of" in _html(page)
    assert "<script" not in _html(page)
    next(each for each in page.button if each.label == "Let it pass: a").click().run()
    issue = await get_issue(store, run.id, "a")
    assert issue.held is not None
    assert issue.held.allowed_by == getpass.getuser()


async def test_the_filters_of_home_are_read_from_its_address(page: AppTest, run: Run) -> None:
    page.query_params.update({"find": "nothing like it", "show": "Needs you", "of": "o/r"})
    page.run()
    assert [each.value for each in page.subheader] == ["Needs you (0)"]
    assert page.text_input[0].value == "nothing like it"
    assert [each.value for each in page.selectbox] == ["Needs you", "o/r"]


async def test_the_chain_is_shown_in_pages(page: AppTest, store: Store, run: Run) -> None:
    for number in range(60):
        await append(store, run.id, event(EventType.STEP_COMPLETED, "QA", f"step {number} {NASTY}"))
    _opened(page, "audit", run=run.id)
    last = (await store.get(Run, run.id)).chain
    shown = page.dataframe[0].value
    assert (len(shown), shown["Number"][0], shown["Hash"][0]) == (50, str(last.seq), last.hash[:12])
    next(each for each in page.button if each.label == "Events before these").click().run()
    assert page.dataframe[0].value["Number"][0] == str(last.seq - 50)
    assert page.query_params["below"] == str(last.seq - 49)


async def test_an_earlier_version_of_a_document_is_written_again(page: AppTest, store: Store, run: Run) -> None:
    first = DocVersion(version=1, text=f"Be kind. {NASTY}", by=None, at=now())
    name = "onboarding/reviewer.md"
    await store.insert(OnboardingDoc(id=name, text="Other words.", version=2, earlier=[first]))
    _opened(page, "agents", agent="code-reviewer")
    assert first.text in [each.value for each in page.code]
    next(each for each in page.button if each.label == "Write it again").click().run()
    kept = await store.get(OnboardingDoc, name)
    assert (kept.version, kept.text, len(kept.earlier)) == (3, first.text, 2)
