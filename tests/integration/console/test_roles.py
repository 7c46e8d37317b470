"""Each role presses what it may, and what it may not is refused where it would be carried out, too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from console.web import access
from ledger.conversation import conversation
from ledger.models import Run
from ledger.store import Store
from tests.integration.console.test_pages import _html, _opened, page, run
from tests.unit.test_login import WHOLE

__all__ = ["page", "run"]  # fixtures
pytestmark = pytest.mark.timeout(120)
ROLES = {
    "@example.org": "viewer",
    "olga@example.org": "operator",
    "ada@example.org": "approver",
    "root@example.org": "admin",
}


@pytest.fixture
def logged_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What the provider says of who looks; the real login is in tests/e2e/test_login.py."""
    for name, value in {**WHOLE, "SHIPLINE_CONSOLE_ROLES": json.dumps(ROLES)}.items():
        monkeypatch.setenv(name, value)
    said: dict[str, Any] = {}
    monkeypatch.setattr(access, "claims", lambda: said or None)
    access.login.cache_clear()
    yield said
    access.login.cache_clear()


def _buttons(page: AppTest) -> dict[str, bool]:
    return {each.label: not each.disabled for each in page.button}


@pytest.mark.parametrize(
    ("who", "pause"),
    [("val", False), ("olga", True), ("ada", True), ("root", True)],
    ids=["viewer", "operator", "approver", "admin"],
)
async def test_who_may_pause(
    page: AppTest, store: Store, run: Run, logged_in: dict[str, Any], who: str, pause: bool
) -> None:
    logged_in["email"] = f"{who}@example.org"
    _opened(page, "run", run=run.id)
    assert _buttons(page)["Pause"] is pause
    assert f"{who}@example.org" in _html(page)
    if pause:
        next(each for each in page.button if each.label == "Pause").click().run()
        assert (await store.get(Run, run.id)).interrupt.by == f"{who}@example.org"


async def test_what_a_role_may_not_is_refused_where_it_is_carried_out(
    page: AppTest, store: Store, run: Run, logged_in: dict[str, Any]
) -> None:
    logged_in["email"] = "val@example.org"
    _opened(page, "new", repo="o/r")
    page.chat_input[0].set_value("/pause").run()
    assert page.error[0].value == "You are viewer\\; to pause takes operator\\."
    assert not (await store.get(Run, run.id)).interrupt.paused


async def test_an_operator_asks_and_an_approver_lets_code_be_written(
    page: AppTest, store: Store, run: Run, logged_in: dict[str, Any]
) -> None:
    await store.change(Run, run.id, {"state": "ISSUE_TREE", "outcome": "planned"})
    for who, may in (("olga", False), ("ada", True)):
        logged_in["email"] = f"{who}@example.org"
        assert _buttons(_opened(page, "run", run=run.id))["Approve the plan"] is may
    logged_in["email"] = "olga@example.org"
    _opened(page, "new", repo="o/r")
    page.chat_input[0].set_value("/approve").run()
    assert "takes approver" in page.error[0].value
    next(each for each in page.checkbox if each.label == "Show me the plan first").uncheck().run()
    page.chat_input[0].set_value("An idea that nobody has looked at").run()
    assert "takes approver" in page.error[0].value
    assert await conversation(store, "o/r") == []


async def test_who_is_not_logged_in_or_has_no_role_sees_nothing(
    page: AppTest, run: Run, logged_in: dict[str, Any]
) -> None:
    _opened(page, "run", run=run.id)
    assert list(_buttons(page)) == ["Log in"]
    assert run.id not in _html(page)
    logged_in["email"] = "eve@elsewhere.org"
    _opened(page, "run", run=run.id)
    assert list(_buttons(page)) == ["Log out"]
    assert "eve@elsewhere.org has no role here" in _html(page)


async def test_only_an_admin_saves_settings(page: AppTest, run: Run, logged_in: dict[str, Any]) -> None:
    for who, may in (("ada", False), ("root", True)):
        logged_in["email"] = f"{who}@example.org"
        assert _buttons(_opened(page, "settings", repo="o/r"))["Save"] is may
