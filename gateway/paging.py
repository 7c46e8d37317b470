"""Lists in pages, as GitHub gives them: ``page`` and ``per_page``, and a ``Link`` header to the ones beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Query, Request, Response

from ledger.models import Document
from ledger.store import Store

T = TypeVar("T")
D = TypeVar("D", bound=Document)
LARGEST = 100  # entries of a page, and how many there are unless asked
LAST = 1000  # the page after which nobody reads on
LINKED: dict[int | str, dict[str, Any]] = {
    200: {
        "headers": {
            "Link": {
                "description": "Where the pages beside it are: `first`, `prev`, `next`; the last one has no `next`.",
                "schema": {"type": "string"},
            }
        }
    }
}


@dataclass
class Paging:
    """The page that was asked for. What gives it says with ``linked`` whether there are more."""

    request: Request
    response: Response
    page: int
    size: int

    @property
    def skip(self) -> int:
        """How many entries come before."""
        return (self.page - 1) * self.size

    def linked(self, *, more: bool) -> None:
        """Say where the pages beside this one are."""
        beside = {"first": 1 if self.page > 1 else None, "prev": self.page - 1 or None}
        beside["next"] = self.page + 1 if more and self.page < LAST else None
        told = [
            f'<{self.request.url.include_query_params(page=page, per_page=self.size)}>; rel="{name}"'
            for name, page in beside.items()
            if page
        ]
        if told:
            self.response.headers["Link"] = ", ".join(told)

    def cut(self, items: Sequence[T]) -> list[T]:
        """This page of a list that is there as a whole."""
        self.linked(more=len(items) > self.skip + self.size)
        return list(items[self.skip : self.skip + self.size])

    def given(self, items: Sequence[T]) -> list[T]:
        """A page that another server cut: one that is full may be followed by more."""
        self.linked(more=len(items) == self.size)
        return list(items)

    async def found(
        self, store: Store, model: type[D], query: Mapping[str, Any], sort: Sequence[tuple[str, int]]
    ) -> list[D]:
        """This page of a query."""
        rows = await store.collection(model).read_all(
            filter=dict(query), sort=list(sort), skip=self.skip, limit=self.size + 1
        )
        self.linked(more=len(rows) > self.size)
        return [model.from_mongo(each) for each in rows[: self.size]]


def _paging(
    request: Request,
    response: Response,
    page: Annotated[int, Query(ge=1, le=LAST, description="Counted from 1.")] = 1,
    per_page: Annotated[int, Query(ge=1, le=LARGEST, description="Entries of a page.")] = LARGEST,
) -> Paging:
    return Paging(request, response, page, per_page)


Paged = Annotated[Paging, Depends(_paging)]
