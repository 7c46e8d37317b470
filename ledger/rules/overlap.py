"""Do two declared sets of paths touch the same files?"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from functools import lru_cache

_TOKEN = re.compile(r"\*+|\[[^\]/]+\]|.", re.DOTALL)
_GLOB = re.compile(r"[*?\[]")


def overlap(a: Sequence[str], b: Sequence[str]) -> bool:
    """Whether some path may be in both. A folder covers all beneath it; globs count; nothing overlaps nothing."""
    return any(_touch(one, other) for one in a if one for other in b if other)


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
    """Characters; ``*`` for any run of them (slashes too), ``?`` for any one. What is beneath counts as well."""
    words = ["*" if word[0] == "*" else "?" if word[0] == "[" and len(word) > 1 else word for word in _TOKEN.findall(path)]
    return words


def _share(a: list[str], b: list[str]) -> bool:
    """Whether some text fits both patterns, or fits one and lies beneath what fits the other."""
    seen: set[tuple[int, int]] = set()
    waiting = [(0, 0)]
    while waiting:
        i, j = at = waiting.pop()
        if at in seen:
            continue
        seen.add(at)
        if (i == len(a) and (j == len(b) or b[j] in "/*")) or (j == len(b) and a[i] in "/*"):
            return True
        waiting += _moves(a[i:i+1], b[j:j+1], i, j)
    return False
