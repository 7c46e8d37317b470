"""Who may do what: four roles, each of which may do all that the ones below it may. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from shipline.errors import InvalidInput


class Role(StrEnum):
    """From the least to the most powerful."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    APPROVER = "approver"
    ADMIN = "admin"


class Action(StrEnum):
    """What a person can ask for."""

    LOOK = "look"
    START = "start a run"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    RETRY = "retry"
    ADVANCE = "advance"
    APPROVE = "approve a plan or a merge"
    BUDGET = "set the budget of a run"
    MERGE = "merge a pull request"
    ALLOW = "let a change pass that a guard stopped"
    DEPLOY = "deploy and roll back"
    SETTINGS = "change settings and agents"


NEEDED: Mapping[Action, Role] = {
    Action.LOOK: Role.VIEWER,
    Action.START: Role.OPERATOR,
    Action.PAUSE: Role.OPERATOR,
    Action.RESUME: Role.OPERATOR,
    Action.CANCEL: Role.OPERATOR,
    Action.RETRY: Role.OPERATOR,
    Action.ADVANCE: Role.OPERATOR,
    Action.APPROVE: Role.APPROVER,
    Action.BUDGET: Role.APPROVER,
    Action.MERGE: Role.APPROVER,
    Action.ALLOW: Role.APPROVER,
    Action.DEPLOY: Role.APPROVER,
    Action.SETTINGS: Role.ADMIN,
}
_ORDER = list(Role)
GROUP = "group:"
_GROUPS = ("groups", "roles")  # claims that name a person's groups: Keycloak, Entra and Okta use one of them


def may(role: Role | None, action: Action) -> bool:
    """Whether who has this role (None: nobody gave them one) may do it."""
    return role is not None and _ORDER.index(role) >= _ORDER.index(NEEDED[action])


def refusal(role: Role | None, action: Action) -> str:
    """Why not, in a sentence."""
    have = f"You are {role}" if role else "You have no role"
    return f"{have}; to {action} takes {NEEDED[action]}."


def role_of(claims: Mapping[str, Any], roles: Mapping[str, Role]) -> Role | None:
    """The most powerful role that a person's claims give; None when none does.

    ``roles`` is by e-mail address, by ``@domain``, or by ``group:NAME``. An address that the provider says is not
    verified counts for nothing: anybody could have written it.
    """
    names: set[str] = set()
    email = str(claims.get("email") or "").lower()
    if email and claims.get("email_verified") is not False:
        names |= {email, f"@{email.rpartition('@')[2]}"}
    for claim in _GROUPS:
        found = claims.get(claim)
        if isinstance(found, list):
            names |= {f"{GROUP}{each}".lower() for each in found}
    given = [role for name, role in roles.items() if name.lower() in names]
    return max(given, key=_ORDER.index, default=None)


def check_roles(raw: Mapping[str, Any]) -> dict[str, Role]:
    """The roles as configured; InvalidInput names what is wrong."""
    found: dict[str, Role] = {}
    for name, role in raw.items():
        if "@" not in name and not name.startswith(GROUP):
            raise InvalidInput(f"{name!r} is no address, no @domain and no {GROUP}NAME.")
        if role not in list(Role):
            raise InvalidInput(f"{name!r} has the role {role!r}.", f"There are: {', '.join(Role)}.")
        found[name] = Role(role)
    return found
