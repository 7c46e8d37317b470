"""The end of the road: regression, version, changelog, tag, notes."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

from ledger.effects import Key, perform
from ledger.issues import read_tree
from ledger.models import (
    AgentType,
    ChainHead,
    Effect,
    EffectKind,
    EffectStatus,
    EventType,
    Finding,
    IssueType,
    Model,
    ReleaseInfo,
    Run,
)
from ledger.rules.branches import INTEGRATION, REGRESSION
from ledger.rules.defects import already_filed
from ledger.rules.trace import trace, untested
from ledger.rules.version import bump_of, highest, next_version
from ledger.runs import note_run
from ledger.timeline import event
from shipline.errors import NotFound, ShiplineError
from tasks.agents.ask import ask_planner, compose
from tasks.agents.material import Section
from tasks.answers import ReleaseStory
from tasks.git import Clone, clone, discard
from tasks.github.client import GitHubError
from tasks.implementing import workplace
from tasks.notes import changelog_entry, insert_entry, release_notes, requirement_rows
from tasks.release_files import file_names
from tasks.repository import Updated, ensure_branch
from tasks.scratch import remote
from tasks.slots import only_one
from tasks.state import Here, get_settings, here
from tasks.step import step
from tasks.texts import spec_text, trailers

_VERSION_LINE = re.compile(r'^(version\s*=\s*")([^"]+)(")', re.MULTILINE)


class Prepared(Model):
    """The release commit, and the version it carries."""

    version: str
    sha: str


class NotReleasable(ShiplineError):
    """Something that was asked for cannot be shown to be there; nothing was released."""


class Published(Model):
    """The release's page, and the head of the event chain that its notes print."""

    url: str
    chain: ChainHead


@step(name="update-regression", task_run_name="regression {run_id}")
async def update_regression(run_id: str) -> None:
    """Bring ``regression`` up to ``integration``, where the settings ask for it."""
    at = await here(run_id)
    if not (await get_settings(at.run)).auto_merge_regression:
        return
    source = await at.repo.branch_sha(INTEGRATION)
    if source is None:
        raise NotFound(f"Branch {INTEGRATION} is gone.", "Restore it, then run again.")
    await ensure_branch(run_id, REGRESSION, source)

    async def look() -> Updated | None:
        head = await at.repo.branch_sha(REGRESSION)
        return Updated(sha=head) if head and await at.repo.contains(head, source) else None

    async def act() -> Updated:
        try:
            merged = await at.repo.merge_branch(REGRESSION, INTEGRATION, f"Bring {REGRESSION} up to {INTEGRATION}")
        except GitHubError as error:
            if error.status == 409:
                raise GitHubError(409, f"{REGRESSION} conflicts with {INTEGRATION}.", "Resolve it by hand.") from error
            raise
        return Updated(sha=merged or source)

    async with only_one(run_id, f"merge into {REGRESSION} of {at.run.repo}"):
        await perform(
            at.ctx.store, Key(run_id, "run", "1", EffectKind.BRANCH_UPDATE, f"{REGRESSION}-{source[:12]}"), Updated,
            act=act, look=look, say=lambda _: f"{REGRESSION} holds all of {INTEGRATION}", phase=at.run.state,
        )  # fmt: skip


@step(name="prepare-release", task_run_name="prepare release {run_id}")
async def prepare_release(run_id: str) -> Prepared:
    """Choose the version and commit changelog and version to ``integration``.

    Raises NotReleasable, before anything is written, when a requirement has no test.
    """
    at = await here(run_id)
    await require_traced(at)
    story, day = await _story(at), await _release_day(at)
    trailer = trailers(run_id, "run", "release")
    base = str(at.run.base_sha)

    async def look() -> Prepared | None:
        for commit in await at.repo.commits_since(base, INTEGRATION):
            if trailer in commit.commit.message:
                return Prepared(version=commit.commit.message.split()[1].removeprefix("v"), sha=commit.sha)
        return None

    async def act() -> Prepared:
        made = await clone(await remote(at), INTEGRATION, workplace(at, "run", "release"))
        try:
            version = await choose_version(at, made)
            _write_release(made.path, version, story, day)
            await made.stage()
            commit = await made.commit("", f"Release v{version}\n\n{story.headline}\n\n{trailer}\n")
            await made.push(commit, INTEGRATION)
        finally:
            await discard(made)
        return Prepared(version=version, sha=commit)

    async with only_one(run_id, f"merge into {INTEGRATION} of {at.run.repo}"):
        return await perform(
            at.ctx.store, Key(run_id, "run", "1", EffectKind.COMMIT_RELEASE), Prepared, act=act, look=look,
            say=lambda done: f"Release v{done.version} prepared ({done.sha[:7]})", phase=at.run.state,
        )  # fmt: skip


