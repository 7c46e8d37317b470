"""Runs in a list: each with its idea, and without its timeline."""

from __future__ import annotations

from datetime import datetime

from ledger.models import Idea, Model, Run, Size
from ledger.store import Store


class RunBrief(Model):
    """A run as a list shows it."""

    run_id: str
    idea_text: str
    project_id: str
    repo: str
    size: Size
    dry_run: bool
    state: str
    outcome: str | None
    error: str | None
    created_at: datetime
    updated_at: datetime


_OWN = ("run_id", "idea_text")


async def briefs(store: Store, runs: list[Run]) -> list[RunBrief]:
    """The same runs, in the same order."""
    ideas = await store.find(Idea, {"_id": {"$in": [each.idea_id for each in runs]}})
    texts = {each.id: each.text for each in ideas}
    return [
        RunBrief(
            run_id=run.id, idea_text=texts.get(run.idea_id, ""),
            **{name: getattr(run, name) for name in RunBrief.model_fields if name not in _OWN},
        )
        for run in runs
    ]  # fmt: skip
