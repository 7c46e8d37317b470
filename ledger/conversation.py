"""What was said between people and Shipline about a repository, kept in order."""

from __future__ import annotations

from ledger.models import Message
from ledger.runs import project_id
from ledger.store import Store
from shipline.ids import uuid7

SHIPLINE = "Shipline"  # the author of our answers


async def say(store: Store, repo: str, author: str, text: str, run_id: str | None = None) -> Message:
    """Add a line; ``run_id`` is the run that it is about."""
    message = Message(id=uuid7(), project_id=project_id(repo), run_id=run_id, author=author, text=text)
    await store.insert(message)
    return message


async def conversation(store: Store, repo: str, limit: int = 50) -> list[Message]:
    """The last ``limit`` lines, oldest first."""
    newest = await store.find(Message, {"projectId": project_id(repo)}, [("created_at", -1), ("_id", -1)], limit)
    return newest[::-1]
