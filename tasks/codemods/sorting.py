"""Sorting imports, as the repository's own settings of ruff say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from shipline.errors import AgentError
from tasks.codemods.files import tracked
from tasks.quality.settings import has_ruff_settings


def sort_imports(root: Path, below: str) -> list[str]:
    """Sort them in every Python file ``below`` a folder or in a file. AgentError when none is there."""
    place = root / below
    if not place.resolve().is_relative_to(root.resolve()):
        raise AgentError(f"{below} leads out of the repository.", "Name a path inside it.")
    files = [str(each.relative_to(root)) for each in tracked(root, "*.py") if each == place or place in each.parents]
    if not files:
        raise AgentError(f"There is no Python file in {below}.", "Name a folder or a file that is there.")
    settings = [] if has_ruff_settings(root) else ["--isolated"]  # else those of a folder above would count
    asked = ["ruff", "check", "--select", "I", "--fix", "--quiet", "--no-cache", *settings, "--", *files]
    done = subprocess.run([sys.executable, "-m", *asked], cwd=root, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AgentError(f"ruff cannot sort them: {(done.stdout or done.stderr).strip()[:300]}.", "Mend that first.")
    return []
