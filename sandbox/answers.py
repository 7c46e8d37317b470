"""What goes out: JSON in the shape of the asked API version, refusals with GitHub's bodies, pages with Link headers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import Response

T = TypeVar("T")
DOCS = "https://docs.github.com/rest"
OLD_VERSION, NEW_VERSION = "2022-11-28", "2026-03-10"
VERSIONS = (OLD_VERSION, NEW_VERSION)
# The fields that 2026-03-10 took out of the answers (GitHub's "Breaking changes" page).
_REMOVED = frozenset({"assignee", "merge_commit_sha", "has_downloads", "use_squash_pr_title_as_default"})

api_version: ContextVar[str] = ContextVar("api_version", default=OLD_VERSION)


class Refused(Exception):
    """A request that GitHub would refuse, with its status and words."""

    def __init__(
        self, status: int, message: str, errors: list[Any] | None = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.errors, self.headers = status, message, errors, headers

    def body(self) -> dict[str, Any]:
        """The body as GitHub writes it; the status in it is text."""
        about: dict[str, Any] = {"message": self.message}
        if self.errors is not None:
            about["errors"] = self.errors
        return about | {"documentation_url": DOCS, "status": str(self.status)}


def not_found(message: str = "Not Found") -> Refused:
    """What GitHub says of everything that is not there, or not yours to see."""
    return Refused(404, message)


def invalid(resource: str, field: str, code: str, **more: Any) -> Refused:
    """``Validation Failed``, with the one field that is wrong."""
    return Refused(422, "Validation Failed", [{"resource": resource, "field": field, "code": code, **more}])


def failed(resource: str, message: str, **more: Any) -> Refused:
    """``Validation Failed``, with a sentence of GitHub's own (code ``custom``)."""
    return Refused(422, "Validation Failed", [{"resource": resource, "code": "custom", **more, "message": message}])


def _without_removed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_removed(item) for key, item in value.items() if key not in _REMOVED}
    return [_without_removed(item) for item in value] if isinstance(value, list) else value


class Json(Response):
    """A JSON body in the API version that the client asked for; None is no body at all."""

    media_type = "application/json; charset=utf-8"

    def __init__(self, content: Any, status_code: int = 200, headers: dict[str, str] | None = None) -> None:
        shown = _without_removed(content) if api_version.get() == NEW_VERSION else content
        text = None if shown is None else json.dumps(shown, ensure_ascii=False, separators=(",", ":"))
        super().__init__(text, status_code, headers)


def refusal(error: Refused) -> Json:
    """A refusal as a response."""
    return Json(error.body(), error.status, error.headers)


@dataclass(frozen=True)
class Page:
    """The part of a list that was asked for."""

    number: int
    size: int

    @property
    def offset(self) -> int:
        """How many items come before it."""
        return (self.number - 1) * self.size


def _positive(text: str | None, default: int) -> int:
    return max(1, int(text)) if text and text.isdecimal() else default


def page_of(request: Request) -> Page:
    """``page`` and ``per_page`` (30, at most 100); nonsense counts as absent, as on GitHub."""
    query = request.query_params
    return Page(_positive(query.get("page"), 1), min(100, _positive(query.get("per_page"), 30)))


def listing(request: Request, url: str, items: Sequence[Any], total: int) -> Json:
    """One page of a list of ``total`` items, with the Link header that leads to the others."""
    page = page_of(request)
    last = max(1, -(-total // page.size))
    pages = {"prev": page.number - 1, "next": page.number + 1, "last": last, "first": 1}
    wanted = (["next", "last"] if page.number < last else []) + (["prev", "first"] if page.number > 1 else [])
    query = [pair for pair in parse_qsl(request.url.query) if pair[0] != "page"]
    links = [
        f'<{url}{request.url.path}?{urlencode([*query, ("page", str(pages[rel]))])}>; rel="{rel}"'
        for rel in pages
        if rel in wanted
    ]
    return Json(list(items), headers={"Link": ", ".join(links)} if links else None)


def cut(request: Request, items: Sequence[T]) -> list[T]:
    """The asked page of a list that is already in memory."""
    page = page_of(request)
    return list(items[page.offset : page.offset + page.size])
