"""Do two declared sets of paths touch the same files?"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

_TOKEN = re.compile(r"(?:\*\*/|\*)+|\[[^\]/]+\]|.", re.DOTALL)
_GLOB = re.compile(r"[*?\[]")


def overlap(a: Sequence[str], b: Sequence[str]) -> bool:
    """Whether some path may be in both. A folder covers all beneath it; globs count; nothing overlaps nothing."""
    return any(_touch(one, other) for one in a if one for other in b if other)


def covers(files: Sequence[str], path: str) -> bool:
    """Whether a path that is really there is one of the declared ones, or lies in one of their folders."""
    path = _plain(path)
    return any(_fits(path, _plain(each)) for each in files if each)


def _fits(path: str, declared: str) -> bool:
    if path == declared or _beneath(path, declared):
        return True
    wild = {"*": ".*", "?": "."}
    pattern = "".join(wild.get(token) or re.escape(token) for token in _tokens(declared))
    return re.fullmatch(f"{pattern}(/.*)?", path, re.DOTALL) is not None


@lru_cache(maxsize=8192)
def _touch(a: str, b: str) -> bool:
    a, b = _plain(a), _plain(b)
    if a == b or _beneath(a, b) or _beneath(b, a):
        return True
    return bool(_GLOB.search(a) or _GLOB.search(b)) and _share(_tokens(a), _tokens(b))


def _plain(path: str) -> str:
    path = posixpath.normpath(path).lstrip("/")
    return "" if path == "." else path


def _beneath(path: str, folder: str) -> bool:
    return not folder or path.startswith(f"{folder}/")


def _tokens(path: str) -> list[str]:
    """Single characters; ``*`` is any run of them (slashes too: rather too much than too little), ``?`` any one."""
    return [word[0] if len(word) == 1 or word[0] == "*" else "?" for word in _TOKEN.findall(path)]


def _share(a: Sequence[str], b: Sequence[str]) -> bool:
    """Whether a text fits both patterns, or what fits one lies beneath what fits the other."""
    seen: set[tuple[int, int]] = set()
    waiting = [(0, 0)]
    while waiting:
        at = waiting.pop()
        if at in seen:
            continue
        seen.add(at)
        x, y = a[at[0] : at[0] + 1], b[at[1] : at[1] + 1]
        if not (x or y) or (not x and y[0] in "/*?") or (not y and x[0] in "/*?"):
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
