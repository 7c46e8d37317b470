"""Guards on where a change reaches: protected paths, and paths that lead out of the repository."""

from __future__ import annotations

import fnmatch
import posixpath

from tasks.guards.change import SUBMODULE, SYMLINK, Change, FileChange, GuardContext, Violation

# Whoever changes these changes who reviews, what runs with our secrets, or what the checks overlook.
_NEVER = (
    ".github/*",
    "codeowners",
    "*/codeowners",
    ".gitmodules",
    ".git",
    ".git/*",
    "*/.git",
    "*/.git/*",
    ".githooks/*",
    ".husky/*",
)
_UNLESS_NAMED = (".gitattributes", "*/.gitattributes", ".pre-commit-config.yaml", ".bandit", ".secrets.baseline")
_LOCK_FILES = frozenset(
    (
        *("uv.lock", "poetry.lock", "pdm.lock", "pipfile.lock", "pylock.toml", "conda-lock.yml", "pixi.lock"),
        *("package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb"),
        *("cargo.lock", "go.sum", "gemfile.lock", "composer.lock", "flake.lock", ".terraform.lock.hcl"),
    )
)


def protected_paths(change: Change, context: GuardContext) -> list[Violation]:
    """``.github/``, CODEOWNERS and git's own files never; lock files and the checks' exemptions only when named."""
    found = []
    for file in change:
        for path in {file.path, file.old_path or file.path}:
            why = _why_protected(path, context)
            if why is not None:
                found.append(Violation("protected-path", path, why))
    return found


def outside_paths(change: Change, _context: GuardContext) -> list[Violation]:
    """Absolute paths, ``..``, symlinks that lead out of the repository, and repositories inside it."""
    found = []
    for file in change:
        why = _why_outside(file)
        if why is not None:
            found.append(Violation("outside-path", file.path, why))
    return found


def is_lock_file(path: str) -> bool:
    """Whether a package manager writes this file."""
    name = posixpath.basename(path).lower()
    return name in _LOCK_FILES or fnmatch.fnmatchcase(name, "requirements*.lock")


def _why_protected(path: str, context: GuardContext) -> str | None:
    lowered = path.lower()
    if any(fnmatch.fnmatchcase(lowered, pattern) for pattern in _NEVER):
        return "this path is protected; only a person may change it"
    if context.names(path):
        return None
    if is_lock_file(path):
        return "a lock file changes only when the task names it"
    if any(fnmatch.fnmatchcase(lowered, pattern) for pattern in _UNLESS_NAMED):
        return "this file decides what git and the checks overlook; it changes only when the task names it"
    return None


def _why_outside(file: FileChange) -> str | None:
    if posixpath.isabs(file.path) or ".." in file.path.split("/"):
        return "the path leads out of the repository"
    if file.new_mode == SUBMODULE:
        return "a repository inside the repository cannot be checked"
    if file.new_mode == SYMLINK and _leads_out(file.path, file.new_text or "/"):
        return f"the symlink leads out of the repository, to {file.new_text or 'an unreadable target'}"
    return None


def _leads_out(path: str, target: str) -> bool:
    landed = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    climbs = target.split("/")
    while climbs and climbs[0] in ("..", "."):
        climbs.pop(0)
    # ``folder/..`` is not where it looks when the folder is a symlink itself.
    return posixpath.isabs(target) or landed.split("/")[0] == ".." or ".." in climbs
