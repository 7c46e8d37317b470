"""Beginning a run anew from its recording: the same files in a fresh repository, the same idea, the same order."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from ledger.models import EventType, Replay, Run, Size, UserSettings
from ledger.runs import create_run, note_run
from ledger.timeline import event
from shipline.errors import InvalidInput
from tasks.agents.recording import Base, Header, Recording
from tasks.context import Context
from tasks.ending import FILE, Ending
from tasks.git import Remote
from tasks.github.repo import Repo
from tasks.history import push_bundle
from tasks.submit import seed_catalog


def recorded_ending(recording: Recording) -> Ending:
    """What the recorded run ended in. InvalidInput when that was not recorded: there is nothing to compare with."""
    file = recording.folder / FILE
    if not file.is_file():
        raise InvalidInput(
            f"The recording {recording.header.name!r} does not say what its run ended in.",
            "It was not made by `shipline record`; deliver its idea with SHIPLINE_RECORDINGS instead.",
        )
    try:
        return Ending.model_validate(yaml.safe_load(file.read_text()))
    except (yaml.YAMLError, ValidationError) as error:
        raise InvalidInput(f"{file} cannot be read: {error}") from error


async def begin_replay(ctx: Context, recording: Recording) -> Run:
    """A run that is to repeat ``recording``, in a new repository of the configured GitHub; nothing is done yet."""
    header = recording.header
    base, bundle = _base(recording)
    repo = await _new_repository(ctx, header, base, bundle)
    await seed_catalog(ctx.store)
    default = str((await repo.about()).default_branch)
    run = await create_run(
        ctx.store, header.idea, repo.full_name, default, size=header.size or Size.MEDIUM, dry_run=header.dry_run
    )
    if header.rules:
        await ctx.store.change(UserSettings, run.project_id, header.rules.model_dump(by_alias=True))
    repeated = Replay(
        recording=header.name, of_run=header.of_run, version=header.version, spec_path=header.spec_path,
        moves=header.moves,
    )  # fmt: skip
    told = event(EventType.STEP_STARTED, run.state, f"Repeats the recording {header.name}; no agent is asked")
    values = {"replay": repeated.model_dump(by_alias=True), "releaseDay": header.release_day}
    return await note_run(ctx.store, run.id, values, told)


def _base(recording: Recording) -> tuple[Base, Path]:
    base = recording.header.base
    if base is None or base.bundle is None:
        raise InvalidInput(
            f"The recording {recording.header.name!r} does not hold the files that its run began with.",
            "Record the run again where its repository can be read.",
        )
    bundle = (recording.folder / base.bundle).resolve()
    if not bundle.is_relative_to(recording.folder.resolve()) or not bundle.is_file():
        raise InvalidInput(f"{bundle} is not there, or not in the recording.", "Record the run again.")
    return base, bundle


async def _new_repository(ctx: Context, header: Header, base: Base, bundle: Path) -> Repo:
    name = f"{header.repository.partition('/')[2]}-replay-{secrets.token_hex(3)}"
    rest: Any = ctx.github.client.rest  # built at run time from GitHub's schema, as in ``Repo``
    made = await ctx.github.ask(lambda: rest.repos.async_create_for_authenticated_user(data={"name": name}))
    repo = Repo(ctx.github, str(made.parsed_data.full_name))
    about = await repo.about()
    there = Remote(str(about.clone_url), await ctx.github.git_token(repo.full_name))
    tree = await push_bundle(bundle, there, str(about.default_branch))
    if tree != base.tree:
        raise InvalidInput(
            f"{bundle.name} of {header.name!r} holds tree {tree[:12]}, and its header names {base.tree[:12]}.",
            "The recording was altered.",
        )
    return repo
