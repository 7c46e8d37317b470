"""What an endpoint's refusal means: asked again after a while, or an end in words. Pure.

NVIDIA's gateway answers with ``title`` and ``detail``, its models with ``message`` or with OpenAI's ``error.message``;
a function that is being moved is a 400 that says DEGRADED.
"""

from __future__ import annotations

from typing import Any

from pydantic_ai.exceptions import ModelAPIError, ModelHTTPError

from shipline.backoff import pause
from shipline.errors import AgentError, ConfigError, ShiplineError, Unavailable

LONGEST = 120.0  # seconds that one answer may ask us to wait; beyond that the run is told instead
_AGAIN = frozenset({408, 409, 425, 429})


def wait_before_again(error: ModelAPIError, attempt: int) -> float | None:
    """Seconds until it is worth asking again; None when it is not."""
    if isinstance(error, ModelHTTPError) and not _heals(error):
        return None
    asked = error.retry_after
    if asked is not None and asked > LONGEST:
        return None
    return max(asked or 0.0, 0.0) or pause(attempt)


def refusal(error: ModelAPIError, model: str, url: str) -> ShiplineError:
    """The refusal as one of our errors: what was said, and what to do."""
    if not isinstance(error, ModelHTTPError):
        return Unavailable(f"{url} does not answer ({error.message}).", "Retry when it does; nothing was kept.")
    status, said = error.status_code, words(error.body)
    if status in (401, 403):
        return ConfigError(f"{url} does not take our key ({said}).", "Set NVIDIA_API_KEY to a key that is good for it.")
    if status in (404, 410):
        return ConfigError(
            f"{url} has no model {model} ({said}).", "Set SHIPLINE_PLANNER_MODEL; `shipline doctor` lists what it has."
        )
    if status == 429:
        return Unavailable(f"{url} takes no more requests now ({said}).", "Retry later, or lower the number of runs.")
    if _heals(error):
        return Unavailable(f"{url} answered {status} ({said}).", "Retry when it works again; nothing was kept.")
    return AgentError(f"{url} answered {status} to {model}: {said}.", "Correct what it names, then retry.")


def words(body: Any) -> str:
    """What the body of a refusal says, on one line."""
    if isinstance(body, dict):
        inner = body.get("error")
        if isinstance(inner, dict):
            body = inner
        elif isinstance(inner, str):
            body = {"message": inner, **body}
        found = [body.get(name) for name in ("message", "detail", "title")]
        text = next((str(each) for each in found if each), str(body))
    else:
        text = str(body or "nothing more")
    return " ".join(text.split())[:300].rstrip(".")


def _heals(error: ModelHTTPError) -> bool:
    if error.status_code == 400:
        return "degraded" in words(error.body).lower()
    return error.status_code in _AGAIN or error.status_code >= 500
