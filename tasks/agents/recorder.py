"""The recorder: turns a run that has ended into a recording, from what the ledger and git hold of it."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from ledger.issues import read_tree
from ledger.models import (
    AgentJob,
    AgentResult,
    Effect,
    EffectKind,
    EffectStatus,
    Idea,
    Run,
)
from ledger.rules.branches import spec_path
from ledger.rules.tree import Tree
from ledger.settings import settings_of
from ledger.store import Store
from shipline.config import Settings
from shipline.errors import InvalidInput, ShiplineError
from shipline.redact import MASK, redact_text
from tasks.agents.asked import asked_in
from tasks.agents.moves import moves_of
from tasks.agents.recording import (
    ANSWER,
    HEADER,
    PATCH,
    PLANNERS,
    Base,
    Header,
    RecordedAnswer,
    Recording,
    Rules,
    as_yaml,
    fingerprint,
    place,
    read_recording,
)
from tasks.answers import Produced
from tasks.ending import FILE, ending_of
from tasks.history import History, history_of

BUNDLE = "base.bundle"
BUNDLE_LIMIT = 50_000_000  # bytes: what a repository of tests may carry; more is named and left out
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")


async def record(
    store: Store, settings: Settings, run_id: str, target: Path, *, bundle_limit: int | None = BUNDLE_LIMIT
) -> Recording:
    """Write the recording of a run into the new folder ``target``, whole or not at all.

    Whatever the run ended in is recorded; ``Header.missing`` says what a replay will lack. Raises NotFound for a run
    that is not there, InvalidInput for one that goes on and for a folder that exists.
    """
    run = await store.get(Run, run_id)
    if run.outcome is None:
        raise InvalidInput(f"Run {run_id} has not ended.", "Wait for its end, or cancel it.")
    if target.exists() or not NAME.fullmatch(target.name):
        what = "exists already" if target.exists() else "is no name for a recording"
        raise InvalidInput(f"{target} {what}.", "Give another one with --name; nothing is written over.")
    draft: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        missing: list[str] = []
        async with _history(settings, run, missing) as history:
            await _Recorder(store, run, history, draft, missing).write(target.name, bundle_limit)
        draft.rename(target)
    except OSError as error:
        raise InvalidInput(f"{target} cannot be written: {error.strerror}.", "Give another with --to.") from error
    finally:
        if draft is not None:
            shutil.rmtree(draft, ignore_errors=True)
    return read_recording(target)


class _Recorder:
    """One recording in the making."""

    def __init__(self, store: Store, run: Run, history: History | None, folder: Path, missing: list[str]) -> None:
        self._store, self._run, self._history, self._folder = store, run, history, folder
        self._missing = missing

    async def write(self, name: str, bundle_limit: int | None) -> None:
        """Everything; the header last, since it is what makes the folder a recording."""
        run = self._run
        effects = await self._store.find(Effect, {"runId": run.id}, [("created_at", 1)])
        tree = await read_tree(self._store, run.id)
        self._look_for_gaps(effects)
        asked = await asked_in(self._store, run)
        for effect, job in asked:
            await self._answer(effect, job)
        ended = await ending_of(self._store, run, self._history)
        self._text(self._folder / FILE, as_yaml(ended))
        rules = await settings_of(self._store, run.project_id)
        header = Header(
            name=name,
            idea=(await self._store.get(Idea, run.idea_id)).text,
            repository=run.repo,
            about=f"Recorded from run {run.id} in {run.repo}: {len(asked)} answers, {run.outcome}.",
            of_run=run.id,
            size=run.size,
            dry_run=run.dry_run,
            base=await self._base(bundle_limit),
            rules=Rules(coverage_percent=rules.coverage_percent, max_rounds=rules.max_rounds),
            version=_version(run, effects),
            release_day=run.release_day,
            spec_path=_spec_path(run, tree),
            moves=await moves_of(tree, effects, self._history),
        )
        await self._look_for_strangers()
        self._text(self._folder / HEADER, as_yaml(header.model_copy(update={"missing": self._missing})))

    async def _answer(self, effect: Effect, job: AgentJob) -> None:
        folder = self._folder / "answers" / place(job)
        if job.type in PLANNERS:
            result, trees, patch = AgentResult.model_validate(effect.outcome), {}, ""
        else:
            produced = Produced.model_validate(effect.outcome)
            result, patch = produced.result, produced.patch
            trees = {"base_tree": await self._tree(produced.base), "merged_tree": await self._tree(produced.merged)}
        output = result.output
        answer = RecordedAnswer(
            request=fingerprint(job), usage=result.usage, summary=output.changeset_summary, notes=output.notes,
            answer=output.answer, **trees,
        )  # fmt: skip
        folder.mkdir(parents=True, exist_ok=True)
        if patch:
            self._text(folder / PATCH, patch)
        self._text(folder / ANSWER, as_yaml(answer))

    async def _base(self, bundle_limit: int | None) -> Base | None:
        commit = self._run.base_sha
        tree = await self._tree(commit)
        if self._history is None or commit is None or tree is None:
            return None
        file = self._folder / BUNDLE
        await self._history.bundle(commit, file)
        if bundle_limit is not None and file.stat().st_size > bundle_limit:
            self._missing.append(
                f"The files that the run began with: {file.stat().st_size:,} bytes are too many to keep."
            )
            file.unlink()
            return Base(commit=commit, tree=tree)
        return Base(commit=commit, tree=tree, bundle=BUNDLE)

    async def _tree(self, commit: str | None) -> str | None:
        return await self._history.tree(commit) if self._history and commit else None

    def _look_for_gaps(self, effects: Sequence[Effect]) -> None:
        run = self._run
        if run.error:
            self._missing.append(f"What comes after {run.state}, where the run stopped: {run.error}")
        for each in effects:
            if each.kind.startswith("agent.") and each.status is not EffectStatus.SUCCEEDED:
                why = each.error.splitlines()[0] if each.error else "it was cut off"
                self._missing.append(f"An answer of {each.kind.removeprefix('agent.')} for {each.node_key}: {why}")
        if run.release and run.release_day is None:
            self._missing.append("The day that the changelog names; a replay will name its own.")

    async def _look_for_strangers(self) -> None:
        run = self._run
        if self._history and run.base_sha and run.release:
            others = await self._history.strangers(run.base_sha, run.release.sha, run.id)
            if others:
                self._missing.append(f"{len(others)} commit(s) that somebody else made meanwhile, first: {others[-1]}")

    def _text(self, file: Path, text: str) -> None:
        clean = redact_text(text)
        if clean != text or (MASK in text and file.name != HEADER):
            where = file.relative_to(self._folder)
            self._missing.append(f"A secret in {where}, which is masked; what was made of it will differ.")
        file.write_bytes(clean.encode())


@asynccontextmanager
async def _history(settings: Settings, run: Run, missing: list[str]) -> AsyncIterator[History | None]:
    """The run's history; None, and said in ``missing``, where nobody has it any more."""
    history = None
    async with AsyncExitStack() as stack:
        if run.base_sha is None:
            missing.append("The files that the run began with: it stopped before it looked.")
        else:
            try:
                history = await stack.enter_async_context(history_of(settings, run.repo, run.base_sha))
            except ShiplineError as error:
                missing.append(f"The files, and the trees to compare with: {error.message}")
        yield history


def _version(run: Run, effects: Sequence[Effect]) -> str | None:
    made = next((each for each in effects if each.kind == EffectKind.COMMIT_RELEASE and each.outcome), None)
    return run.release.version if run.release else str(made.outcome["version"]) if made and made.outcome else None


def _spec_path(run: Run, tree: Tree) -> str | None:
    if run.replay and run.replay.spec_path:
        return run.replay.spec_path
    return spec_path(tree.root.branch) if tree.issues and tree.root.branch else None
