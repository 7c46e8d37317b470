"""The files of a working tree that a codemod may look at: what git tracks, and only plain files."""

from __future__ import annotations

import subprocess
from pathlib import Path

from shipline.errors import AgentError


def tracked(root: Path, *patterns: str) -> list[Path]:
    """Tracked files below ``root`` that fit git's ``patterns``. A link is left alone: it may lead out of the tree."""
    asked = ["git", "-c", "core.fsmonitor=false", "ls-files", "-z", "--", *patterns]
    done = subprocess.run(asked, cwd=root, capture_output=True, check=False)
    if done.returncode != 0:
        raise AgentError(f"git cannot list the files: {done.stderr.decode(errors='replace').strip()[:200]}.")
    inside = root.resolve()
    found = [root / name.decode() for name in done.stdout.split(b"\0") if name]
    return sorted(each for each in found if each.is_file() and each.resolve() == inside / each.relative_to(root))
