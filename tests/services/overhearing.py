"""A proxy before a server of this machine: what was sent through it is kept as it was said, headers and all."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.services.served import served

_OWN = frozenset({"host", "content-length", "accept-encoding", "connection", "transfer-encoding"})  # each hop's
_GZIP = 31  # zlib's word for a stream with gzip's head


@dataclass
class Overheard:
    """``url`` is where to send what is for ``target``; ``requests`` came through."""

    target: str
    url: str = ""
    requests: list[str] = field(default_factory=list)

    async def pass_on(self, request: Request) -> Response:
        """One request to the target, and its answer with our address in place of the target's."""
        body = await request.body()
        self.requests.append(
            f"{request.method} {request.url}\n{dict(request.headers)}\n{_plain(request, body).decode(errors='replace')}"
        )
        path = str(request.url).partition(request.url.netloc)[2]
        headers = {name: value for name, value in request.headers.items() if name not in _OWN}
        async with httpx.AsyncClient(timeout=60) as client:
            asked = client.build_request(request.method, self.target + path, headers=headers, content=body)
            asked.headers["accept-encoding"] = "identity"
            answer = await client.send(asked)
        theirs, ours = self.target.encode(), self.url.encode()
        content = answer.content
        if "json" in answer.headers.get("content-type", ""):
            content = content.replace(theirs, ours)
        kept = {
            name: value.replace(self.target, self.url)
            for name, value in answer.headers.items()
            if name not in _OWN and name != "content-encoding"
        }
        return Response(content, answer.status_code, kept)


def _plain(request: Request, body: bytes) -> bytes:
    return zlib.decompress(body, _GZIP) if request.headers.get("content-encoding") == "gzip" else body


@contextmanager
def overheard(target: str) -> Iterator[Overheard]:
    """Stand before ``target``."""
    made = Overheard(target)
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    with served(Starlette(routes=[Route("/{path:path}", made.pass_on, methods=methods)])) as url:
        made.url = url
        yield made
