"""The ways back from a runner: a ``repository_dispatch``; where that is not allowed a comment on the pull request."""

from __future__ import annotations

import os
from typing import Any

import httpx

from gha.messages import STATUS, Request, as_comment
from shipline.backoff import TRIES
from shipline.errors import ConfigError, Unavailable

WITHIN = 20.0


def tell(outcome: dict[str, Any], *, token: str, pull: str = "") -> str:
    """Say it; returns the way that was taken, ``callback`` or ``comment``.

    Raises ConfigError when no way is open: the artifact is what is left then.
    """
    with _client(token) as client:
        answer = _post(client, "/dispatches", {"event_type": STATUS, "client_payload": outcome})
        if answer.is_success:
            return "callback"
        if pull.isdecimal():
            commented = _post(client, f"/issues/{pull}/comments", {"body": as_comment(outcome)})
            if commented.is_success:
                return "comment"
    raise ConfigError(
        f"GitHub takes no callback from this workflow ({answer.status_code}).",
        "The job needs `contents: write`. The outcome is in the artifact, where Shipline looks for it.",
    )


def _post(client: httpx.Client, path: str, body: dict[str, Any]) -> httpx.Response:
    try:
        return client.post(path, json=body)
    except httpx.HTTPError as error:
        raise Unavailable(
            f"GitHub does not answer ({type(error).__name__}).", "The artifact has the outcome."
        ) from error


def cancel_others(request: Request, *, token: str, own: str) -> int | None:
    """Cancel the workflow runs that still work for a run of ours, this one left out; how many there were.

    None when the same dispatch was carried out before: it counts once.
    """
    with _client(token) as client:
        if _is_replay(client, request, own):
            return None
        found: list[int] = []
        for status in ("queued", "in_progress", "waiting", "pending"):
            asked = {"event": "repository_dispatch", "status": status, "per_page": 100}
            answer = client.get("/actions/runs", params=asked)
            if not answer.is_success:
                raise Unavailable(f"GitHub does not list its workflow runs ({answer.status_code}).", "Try again.")
            found += [
                each["id"]
                for each in answer.json()["workflow_runs"]
                if f" for {request.run_id} (" in each["display_title"] and str(each["id"]) != own
            ]
        for number in found:
            client.post(f"/actions/runs/{number}/cancel")  # one that ended meanwhile answers 409
    return len(found)


def _is_replay(client: httpx.Client, request: Request, own: str) -> bool:
    """Whether an earlier workflow run was started by the same dispatch: the orchestrator's title ends with its id."""
    for page in range(1, 11):  # GitHub lists a thousand at most
        asked: dict[str, str | int] = {"event": "repository_dispatch", "per_page": 100, "page": page}
        answer = client.get("/actions/runs", params=asked)
        if not answer.is_success:
            raise Unavailable(f"GitHub does not list its workflow runs ({answer.status_code}).", "Try again.")
        listed = answer.json()["workflow_runs"]
        same = [each["id"] for each in listed if each["display_title"].endswith(f"({request.dispatch_id})")]
        if any(each < int(own or 0) for each in same):
            return True
        if len(listed) < 100:
            break
    return False


def _client(token: str) -> httpx.Client:
    repo = os.environ.get("GITHUB_REPOSITORY", "")
    api = os.environ.get("GITHUB_API_URL", "https://api.github.com").rstrip("/")
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}
    # Of connections alone; an outcome counts once in any case.
    transport = httpx.HTTPTransport(retries=TRIES)
    return httpx.Client(base_url=f"{api}/repos/{repo}", headers=headers, timeout=WITHIN, transport=transport)
