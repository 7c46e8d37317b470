"""The folder of one local agent: the tree it works in, and what is known of it. It outlives our process.

The agent gets a copy of the workspace, so that nothing it does to git's own files reaches the clone that we commit
from; only its files are taken back.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from ledger.models import AgentResult
from shipline.ids import digest, uuid7

FOLDER = "local-agents"
GIT = ".git"
DAY = 86_400.0


@dataclass(frozen=True)
class Place:
    """``tree/`` is the agent's; ``state.json`` and ``result.json`` are ours."""

    folder: Path

    @property
    def tree(self) -> Path:
        """Where the agent works."""
        return self.folder / "tree"

    def state(self) -> dict[str, Any]:
        """What is known: ``base account session prompts pid born starts stopped``."""
        try:
            return dict(json.loads((self.folder / "state.json").read_text()))
        except (OSError, ValueError):
            return {}

    def note(self, **values: Any) -> None:
        """Remember more of it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        _write(self.folder / "state.json", json.dumps({**self.state(), **values}))

    def finished(self) -> AgentResult | None:
        """Its result, once it has one."""
        try:
            return AgentResult.model_validate_json((self.folder / "result.json").read_text())
        except (OSError, ValueError):
            return None

    def finish(self, result: AgentResult) -> None:
        """Keep its result."""
        _write(self.folder / "result.json", result.model_dump_json(by_alias=True))

    def fill(self, workspace: Path, base: str) -> None:
        """A fresh copy of the workspace; whatever was here is gone."""
        self.clear()
        self.folder.mkdir(parents=True)
        shutil.copytree(workspace, self.tree, symlinks=True)
        self.note(base=base, starts=0, account=uuid7())

    @property
    def account(self) -> str:
        """What its usage is of: the work on these files, however often it is taken up."""
        return str(self.state().get("account", ""))

    @property
    def prompts(self) -> list[int]:
        """About how many tokens each prompt had; all but the last were cut off."""
        return [int(each) for each in self.state().get("prompts", [])]

    def asked(self, size: int) -> None:
        """A prompt of about ``size`` tokens goes out."""
        self.note(prompts=[*self.prompts, size])

    def take(self, workspace: Path) -> None:
        """The agent's files into the workspace, whose own git is left alone."""
        _remove(each for each in workspace.iterdir() if each.name != GIT)
        for each in self.tree.iterdir():
            if each.name == GIT:
                continue
            if each.is_dir() and not each.is_symlink():
                shutil.copytree(each, workspace / each.name, symlinks=True)
            else:
                shutil.copy2(each, workspace / each.name, follow_symlinks=False)

    def clear(self) -> None:
        """Forget it."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def process(self) -> psutil.Process | None:
        """Its process, when it lives."""
        known = self.state()
        try:
            found = psutil.Process(int(known.get("pid", -1)))
            return found if found.create_time() == known.get("born") else None
        except (psutil.Error, ValueError):
            return None


def place_of(home: Path, key: str) -> Place:
    """The folder of the agent that works for an effect."""
    return Place(home / FOLDER / digest(key))


def forget_old(home: Path, days: float) -> None:
    """Remove the folders of agents that ended long ago."""
    for each in (home / FOLDER).glob("*"):
        state = each / "state.json"
        if state.is_file() and state.stat().st_mtime < time.time() - days * DAY and Place(each).process() is None:
            shutil.rmtree(each, ignore_errors=True)


def _write(file: Path, text: str) -> None:
    draft = file.with_suffix(".new")
    draft.write_text(text)
    draft.replace(file)


def _remove(paths: Iterable[Path]) -> None:
    for each in list(paths):
        if each.is_dir() and not each.is_symlink():
            shutil.rmtree(each)
        else:
            each.unlink()
