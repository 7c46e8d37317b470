"""The files beside a release: its source, what was asked and where it is, what QA said, and the sums of all."""

from __future__ import annotations

import asyncio
import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

from ledger.effects import Key, perform
from ledger.issues import read_tree
from ledger.models import Effect, EffectKind, EffectStatus, Model, ReleaseInfo
from ledger.rules.trace import trace
from shipline.errors import NotFound
from shipline.redact import redact
from tasks.git import clone, discard
from tasks.implementing import workplace
from tasks.scratch import remote
from tasks.state import Here, here
from tasks.step import step

TRACE, REPORTS, SUMS = "traceability.json", "qa-reports.json", "SHA256SUMS"
_KINDS = {".gz": "application/gzip", ".json": "application/json", "": "text/plain"}


class Uploaded(Model):
    """A file on the release's page."""

    id: int
    name: str


@step(name="upload-files", task_run_name="files of {run_id}")
async def upload_files(run_id: str, release: ReleaseInfo) -> list[str]:
    """Put every file beside the release, each once; their names."""
    at = await here(run_id)
    files = await _made(at, release)
    for name, content in files.items():
        await _upload(at, release.tag, name, content)
    return list(files)


async def file_names(at: Here, tag: str) -> list[str]:
    """What will lie beside the release of ``tag``."""
    return [_source(tag), TRACE, *([REPORTS] if await _last_reports(at) is not None else []), SUMS]


async def _made(at: Here, release: ReleaseInfo) -> dict[str, bytes]:
    """The same bytes for the same release, however often they are made: the sums must not differ."""
    files = {_source(release.tag): await _archive(at, release)}
    spec, issues = at.run.spec, (await read_tree(at.ctx.store, at.run.id)).issues
    rows = [each.model_dump(mode="json", by_alias=True) for each in trace(spec, issues)] if spec else []
    told = {"run": at.run.id, "version": release.version, "commit": release.sha, "requirements": rows}
    files[TRACE] = _json(told)
    reports = await _last_reports(at)
    if reports is not None:
        files[REPORTS] = _json(reports)
    sums = [f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in files.items()]
    return files | {SUMS: "".join(sums).encode()}


async def _archive(at: Here, release: ReleaseInfo) -> bytes:
    made = await clone(await remote(at), release.sha, workplace(at, "run", "files"))
    try:
        with tempfile.TemporaryDirectory() as folder:
            file, prefix = Path(folder) / _source(release.tag), f"{at.repo.name}-{release.version}/"
            await made.git("archive", "--format=tar.gz", f"--prefix={prefix}", f"--output={file}", "HEAD")
            return await asyncio.to_thread(file.read_bytes)
    finally:
        await discard(made)


async def _last_reports(at: Here) -> Any:
    """What QA said of the whole, at last; None when it was never asked."""
    query = {"runId": at.run.id, "kind": EffectKind.QA_WHOLE, "status": EffectStatus.SUCCEEDED}
    found = await at.ctx.store.find_one(Effect, query, newest=True)
    return found.outcome if found else None


async def _upload(at: Here, tag: str, name: str, content: bytes) -> None:
    async def look() -> Uploaded | None:
        found = await at.repo.release(tag)
        return Uploaded(id=found.files[name], name=name) if found and name in found.files else None

    async def act() -> Uploaded:
        found = await at.repo.release(tag)
        if found is None:
            raise NotFound(f"The release {tag} is gone.", "Restore it, then go on with the run.")
        number = await at.repo.upload_file(found, name, content, _KINDS.get(Path(name).suffix, _KINDS[""]))
        return Uploaded(id=number, name=name)

    await perform(
        at.ctx.store, Key(at.run.id, "run", "1", EffectKind.RELEASE_FILE, name), Uploaded, act=act, look=look,
        say=lambda done: f"{done.name} lies beside {tag}", phase=at.run.state,
    )  # fmt: skip


def _source(tag: str) -> str:
    return f"source-{tag}.tar.gz"


def _json(value: Any) -> bytes:
    return (json.dumps(redact(value), indent=2, sort_keys=True, default=str) + "\n").encode()
