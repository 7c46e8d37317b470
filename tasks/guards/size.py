"""Guards on how much a change brings: what nobody can review, nobody reviews."""

from __future__ import annotations

from tasks.guards.change import Change, GuardContext, Status, Violation
from tasks.guards.paths import is_lock_file

MAX_FILES = 50
MAX_LINES = 2000
MAX_BYTES = 1_000_000


def size(change: Change, context: GuardContext) -> list[Violation]:
    """Too many files or lines, a file that is too large, or a binary file that the task does not name."""
    found = []
    if len(change.files) > MAX_FILES:
        found.append(Violation("size", "", f"{len(change.files)} files changed; at most {MAX_FILES} are reviewed"))
    written = [file for file in change if not is_lock_file(file.path)]
    lines = sum(len(file.added_lines()) + len(file.removed_lines()) for file in written)
    if lines > MAX_LINES:
        found.append(Violation("size", "", f"{lines} lines changed; at most {MAX_LINES} are reviewed"))
    for file in change:
        if file.size > MAX_BYTES:
            found.append(Violation("size", file.path, f"the file has {file.size} bytes; at most {MAX_BYTES} are taken"))
        elif file.binary and file.status is not Status.DELETED and not context.names(file.path):
            found.append(Violation("size", file.path, "a binary file cannot be reviewed; the task does not name it"))
    return found
