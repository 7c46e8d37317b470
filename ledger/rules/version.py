"""The next version, from the kinds of change."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from typing import Literal

from semver import Version

Bump = Literal["major", "minor", "patch"]

_SUBJECT = re.compile(r"^(?P<kind>[A-Za-z]+)(?:\([^()\n]*\))?(?P<breaks>!)?: ")
_FOOTER = re.compile(r"^BREAKING[ -]CHANGE: ", re.MULTILINE)
# Kinds of conventional commits that give nobody anything new to use.
_QUIET = ("fix", "perf", "docs", "style", "refactor", "test", "build", "ci", "chore", "revert")


def next_version(tags: Iterable[str], current: str | None, bump: Bump) -> str:
    """The highest version among ``tags`` (a leading v is fine) and ``current``, one step up; from 0.0.0 without any."""
    return str(highest(tags, current).next_version(part=bump))


def highest(tags: Iterable[str], current: str | None) -> Version:
    """The highest version of all, 0.0.0 when there is none.

    A tag counts only as a full version, since a bare number may be a date; ``current`` may be short ("2.1").
    """
    words = [tag.removeprefix("v") for tag in tags]
    known = [Version.parse(word) for word in words if Version.is_valid(word)]
    with suppress(ValueError):
        known.append(Version.parse((current or "").removeprefix("v"), optional_minor_and_patch=True))
    # Build metadata has no rank; some releases of semver would step 1.2.3+7 "up" to 1.2.3.
    return max(known, default=Version(0)).replace(build=None)


def bump_of(titles: Iterable[str], messages: Iterable[str], before: Version) -> Bump:
    """How large a step the changes are: what breaks is major (minor before 1.0), what adds minor, the rest patch.

    ``titles`` are of the tasks; one that names no kind (``fix: …``) adds something. ``messages`` are of commits, of
    which only those count that name one: the others belong to a task.
    """
    named = [text for text in messages if _SUBJECT.match(text) or _FOOTER.search(text)]
    changes = [*titles, *named]
    if any(_breaks(text) for text in changes):
        return "major" if before.major else "minor"
    return "patch" if changes and all(_kind(text) in _QUIET for text in changes) else "minor"


def _kind(text: str) -> str:
    found = _SUBJECT.match(text)
    return found["kind"].lower() if found else ""


def _breaks(text: str) -> bool:
    found = _SUBJECT.match(text)
    return bool(found and found["breaks"]) or _FOOTER.search(text) is not None
