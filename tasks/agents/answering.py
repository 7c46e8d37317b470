"""A typed answer in what a coding agent said at last. Pure."""

from __future__ import annotations

import json
import re
from typing import Any

_BLOCK = re.compile(r"```(?:json)?[ \t]*\n(.*?)```", re.DOTALL)


def split_words(text: str) -> tuple[str, str]:
    """The first line, as the subject of a commit, and the rest."""
    lines = [line.strip() for line in text.strip().splitlines()]
    subject = next((line.lstrip("#*- ").strip() for line in lines if line.strip("#*- `")), "")
    return subject[:200], "\n".join(text.strip().splitlines()[1:]).strip()


def answer_in(text: str) -> dict[str, Any] | None:
    """The last JSON object in a text: in a fenced block, else from a brace that opens a line; None without one."""
    opened = [text[each.start() :] for each in re.finditer(r"^\s*\{", text, re.MULTILINE)]
    decoder = json.JSONDecoder()
    for candidate in [*reversed(_BLOCK.findall(text)), *opened]:
        try:
            found, _ = decoder.raw_decode(candidate.strip())
        except ValueError:
            continue
        if isinstance(found, dict):
            return found
    return None
