"""Git over HTTP: ``git clone``, ``fetch`` and ``push``, by git's own CGI program."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from sandbox.answers import not_found
from sandbox.context import Here
from sandbox.plumbing.git import clean_environment
from sandbox.pull_facts import follow_refs
from sandbox.store import Row

router = APIRouter()
_PASSED_ON = {"git-protocol": "GIT_PROTOCOL", "content-encoding": "HTTP_CONTENT_ENCODING"}


def _environment(call: Here, repo: Row, service: str, body: bytes) -> dict[str, str]:
    request = call.request
    env = clean_environment() | {
        "GIT_PROJECT_ROOT": str(call.hub.git(repo).path),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": f"/{service}",
        "REQUEST_METHOD": request.method,
        "QUERY_STRING": request.url.query,
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "REMOTE_USER": call.login,
        "REMOTE_ADDR": "127.0.0.1",
    }
    for header, name in _PASSED_ON.items():
        if value := request.headers.get(header):
            env[name] = value
    return env


def _as_response(out: bytes) -> Response:
    """What a CGI program printed: headers, an empty line, the body."""
    head, _, body = out.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode("latin-1").split("\r\n") if ": " in line)
    status = int(headers.pop("Status", "200").split(" ")[0])
    return Response(body, status, headers)


async def _serve(call: Here, repo: Row, service: str) -> Response:
    body = await call.request.body()
    env = _environment(call, repo, service, body)
    _, out, _ = await call.hub.processes.run(("git", "http-backend"), body, env)
    return _as_response(out)


@router.get("/{owner}/{name}/info/refs")
async def advertise(call: Here, owner: str, name: str) -> Response:
    """What there is to fetch or push to."""
    return await _serve(call, _repo(call, owner, name), "info/refs")


@router.post("/{owner}/{name}/git-upload-pack")
async def fetch(call: Here, owner: str, name: str) -> Response:
    """Hand out objects."""
    return await _serve(call, _repo(call, owner, name), "git-upload-pack")


@router.post("/{owner}/{name}/git-receive-pack")
async def push(call: Here, owner: str, name: str) -> Response:
    """Take in a push; its pull requests have moved before git hears that it is done."""
    repo = _repo(call, owner, name)
    await call.request.body()  # kept for later: a slow client must not hold the lock
    async with call.hub.lock(repo):
        try:
            return await _serve(call, repo, "git-receive-pack")
        finally:
            await follow_refs(call.hub, repo)


def _repo(call: Here, owner: str, name: str) -> Row:
    repo = call.hub.find(owner, name.removesuffix(".git"))
    if repo is None:
        raise not_found()
    return repo
