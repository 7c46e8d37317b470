"""The folders in which steps work: each belongs to one process, and what a dead one left is swept away."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import psutil


def workplaces(home: Path, run_id: str) -> Path:
    """The folder of all of a run's steps on this machine."""
    return home / "work" / run_id


def owner_mark() -> str:
    """How a folder names the process it belongs to; with its start a pid means one process only."""
    return f"~{os.getpid()}-{_started(os.getpid())}"


async def sweep_workplaces(home: Path, run_id: str) -> None:
    """Remove the folders of a run whose process is gone; those of living ones stay."""
    await asyncio.to_thread(_sweep, workplaces(home, run_id))


def _sweep(folder: Path) -> None:
    for each in folder.glob("*~*"):
        pid, _, started = each.name.rpartition("~")[2].partition("-")
        if not (pid.isdecimal() and started == str(_started(int(pid)))):
            shutil.rmtree(each, ignore_errors=True)


def _started(pid: int) -> int:
    try:
        return int(psutil.Process(pid).create_time() * 100)
    except psutil.Error:
        return 0
