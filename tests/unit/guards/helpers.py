"""Small words to write changes with."""

from __future__ import annotations

from tasks.guards import Change, FileChange, Status


def added(path: str, text: str = "x = 1\n", **more: object) -> FileChange:
    """A new file."""
    return FileChange(path, Status.ADDED, new_text=text, new_mode="100644", size=len(text), **more)  # type: ignore[arg-type]


def edited(path: str, old: str, new: str) -> FileChange:
    """A file that changes."""
    return FileChange(path, Status.MODIFIED, old, new, old_mode="100644", new_mode="100644", size=len(new))


def deleted(path: str, old: str) -> FileChange:
    """A file that goes."""
    return FileChange(path, Status.DELETED, old_text=old, old_mode="100644")


def change(*files: FileChange, **settings: str) -> Change:
    """The whole; ``pyproject="…"`` is the pyproject.toml before it."""
    return Change(files, {"pyproject.toml": settings["pyproject"]} if settings else {})
