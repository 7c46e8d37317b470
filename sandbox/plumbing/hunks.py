"""Lines of a patch: which of them a remark may stand on."""

from __future__ import annotations

import re

_HEAD = re.compile(r"^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")


def hunk_up_to(patch: str, side: str, line: int | None, position: int | None) -> str | None:
    """The hunk as far as one line of the diff (by ``line`` and ``side``, or by ``position``), or None."""
    old = new = 0
    hunk: list[str] = []
    for place, text in enumerate(patch.split("\n")):
        if head := _HEAD.match(text):
            old, new, hunk = int(head[1]), int(head[2]), [text]
            continue
        hunk.append(text)
        sign = text[:1]
        there = (side == "LEFT" and sign in "- " and old == line) or (side == "RIGHT" and sign in "+ " and new == line)
        if (line is not None and sign in ("+", "-", " ") and there) or (line is None and place == position):
            return "\n".join(hunk)
        old += sign in ("-", " ")
        new += sign in ("+", " ")
    return None
