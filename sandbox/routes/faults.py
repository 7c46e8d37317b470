"""Faults on demand. Plainly not GitHub's: no client of GitHub asks for such a path."""

from __future__ import annotations

from fastapi import APIRouter

from sandbox.answers import Json
from sandbox.context import Here
from sandbox.faults.rules import Rule

router = APIRouter(prefix="/_sandbox/faults")


@router.get("")
async def listed(call: Here) -> Json:
    """The rules in force, and how often each matched and fired."""
    return Json([each.about() for each in call.request.app.state.faults.rules])


@router.post("")
async def add(call: Here, rules: Rule | list[Rule]) -> Json:
    """One more rule, or several; they are tried in the order in which they came."""
    book, several = call.request.app.state.faults, rules if isinstance(rules, list) else [rules]
    return Json([book.add(rule).about() for rule in several], 201)


@router.delete("")
async def clear(call: Here) -> Json:
    """No faults any more."""
    call.request.app.state.faults.clear()
    return Json(None, 204)
