"""The front door: identity, API version, the headers of every answer, and 304 for what has not changed."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.answers import OLD_VERSION, VERSIONS, Json, Refused, api_version, refusal
from sandbox.hub import Hub
from sandbox.limits import Limits

_OF_APPS = re.compile(r"^/(?:app(?:/.*)?|repos/[^/]+/[^/]+/installation)$")
_REPO = re.compile(r"^/(?:repos/)?(?P<owner>[^/]+)/(?P<name>[^/]+?)(?:\.git)?(?:/.*)?$")
_OPEN = re.compile(r"^/(?:(?:organizations/[^/]+/)?settings/apps/new|app-manifests/[^/]+/conversions)$")
_PLAIN = ("app", "user", "users", "orgs", "installation", "graphql", "rate_limit")
_GIT_SERVICES = ("/info/refs", "/git-upload-pack", "/git-receive-pack")


class FrontDoor:
    """Lets in who has a token, and finishes the answer."""

    def __init__(self, app: ASGIApp, hub: Hub, limits: Limits) -> None:
        self._app, self._hub, self._limits = app, hub, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        is_git = str(scope["path"]).endswith(_GIT_SERVICES)
        try:
            login = self._login(scope, headers.get("authorization"), is_git)
            version = _version(headers)
            if not is_git and scope["path"] != "/rate_limit":
                self._limits.use(login)
        except Refused as error:
            await refusal(error)(scope, receive, send)
            return
        scope.setdefault("state", {})["login"] = login
        if is_git:
            await self._app(scope, receive, send)
            return
        if not scope["path"].endswith(("/settings/apps/new", "/assets")):
            _take_any_body_for_json(scope)
        api_version.set(version)
        added = self._limits.headers(login) | {
            "X-GitHub-Media-Type": "github.v3; format=json",
            "X-GitHub-Api-Version-Selected": version,
            "X-GitHub-Request-Id": uuid.uuid4().hex[:20].upper(),
        }
        await self._app(scope, receive, _Finish(send, added, headers.get("if-none-match"), scope["method"]))

    def _login(self, scope: Scope, authorization: str | None, is_git: bool) -> str:
        challenge = {"WWW-Authenticate": 'Basic realm="GitHub"'} if is_git else None
        if not authorization:
            if _OPEN.match(scope["path"]):  # the operator's browser; or a code, which is the proof
                return next(iter(self._hub.tokens.values()))
            raise Refused(401, "Requires authentication", headers=challenge)
        scheme, _, secret = authorization.partition(" ")
        if scheme.lower() == "basic":
            try:
                secret = base64.b64decode(secret).decode().partition(":")[2]
            except (binascii.Error, UnicodeDecodeError):
                secret = ""
        login = self._hub.tokens.get(secret.strip()) or self._as_app(scope, secret.strip())
        if login is None:
            raise Refused(401, "Bad credentials", headers=challenge)
        return login

    def _as_app(self, scope: Scope, secret: str) -> str | None:
        """An App as itself (a JWT), or one of its installations (a token), where that is good for what is asked."""
        state = scope.setdefault("state", {})
        if app := self._hub.apps.of_jwt(secret):
            state["app_itself"] = app
            if not _OF_APPS.match(scope["path"]):
                raise Refused(401, "A JSON web token could not be decoded")
            return app.login
        minted = self._hub.apps.of_token(secret)
        if minted is None:
            return None
        at = _REPO.match(scope["path"])
        if at and at["owner"] not in _PLAIN and not minted.covers(at["owner"], at["name"]):
            raise Refused(404, "Not Found")
        state["minted"] = minted
        return minted.app.login


def _version(headers: Headers) -> str:
    asked = headers.get("x-github-api-version", OLD_VERSION)
    if asked not in VERSIONS:
        raise Refused(400, f"The API version {asked!r} is not supported. Use one of {', '.join(VERSIONS)}.")
    return asked


def _take_any_body_for_json(scope: Scope) -> None:
    """GitHub reads a body as JSON whatever its Content-Type says (curl says form)."""
    kept = [pair for pair in scope["headers"] if pair[0] != b"content-type"]
    scope["headers"] = [*kept, (b"content-type", b"application/json")]


class _Finish:
    """Adds the headers, and turns a GET whose ETag the client knows into 304."""

    def __init__(self, send: Send, added: dict[str, str], known: str | None, method: str) -> None:
        self._send, self._added, self._known, self._method = send, added, known, method
        self._start: Message = {}

    async def __call__(self, message: Message) -> None:
        """Hold the start back until the body is there; every answer comes in one piece."""
        if message["type"] == "http.response.start":
            self._start = message
            return
        headers = MutableHeaders(raw=self._start["headers"])
        headers.update(self._added)
        body = message.get("body", b"")
        if self._method == "GET" and self._start["status"] == 200:
            etag = f'W/"{hashlib.sha256(body).hexdigest()}"'
            headers["ETag"] = etag
            headers["Cache-Control"] = "private, max-age=60, s-maxage=60"
            if self._known == etag:
                self._start["status"], body = 304, b""
                del headers["content-length"]
        await self._send(self._start)
        await self._send({**message, "body": body})


def unexpected() -> Json:
    """What a fault of the sandbox itself looks like."""
    return Json({"message": "Server Error"}, 500)
