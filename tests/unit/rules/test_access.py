"""Roles: each may do all that the ones below it may; who nobody gave one may nothing."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.rules.access import NEEDED, Action, Role, check_roles, may, refusal, role_of
from shipline.errors import InvalidInput

ROLES = {"ann@example.org": Role.ADMIN, "@example.org": Role.VIEWER, "group:ops": Role.OPERATOR}


@given(st.sampled_from(list(Action)))
def test_more_power_never_takes_away(action: Action) -> None:
    assert all(may(high, action) for low, high in pairwise(Role) if may(low, action))
    assert may(Role.ADMIN, action)
    assert not may(None, action)
    assert may(NEEDED[action], action)


def test_a_viewer_only_looks_and_only_an_approver_lets_code_be_written_or_deployed() -> None:
    assert [action for action in Action if may(Role.VIEWER, action)] == [Action.LOOK]
    assert [action for action in Action if not may(Role.OPERATOR, action)] == [
        Action.APPROVE, Action.BUDGET, Action.MERGE, Action.ALLOW, Action.DEPLOY, Action.SETTINGS,
    ]  # fmt: skip
    assert [action for action in Action if not may(Role.APPROVER, action)] == [Action.SETTINGS]
    assert set(NEEDED) == set(Action)


@pytest.mark.parametrize(
    ("claims", "role"),
    [
        ({"email": "Ann@Example.org"}, Role.ADMIN),
        ({"email": "ann@example.org", "email_verified": False}, None),
        ({"email": "bob@example.org", "email_verified": True}, Role.VIEWER),
        ({"email": "bob@example.org", "groups": ["ops"]}, Role.OPERATOR),
        ({"email": "bob@elsewhere.org", "roles": ["Ops"]}, Role.OPERATOR),
        ({"email": "bob@notexample.org"}, None),
        ({"email": "@example.org.evil"}, None),
        ({"groups": "ops"}, None),
        ({}, None),
    ],
)
def test_the_most_powerful_role_that_the_claims_give(claims: dict[str, object], role: Role | None) -> None:
    assert role_of(claims, ROLES) is role


@given(st.dictionaries(st.text(), st.one_of(st.text(), st.booleans(), st.none(), st.lists(st.text()))))
def test_claims_of_any_shape_give_a_role_or_none(claims: dict[str, object]) -> None:
    assert role_of(claims, {}) is None
    assert role_of(claims, ROLES) in (None, *Role)


def test_a_refusal_says_what_it_takes() -> None:
    assert refusal(Role.VIEWER, Action.PAUSE) == "You are viewer; to pause takes operator."
    assert refusal(None, Action.LOOK) == "You have no role; to look takes viewer."


@pytest.mark.parametrize(("raw", "said"), [({"ann": "admin"}, "no address"), ({"a@b": "king"}, "king")])
def test_roles_that_are_wrong_are_named(raw: dict[str, str], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        check_roles(raw)
    assert check_roles({"group:ops": "operator"}) == {"group:ops": Role.OPERATOR}
