"""Which lines of a diff a remark may stand on: GitHub refuses a review with one on any other. Pure."""

from __future__ import annotations

import re

_HUNK = re.compile(r"^@@ -\d+(?:,\d+)? \+(\d+)(?:,\d+)? @@")


def lines_in(patch: str) -> set[int]:
    """The lines of the new file that a patch shows: those that were added, and those around them."""
    found: set[int] = set()
    line = 0
    for text in patch.split("\n"):
        if hunk := _HUNK.match(text):
            line = int(hunk[1])
        elif text[:1] in ("+", " ") and line:
            found.add(line)
            line += 1
    return found
