"""Which workflows an event starts: those on the default branch that say so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from sandbox.plumbing.git import Git

FOLDER = ".github/workflows"


@dataclass(frozen=True)
class Workflow:
    """A workflow file: its path in the repository, its name and its ``run-name``."""

    path: str
    name: str
    run_name: str


async def listening(git: Git, sha: str, event: str, action: str) -> list[Workflow]:
    """The workflows at a commit that wait for ``event`` of the type ``action``."""
    listed = await git.run("ls-tree", "--name-only", sha, f"{FOLDER}/", expect=(0, 128))
    found = []
    for path in listed.text.splitlines():
        if path.endswith((".yml", ".yaml")):
            parsed = _parse((await git.run("cat-file", "blob", f"{sha}:{path}")).text)
            if _waits(parsed, event, action):
                found.append(Workflow(path, str(parsed.get("name") or path), str(parsed.get("run-name") or "")))
    return found


def _parse(text: str) -> dict[Any, Any]:
    try:
        parsed = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _waits(workflow: dict[Any, Any], event: str, action: str) -> bool:
    wanted = workflow.get("on", workflow.get(True))  # YAML 1.1 reads a bare ``on`` as true
    if isinstance(wanted, str | list):
        return event in ([wanted] if isinstance(wanted, str) else wanted)
    if not isinstance(wanted, dict) or event not in wanted:
        return False
    types = (wanted[event] or {}).get("types")
    return types is None or action in ([types] if isinstance(types, str) else types)