@step(name="publish-release", task_run_name="publish release {run_id}")
async def publish_release(run_id: str, prepared: Prepared) -> ReleaseInfo:
    """Tag the release commit and publish the notes, each requirement traced to issue, pull request and test."""
    at = await here(run_id)
    if at.run.release:
        return at.run.release
    tag = f"v{prepared.version}"
    story = await _story(at)

    async def look() -> Published | None:
        found = await at.repo.release(tag)
        return Published(url=found.url, chain=(await here(run_id)).run.chain) if found else None

    async def act() -> Published:
        chain = (await here(run_id)).run.chain
        notes = await compose_notes(at, story, chain, tag)
        return Published(
            url=await at.repo.create_release(tag, prepared.sha, f"{tag}: {story.headline}", notes), chain=chain
        )

    done = await perform(
        at.ctx.store, Key(run_id, "run", "1", EffectKind.RELEASE), Published, act=act, look=look,
        say=lambda made: f"Released {tag}: {made.url}", phase=at.run.state,
    )  # fmt: skip
    info = ReleaseInfo(
        version=prepared.version, tag=tag, sha=prepared.sha, url=done.url, audit_seq=done.chain.seq,
        audit_hash=done.chain.hash,
    )  # fmt: skip
    told = event(
        EventType.STEP_COMPLETED, at.run.state, f"{tag} is out", data=info.model_dump(by_alias=True),
        event_id=f"{run_id}/release",
    )  # fmt: skip
    await note_run(at.ctx.store, run_id, {"release": info.model_dump(by_alias=True)}, told)
    return info


async def require_traced(at: Here) -> None:
    """Raise NotReleasable when a requirement has no test."""
    if at.run.spec is None:
        return
    rows = trace(at.run.spec, (await read_tree(at.ctx.store, at.run.id)).issues)
    lacking = [row for row in rows if not row.tests]
    if lacking:
        raise NotReleasable(
            f"Nothing was released: {'; '.join(map(str, lacking))}.",
            "A requirement must be shown by a test. Deliver the test as an idea of its own, or change the requirement.",
        )


async def untested_requirements(run_id: str) -> list[tuple[str, Finding]]:
    """The requirements without a test that nobody was sent back for yet, each with the node that owns it."""
    at = await here(run_id)
    if at.run.spec is None:
        return []
    tree = await read_tree(at.ctx.store, run_id)
    found = untested(trace(at.run.spec, tree.issues))
    return [
        (owner or tree.root.key, finding)
        for owner, finding in found
        if already_filed(tree, finding.fingerprint) is None
    ]


async def choose_version(at: Here, made: Clone) -> str:
    """The version that what is checked out in ``made`` gets: above all there are, as far as its changes ask for."""
    if at.run.replay and at.run.replay.version:
        return at.run.replay.version
    taken, current = [*await at.repo.tags(), *await _promised(at)], _current_version(made.path)
    tasks = [each for each in (await read_tree(at.ctx.store, at.run.id)).issues if each.type is IssueType.TASK]
    messages = (await made.git("log", "--format=%B%x00", f"{at.run.base_sha}..HEAD")).split("\0")
    changes = [text.strip() for text in messages]
    return next_version(taken, current, bump_of([each.title for each in tasks], changes, highest(taken, current)))


async def compose_notes(at: Here, story: ReleaseStory, chain: ChainHead, tag: str) -> str:
    """The notes with the table of what was asked."""
    rows = requirement_rows(at.run.spec, (await read_tree(at.ctx.store, at.run.id)).issues) if at.run.spec else []
    return release_notes(at.run, story, rows, chain, await file_names(at, tag))


async def _release_day(at: Here) -> str:
    """The date in the changelog, chosen once: a release that is gone on with after midnight, or repeated, keeps it."""
    today = date.today().isoformat()
    await at.ctx.store.change(Run, at.run.id, {"releaseDay": today}, expect={"releaseDay": None})
    return str((await at.ctx.store.get(Run, at.run.id)).release_day)


async def _promised(at: Here) -> list[str]:
    """The versions that other runs on this repository have chosen; some may not be tagged yet."""
    runs = await at.ctx.store.collection(Run).distinct("_id", {"repo": at.run.repo, "_id": {"$ne": at.run.id}})
    chosen = await at.ctx.store.find(
        Effect, {"runId": {"$in": runs}, "kind": EffectKind.COMMIT_RELEASE, "status": EffectStatus.SUCCEEDED}
    )
    return [str((each.outcome or {}).get("version")) for each in chosen]


async def _story(at: Here) -> ReleaseStory:
    title = at.run.spec.title if at.run.spec else at.run.id
    told = await _what_was_done(at)
    job = await compose(
        at.ctx, at.run, AgentType.RELEASE_MANAGER, f"Write the release notes of {title!r}", material=told
    )
    return await ask_planner(at.ctx, at.run, job, ReleaseStory)


async def _what_was_done(at: Here) -> list[Section]:
    issues = (await read_tree(at.ctx.store, at.run.id)).issues
    done = "\n".join(f"- {each.type.value} #{each.number}: {each.title}" for each in issues if each.number)
    asked = [Section("The spec", spec_text(at.run.spec))] if at.run.spec else []
    return [*asked, Section("The issues", done)]


def _current_version(workspace: Path) -> str | None:
    file = workspace / "pyproject.toml"
    found = _VERSION_LINE.search(file.read_text()) if file.is_file() else None
    return found.group(2) if found else None


def _write_release(workspace: Path, version: str, story: ReleaseStory, day: str) -> None:
    project = workspace / "pyproject.toml"
    if project.is_file():
        project.write_text(_VERSION_LINE.sub(rf"\g<1>{version}\g<3>", project.read_text(), count=1))
    changelog = workspace / "CHANGELOG.md"
    text = changelog.read_text() if changelog.is_file() else "# Changelog\n\n## [Unreleased]\n"
    changelog.write_text(insert_entry(text, changelog_entry(version, story, day)))
