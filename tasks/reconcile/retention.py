"""Retention: what is old and no longer needed is removed: logs, work folders, environments, releases, old events."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import psutil
from pydantic import Field

from ledger.models import Delivery, Model, Run, now
from ledger.timeline import remove_before
from shipline.errors import IllegalTransition
from tasks.context import Context, context

COMPLETE = ".shipline-complete"  # touched whenever an environment is used
# The stack's parts write these as long as it runs, and begin them anew when they are large.
PARTS = frozenset(
    {f"{part}.log" for part in ("mongodb", "prefect", "sandbox", "console", "gateway", "runner", "leaf-runner")}
    | {"runner.jsonl"}
)
REDELIVERED = timedelta(days=4)  # GitHub sends a delivery again for three days; until then its id must be known


class Removed(Model):
    """What retention removed, and which runs it left alone and why."""

    logs: list[str] = Field(default_factory=list)
    folders: list[str] = Field(default_factory=list)
    events: dict[str, int] = Field(default_factory=dict)
    deliveries: int = 0
    left: dict[str, str] = Field(default_factory=dict)


async def remove_old(*, logs_days: float | None = None, events_days: float | None = None) -> Removed:
    """Remove what is older than the settings (or the arguments, in days) say. What is in use stays, however old."""
    ctx = await context()
    logs = now() - timedelta(days=ctx.settings.keep_logs_days if logs_days is None else logs_days)
    events = now() - timedelta(days=ctx.settings.keep_events_days if events_days is None else events_days)
    removed = Removed()
    await _remove_events(ctx, events, removed)
    done = {"workedAt": {"$lt": min(events, now() - REDELIVERED)}}
    removed.deliveries = (await ctx.store.collection(Delivery).delete_many(done)).deleted_count
    unended = {run.id for run in await ctx.store.find(Run, {"outcome": None})}
    used = await asyncio.to_thread(_in_use)
    await asyncio.to_thread(_remove_files, ctx.settings.home, logs, unended, used, removed)
    return removed


async def _remove_events(ctx: Context, before: datetime, removed: Removed) -> None:
    old = {"outcome": {"$ne": None}, "created_at": {"$lt": before}}
    for run in await ctx.store.find(Run, old, [("created_at", 1)]):
        try:
            count = await remove_before(ctx.store, run, before)
        except IllegalTransition as error:
            removed.left[run.id] = error.message
            continue
        if count:
            removed.events[run.id] = count


def _remove_files(home: Path, before: datetime, unended: set[str], used: set[str], removed: Removed) -> None:
    for log in _old(home / "logs", before, Path.is_file):
        if log.name not in PARTS:
            log.unlink(missing_ok=True)
            removed.logs.append(log.name)
    folders = [
        *(each for each in _old(home / "work", before, Path.is_dir) if each.name not in unended),
        *(each for each in _folders(home / "environments") if _time(each / COMPLETE) < before),
        *_old(home / "artifacts", before, Path.is_dir),
        *(tag for repo in _folders(home / "deployments") for tag in _old(repo, before, Path.is_dir)),
    ]
    for folder in folders:
        if not any(path == str(folder) or path.startswith(f"{folder}/") for path in used):
            (folder / COMPLETE).unlink(missing_ok=True)  # half removed, it must not pass for whole
            shutil.rmtree(folder, ignore_errors=True)
            removed.folders.append(str(folder.relative_to(home)))


def _in_use() -> set[str]:
    """The folders that processes work in, and the programs that they run."""
    found: set[str] = set()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            found.add(process.cwd())
        with contextlib.suppress(psutil.Error, OSError):
            found.update(process.cmdline()[:1])
    return found


def _old(folder: Path, before: datetime, kind: Callable[[Path], bool]) -> Iterator[Path]:
    return (each for each in _inside(folder) if kind(each) and _time(each) < before)


def _folders(folder: Path) -> list[Path]:
    return [each for each in _inside(folder) if each.is_dir()]


def _inside(folder: Path) -> Iterable[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _time(path: Path) -> datetime:
    """When it was last written; what is not there is old."""
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, tz=now().tzinfo)
    except OSError:
        return datetime.fromtimestamp(0, tz=now().tzinfo)
