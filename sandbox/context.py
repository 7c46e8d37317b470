"""What every route is given: who asks, of which hub, about which repository."""

from __future__ import annotations

from asyncio import Lock
from typing import Annotated, Any

from fastapi import Depends
from starlette.requests import Request

from sandbox.answers import Json, cut, listing, not_found, page_of
from sandbox.faults.middleware import HORIZON
from sandbox.hub import Hub
from sandbox.plumbing.git import Git
from sandbox.plumbing.objects import Person
from sandbox.shapes.commits import NOREPLY
from sandbox.store import Row, Store, now


class Call:
    """One request by one account."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.hub: Hub = request.app.state.hub
        self.store: Store = self.hub.store
        self.login: str = request.state.login

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters."""
        return dict(self.request.query_params)

    @property
    def author(self) -> Person:
        """The account as the author of a commit made now."""
        return Person(self.login, f"{self.login}{NOREPLY}", now())

    def listed(self, items: list[Any], total: int | None = None) -> Json:
        """The asked page: ``items`` is all of the list or, where ``total`` is given, already that page."""
        if total is None:
            return listing(self.request, self.hub.url, cut(self.request, items), len(items))
        return listing(self.request, self.hub.url, items, total)

    def rows(self, columns: str, rest: str, *values: Any, born: str | None = "created_at") -> tuple[list[Row], int]:
        """One page of a query and the number of rows it has in all. ``born`` is the column that tells a row's age."""
        page = page_of(self.request)
        body, _, order = rest.partition(" ORDER BY ")
        horizon = getattr(self.request.state, HORIZON, None)
        if horizon and born:
            body, values = f"{body} AND ({born} IS NULL OR {born} <= ?)", (*values, horizon)
        total = self.store.count(f"SELECT count(*) FROM {body}", *values)  # noqa: S608 (SQL of ours)
        sql = f"SELECT {columns} FROM {body} ORDER BY {order} LIMIT ? OFFSET ?"  # noqa: S608 (SQL of ours)
        return self.store.all(sql, *values, page.size, page.offset), total


class RepoCall(Call):
    """One request about one repository; 404 when there is none of that name."""

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        found = self.hub.find(request.path_params["owner"], request.path_params["repo"])
        if found is None:
            raise not_found()
        self.repo: Row = found
        self.git: Git = self.hub.git(found)

    @property
    def lock(self) -> Lock:
        """Held while the repository's refs are changed."""
        return self.hub.lock(self.repo)


async def _call(request: Request) -> Call:
    return Call(request)


async def _repo_call(request: Request) -> RepoCall:
    return RepoCall(request)


Here = Annotated[Call, Depends(_call)]
At = Annotated[RepoCall, Depends(_repo_call)]
