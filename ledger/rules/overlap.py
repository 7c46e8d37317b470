"""Do two declared sets of paths touch the same files?"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase


def overlap(a: Sequence[str], b: Sequence[str]) -> bool:
    """Whether some path may be in both. ``x/`` covers all beneath it; globs count; nothing overlaps nothing."""
    return any(_touch(_plain(one), _plain(other)) for one in a for other in b)


def _plain(path: str) -> str:
    return path.removeprefix("./")


def _touch(a: str, b: str) -> bool:
    if a == b or fnmatchcase(a, b) or fnmatchcase(b, a):
        return True
    return (a.endswith("/") and b.startswith(a)) or (b.endswith("/") and a.startswith(b))
