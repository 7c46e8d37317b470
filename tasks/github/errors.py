"""What GitHub's refusals are called here, each with a sentence that says what to do."""

from __future__ import annotations

from datetime import datetime

import httpx

from shipline.errors import ConfigError, NotFound, ShiplineError, Unavailable


class GitHubError(ShiplineError):
    """GitHub answered and said no. ``status`` is its HTTP status."""

    def __init__(self, status: int, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.status = status


class RateLimited(Unavailable):
    """GitHub takes no more requests before ``until`` (UTC); nothing was done, and it may be tried again then."""

    def __init__(self, message: str, until: datetime) -> None:
        super().__init__(message, "Retry after that time; what is done stays done.")
        self.until = until


# What heals only when a person does something. Not here: say what GitHub said, and leave the rest to the reader.
_HINTS = {
    400: "The request itself is wrong; report it as a defect of Shipline.",
    403: "Give the token (or App) the permission it names.",
    405: "Look at what blocks it on GitHub, then retry.",
    409: "Somebody changed the same thing at the same time; retry.",
    410: "The feature is turned off in that repository; turn it on, then retry.",
    422: "Correct what it names, then retry.",
    451: "The repository is blocked for legal reasons.",
}


def refusal(response: httpx.Response) -> ShiplineError:
    """A refusal as one of our errors, with GitHub's own words in it."""
    status, where, said = response.status_code, place(response.request), words(response)
    if status == 401:
        return ConfigError(f"GitHub does not accept the token ({said}).", "Set SHIPLINE_GITHUB_TOKEN to a valid one.")
    if status == 403:
        return GitHubError(status, f"GitHub forbids {where}: {said}.", _HINTS[status])
    if status == 404:
        return NotFound(f"GitHub has nothing at {where}.", "Check the repository's name and the token's access to it.")
    return GitHubError(status, f"GitHub answered {status} to {where}: {said}", _HINTS.get(status, ""))


def place(request: httpx.Request) -> str:
    """A request in a sentence."""
    return f"{request.method} {request.url.path}"


def words(response: httpx.Response) -> str:
    """What the body of a refusal says; the start of it when it is no JSON of GitHub's."""
    if "html" in response.headers.get("content-type", ""):
        return "an HTML page"
    try:
        body = response.json()
    except ValueError:
        return " ".join(response.text[:200].split()) or "nothing more"
    if not isinstance(body, dict):
        return str(body)[:200]
    details = [
        str(item.get("message", item)) if isinstance(item, dict) else str(item) for item in body.get("errors") or []
    ]
    return "; ".join([str(body.get("message", "")), *details]).strip("; ")
