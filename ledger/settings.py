"""Settings as they stand: a project's, the user's, and what follows from both."""

from __future__ import annotations

from ledger.models import EffectiveSettings, UserSettings
from ledger.rules.settings import resolve
from ledger.store import Store

USER = "user"  # the id of the level that holds for every project


async def settings_of(store: Store, project_id: str | None) -> EffectiveSettings:
    """What holds for a project, or (None) for those that set nothing themselves."""
    project = await store.find_one(UserSettings, {"_id": project_id}) if project_id else None
    return resolve(project, await store.find_one(UserSettings, {"_id": USER}))
