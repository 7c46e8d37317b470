"""Guards: what a change must not do, read from the change itself. They block by default; all of them are pure."""

from __future__ import annotations

from collections.abc import Callable

from tasks.guards.change import Change, FileChange, GuardContext, Status, Violation
from tasks.guards.dependencies import NEW as NEW_DEPENDENCY
from tasks.guards.dependencies import new_dependencies
from tasks.guards.gates import changed_recipes
from tasks.guards.lowered import lowered_settings
from tasks.guards.paths import outside_paths, protected_paths
from tasks.guards.reading import read_change, read_resolution
from tasks.guards.resolution import Resolution, unexplained
from tasks.guards.secrets import secrets
from tasks.guards.size import size
from tasks.guards.tampering import tampered_tests

Guard = Callable[[Change, GuardContext], list[Violation]]

GUARDS: tuple[Guard, ...] = (
    protected_paths, outside_paths, size, secrets, tampered_tests, lowered_settings, changed_recipes, new_dependencies,
)  # fmt: skip


def check_guards(change: Change, context: GuardContext) -> list[Violation]:
    """What every guard says; none means that the change may be pushed."""
    return [violation for guard in GUARDS for violation in guard(change, context)]


def check_resolution(merge: Resolution, context: GuardContext) -> list[Violation]:
    """What the guards say of what an agent added to a merge."""
    return unexplained(merge, lambda change: check_guards(change, context))


__all__ = [
    "GUARDS",
    "NEW_DEPENDENCY",
    "Change",
    "FileChange",
    "Guard",
    "GuardContext",
    "Resolution",
    "Status",
    "Violation",
    "check_guards",
    "check_resolution",
    "read_change",
    "read_resolution",
]
