"""Do two declared sets of paths touch the same files?"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache

_STARS = re.compile(r"(?:\*\*/|\*)+")
_TOKEN = re.compile(rf"{_STARS.pattern}|\[[^\]/]+\]|.", re.DOTALL)
_GLOB = re.compile(r"[*?\[]")


def overlap(a: Sequence[str], b: Sequence[str]) -> bool:
    """Whether some path may be in both. A folder covers all beneath it; globs count; nothing overlaps nothing."""
    return any(_touch(one, other) for one in a if one for other in b if other)


def covers(files: Sequence[str], path: str) -> bool:
    """Whether a path that is really there is one of the declared ones, or lies in one of their folders."""
    path = _plain(path)
    return any(_fits(path, each) for each in files if each)


def _fits(path: str, declared: str) -> bool:
    plain = _plain(declared)
    if path == plain or _beneath(path, plain):
        return True
    return fnmatchcase(path, _STARS.sub("*", _glob(declared)))


@lru_cache(maxsize=8192)
def _touch(a: str, b: str) -> bool:
    one, other = _plain(a), _plain(b)
    if one == other or _beneath(one, other) or _beneath(other, one):
        return True
    return bool(_GLOB.search(a) or _GLOB.search(b)) and _share(_tokens(a), _tokens(b))


def _plain(path: str) -> str:
    path = posixpath.normpath(path).lstrip("/")
    return "" if path == "." else path


def _beneath(path: str, folder: str) -> bool:
    return not folder or path.startswith(f"{folder}/")


def _glob(declared: str) -> str:
    return _plain(declared) + ("/*" if declared.endswith("/") else "")


def _tokens(declared: str) -> list[str]:
    """Single characters; ``*`` is any run of them (slashes too: rather too much than too little), ``?`` any one."""
    words = _TOKEN.findall(_glob(declared))
    return [word[0] if len(word) == 1 or word[0] == "*" else "?" for word in words]


def _share(a: Sequence[str], b: Sequence[str]) -> bool:
    """Whether a text fits both patterns, or one of them goes on with a slash where the other ends."""
    seen: set[tuple[int, int]] = set()
    waiting = [(0, 0)]
    while waiting:
        at = waiting.pop()
        if at in seen:
            continue
        seen.add(at)
        x, y = a[at[0] : at[0] + 1], b[at[1] : at[1] + 1]
        if (x or ["/"]) == (y or ["/"]) and not (x and y):
            return True
        waiting += _onward(at, x, y)
    return False


def _onward(at: tuple[int, int], x: Sequence[str], y: Sequence[str]) -> Iterator[tuple[int, int]]:
    i, j = at
    if x == ["*"] or y == ["*"]:
        if x:
            yield i + 1, j
        if y:
            yield i, j + 1
    elif x and y and (x == y or "?" in (x[0], y[0])):
        yield i + 1, j + 1
