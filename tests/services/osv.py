"""A vulnerability database that answers as OSV's API is documented to: batches of queries, in their order, in pages."""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


class Osv:
    """``known`` are vulnerabilities by (ecosystem, package, version); ``page`` is how many an answer holds."""

    def __init__(self, known: dict[tuple[str, str, str], list[dict[str, Any]]], page: int = 100) -> None:
        self.known, self.page = known, page
        self.asked: list[dict[str, Any]] = []
        self.app = Starlette(
            routes=[
                Route("/v1/querybatch", self._batch, methods=["POST"]),
                Route("/v1/vulns/{id}", self._one),
            ]
        )

    async def _batch(self, request: Request) -> JSONResponse:
        queries = (await request.json())["queries"]
        if len(queries) > 1000:
            return JSONResponse({"code": 3, "message": "Too many queries."}, 400)
        self.asked += queries
        return JSONResponse({"results": [self._found(each) for each in queries]})

    def _found(self, query: dict[str, Any]) -> dict[str, Any]:
        package = query["package"]
        found = self.known.get((package["ecosystem"], package["name"], query["version"]), [])
        start = int(query.get("page_token") or 0)
        shown = found[start : start + self.page]
        answer: dict[str, Any] = {}
        if shown:
            answer["vulns"] = [{"id": each["id"], "modified": "2026-01-01T00:00:00Z"} for each in shown]
        if start + self.page < len(found):
            answer["next_page_token"] = str(start + self.page)
        return answer

    async def _one(self, request: Request) -> JSONResponse:
        wanted = request.path_params["id"]
        found = next((each for all_ in self.known.values() for each in all_ if each["id"] == wanted), None)
        if found is None:
            return JSONResponse({"code": 5, "message": "Bug not found."}, 404)
        return JSONResponse({"schema_version": "1.6.0", **found})
