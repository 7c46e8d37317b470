"""What a release would be, without anything being written or any agent asked."""

from __future__ import annotations

from datetime import date

from pydantic import ValidationError

from ledger.issues import read_tree
from ledger.models import Effect, EffectKind, EffectStatus, IssueType, Model, RunState
from ledger.rules.branches import INTEGRATION
from ledger.rules.trace import Traced, trace
from shipline.errors import IllegalTransition, NotFound
from tasks import control
from tasks.answers import ReleaseStory
from tasks.control import Resumed
from tasks.git import clone, discard
from tasks.notes import changelog_entry
from tasks.release_files import file_names
from tasks.releasing import choose_version, compose_notes
from tasks.scratch import remote
from tasks.state import Here, here
from tasks.workplaces import owner_mark, workplaces

LATER = "(The release manager writes this when the release is made.)"


class Preview(Model):
    """A release as it would be. ``in_the_way`` says what blocks it."""

    version: str
    entry: str
    notes: str
    table: list[Traced]
    files: list[str]
    in_the_way: list[str]


async def preview_release(run_id: str) -> Preview:
    """The version, the changelog's entry, the notes, the table and the files. NotFound while there is no spec."""
    at = await here(run_id)
    if at.run.spec is None:
        raise NotFound(f"Run {run_id} has no spec yet.", "There is nothing that could be released.")
    rows = trace(at.run.spec, (await read_tree(at.ctx.store, run_id)).issues)
    version, story = await _version(at), await _story(at)
    day = at.run.release_day or date.today().isoformat()
    return Preview(
        version=version,
        entry=changelog_entry(version, story, day),
        notes=await compose_notes(at, story, at.run.chain, f"v{version}"),
        table=rows,
        files=await file_names(at, f"v{version}"),
        in_the_way=[*_stage(at), *(str(row) for row in rows if row.gaps)],
    )


async def release_now(run_id: str, *, by: str) -> Resumed:
    """Let a worker release a run that stands there. IllegalTransition says where it stands, and changes nothing."""
    run = (await here(run_id)).run
    if run.state is not RunState.RELEASE:
        released = f"; it is out as {run.release.tag}" if run.release else ", and is released after MERGE"
        raise IllegalTransition(f"Run {run_id} stands at {run.state}{released}.", "Nothing was changed.")
    return await control.resume(run_id, by=by)


def _stage(at: Here) -> list[str]:
    if at.run.state in (RunState.RELEASE, RunState.DONE):
        return []
    return [f"The run stands at {at.run.state}; what is not merged yet counts for nothing here"]


async def _version(at: Here) -> str:
    """The one that was chosen, else the one that would be."""
    if at.run.release:
        return at.run.release.version
    query = {"runId": at.run.id, "kind": EffectKind.COMMIT_RELEASE, "status": EffectStatus.SUCCEEDED}
    chosen = await at.ctx.store.find_one(Effect, query)
    if chosen is not None and chosen.outcome:
        return str(chosen.outcome["version"])
    place = workplaces(at.ctx.settings.home, at.run.id) / f"preview{owner_mark()}"
    source = INTEGRATION if await at.repo.branch_sha(INTEGRATION) else str((await at.repo.about()).default_branch)
    made = await clone(await remote(at), source, place)
    try:
        return await choose_version(at, made)
    finally:
        await discard(made)


async def _story(at: Here) -> ReleaseStory:
    """What the release manager wrote, or what stands for it until then."""
    query = {"runId": at.run.id, "kind": EffectKind.AGENT_RELEASE_MANAGER, "status": EffectStatus.SUCCEEDED}
    asked = await at.ctx.store.find_one(Effect, query)
    if asked is not None and asked.outcome:
        try:
            return ReleaseStory.model_validate(asked.outcome["output"]["answer"])
        except (ValidationError, KeyError):
            pass
    tasks = [each for each in (await read_tree(at.ctx.store, at.run.id)).issues if each.type is IssueType.TASK]
    title = at.run.spec.title if at.run.spec else at.run.id
    return ReleaseStory(headline=title, summary=LATER, highlights=[each.title for each in tasks])
