"""Who calls: a bearer token, compared in constant time, and the role that it gives."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from gateway.problems import Denied
from gateway.settings import Caller
from ledger.rules.access import Action, may, refusal

_bearer = HTTPBearer(auto_error=False, description="A token of SHIPLINE_API_TOKENS; `shipline up` makes one.")
Given = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


async def caller(request: Request, given: Given) -> Caller:
    """Whose token this is. Denied (401) without one that is known."""
    known: dict[str, Caller] = request.app.state.callers
    asked = given.credentials.encode() if given else b""
    found = None
    for token, each in known.items():  # all of them, so that time tells nothing
        if hmac.compare_digest(token.encode(), asked):
            found = each
    if found is None:
        raise Denied(401, "A known bearer token is needed.", "Send Authorization: Bearer TOKEN.")
    return found


def needs(action: Action) -> Callable[..., Coroutine[Any, Any, Caller]]:
    """A dependency: who calls, when they may do this; Denied (403) when not."""

    async def check(who: Annotated[Caller, Depends(caller)]) -> Caller:
        if not may(who.role, action):
            raise Denied(403, refusal(who.role, action))
        return who

    return check


Looker = Annotated[Caller, Depends(needs(Action.LOOK))]
Starter = Annotated[Caller, Depends(needs(Action.START))]
Passer = Annotated[Caller, Depends(needs(Action.APPROVE))]
Treasurer = Annotated[Caller, Depends(needs(Action.BUDGET))]
Merger = Annotated[Caller, Depends(needs(Action.MERGE))]
Approver = Annotated[Caller, Depends(needs(Action.ALLOW))]
Deployer = Annotated[Caller, Depends(needs(Action.DEPLOY))]
Admin = Annotated[Caller, Depends(needs(Action.SETTINGS))]
