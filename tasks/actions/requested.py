"""By whose word a workflow was started: a dispatch counts when our secret signed it. Whoever may write to a repository
can send one; only Shipline, and who is given the secret, can sign it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from gha.messages import Request, read_request
from shipline.errors import ConfigError, InvalidInput


def request_here(secret: str) -> Request | None:
    """The request that started this workflow; None when something else did, such as a workflow of the repository's own.

    InvalidInput when it is a dispatch that is not signed with our secret, or was changed on the way.
    """
    if os.environ.get("GITHUB_EVENT_NAME") != "repository_dispatch":
        return None
    try:
        event = json.loads(Path(os.environ.get("GITHUB_EVENT_PATH", "")).read_text())
    except (OSError, ValueError) as error:
        raise ConfigError(f"The event of this workflow cannot be read ({type(error).__name__}).") from None
    return read_request(event, secret)


def request_to_cancel(run_id: str, secret: str) -> Request:
    """The request that asks for the end of a run's workflows; InvalidInput when nobody asked for that."""
    request = request_here(secret)
    if request is None or request.type != "orchestrator.cancel" or request.run_id != run_id:
        raise InvalidInput(f"Nobody asked to cancel {run_id}: nothing is done.", "Use `shipline cancel RUN`.")
    return request
