"""Errors as RFC 9457 has them: ``application/problem+json``, with a sentence of what happened and one of what to do."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from ledger.models import Model
from shipline.errors import (
    ConfigError,
    IllegalTransition,
    InvalidInput,
    NoRecording,
    NotFound,
    ShiplineError,
    Unavailable,
)

MEDIA = "application/problem+json"


class Problem(Model):
    """What an error looks like. ``detail`` says what happened, ``hint`` what to do."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    hint: str = ""
    errors: list[dict[str, Any]] = Field(default_factory=list)


class Denied(ShiplineError):
    """Refused at the door, with this ``status``: nobody known, somebody who may not, a body that is none."""

    def __init__(self, status: int, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.status = status


# A request that is not as the schema says is 422, before it comes here; one that does not fit what there is, 409.
_STATUS: tuple[tuple[type[ShiplineError], int], ...] = (
    (InvalidInput, 409), (NoRecording, 409), (NotFound, 404), (IllegalTransition, 409), (ConfigError, 503),
    (Unavailable, 503),
)  # fmt: skip


def answer(status: int, detail: str, hint: str = "", errors: list[dict[str, Any]] | None = None) -> JSONResponse:
    """One problem as a response."""
    told = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, hint=hint, errors=errors or [])
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if status == 503:
        headers["Retry-After"] = "5"
    return JSONResponse(told.model_dump(by_alias=True), status, headers, MEDIA)


def install(app: FastAPI) -> None:
    """Let every error of the application be a problem."""
    app.add_exception_handler(ShiplineError, _ours)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _plain)


async def _ours(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ShiplineError)
    if isinstance(error, Denied):
        return answer(error.status, error.message, error.hint)
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 502)
    return answer(status, error.message, error.hint)


async def _malformed(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    found = [{"where": [str(part) for part in each["loc"]], "what": str(each["msg"])} for each in error.errors()]
    first = f"{'.'.join(found[0]['where'])}: {found[0]['what']}" if found else "it cannot be read"
    return answer(422, f"The request is not usable: {first}.", "See /docs for what is expected.", found)


async def _plain(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    made = answer(error.status_code, str(error.detail))
    made.headers.update(error.headers or {})
    if error.status_code == 405:
        made.headers["Allow"] = ", ".join(_methods(request))
    return made


def _methods(request: Request) -> list[str]:
    """What the path takes: Starlette names the methods of the first route alone."""
    found: set[str] = set()
    for route in request.app.routes:
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE:
            found |= route.methods or set()
    return sorted(found)
