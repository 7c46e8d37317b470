"""The next version."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Literal

from semver import Version


def next_version(tags: Iterable[str], current: str | None, bump: Literal["major", "minor", "patch"]) -> str:
    """The highest version among ``tags`` (a leading v is fine) and ``current``, one step up; from 0.0.0 without any.

    A tag counts only as a full version, since a bare number may be a date; ``current`` may be short ("2.1").
    """
    words = [tag.removeprefix("v") for tag in tags]
    known = [Version.parse(word) for word in words if Version.is_valid(word)]
    with suppress(ValueError):
        known.append(Version.parse((current or "").removeprefix("v"), optional_minor_and_patch=True))
    # Build metadata has no rank; some releases of semver would step 1.2.3+7 "up" to 1.2.3.
    highest = max(known, default=Version(0)).replace(build=None)
    return str(highest.next_version(part=bump))
