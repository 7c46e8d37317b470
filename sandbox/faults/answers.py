"""The bodies of refusals, as GitHub and the proxy before it write them."""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass

from sandbox.answers import DOCS
from sandbox.faults.rules import Rule

_JSON, _HTML = "application/json; charset=utf-8", "text/html; charset=utf-8"
_SECONDARY = (
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. "
    "If you reach out to GitHub Support for help, please include the request ID."
)
_CREATION = (
    "You have exceeded a secondary rate limit and have been temporarily blocked from content creation. "
    "Please retry your request again later."
)
_PRIMARY = "API rate limit exceeded for user ID 58000000."
_WORDS = {401: "Bad credentials", 403: "Resource not accessible by integration", 404: "Not Found"}


@dataclass
class Answer:
    """A whole answer, in one piece."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


def refused(rule: Rule) -> Answer:
    """The answer of a ``refuse`` rule. ``x-ratelimit-reset`` may be written as ``+SECONDS`` from now."""
    headers = {name.lower(): value for name, value in rule.headers.items()}
    reset = headers.get("x-ratelimit-reset", "")
    if reset.startswith("+"):
        headers["x-ratelimit-reset"] = str(math.ceil(time.time() + float(reset)))
    if rule.text is not None:
        kind, text = headers.pop("content-type", _JSON), rule.text
    elif rule.status >= 501:
        kind, text = _HTML, _page(rule.status)
    else:
        kind, text = _JSON, _json(rule.status, _message(rule.status, headers))
    return _answer(rule.status, {"content-type": kind, **headers}, text)


def creation_limit(wait: float) -> Answer:
    """The answer to one creation too many; ``wait`` seconds from now the next one fits."""
    headers = {"content-type": _JSON, "retry-after": str(max(1, math.ceil(wait)))}
    return _answer(403, headers, _json(403, _CREATION))


def _message(status: int, headers: dict[str, str]) -> str:
    if status in (403, 429):
        if headers.get("x-ratelimit-remaining") == "0":
            return _PRIMARY
        if status == 429 or "retry-after" in headers:
            return _SECONDARY
    return _WORDS.get(status, "Server Error" if status >= 500 else "Refused")


def _json(status: int, message: str) -> str:
    return json.dumps({"message": message, "documentation_url": DOCS, "status": str(status)})


def _page(status: int) -> str:
    return (
        f"<!DOCTYPE html>\n<html><head><title>{status}</title></head><body><p>No server answered.</p></body></html>\n"
    )


def _answer(status: int, headers: dict[str, str], text: str) -> Answer:
    body = text.encode()
    listed = [(name.encode(), value.encode()) for name, value in headers.items()]
    return Answer(status, [*listed, (b"content-length", str(len(body)).encode())], body)
