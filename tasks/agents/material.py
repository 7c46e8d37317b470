"""What an agent is given to read: sections in their order of weight, cut to a budget; what is cut is said. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.agents.untrusted import one_line

_BYTES_PER_TOKEN = 3.5  # English and code lie between 3 and 4.5 for the tokenizers of today; this is on the safe side
_LONGEST = 300  # characters of a title: the name of a file may be one, which others chose
_LEAST = 64  # tokens below which a piece of a section is not worth showing


@dataclass(frozen=True)
class Section:
    """A titled text. ``hidden`` characters were taken out of it; ``note`` says what else is missing, and why."""

    title: str
    text: str
    hidden: int = 0
    note: str = ""


@dataclass(frozen=True)
class Material:
    """What is shown, and in a line each what is not."""

    text: str
    left_out: tuple[str, ...]


def tokens(text: str) -> int:
    """About how many tokens a text has: an estimate, since each model counts by a vocabulary of its own."""
    return math.ceil(len(text.encode()) / _BYTES_PER_TOKEN)


def fit(sections: Sequence[Section], budget: int) -> Material:
    """The sections one below the other, the first ones first, in about ``budget`` tokens."""
    shown, missing, left = [], [], budget
    for each in sections:
        title = one_line(each.title, _LONGEST)
        if each.note:
            missing.append(f"{title}: {each.note}")
        if each.hidden:
            missing.append(f"{title}: {each.hidden} hidden characters")
        if not each.text.strip():
            continue
        head = f"## {title}\n\n"
        whole, text = tokens(each.text), each.text.strip()
        room = left - tokens(head)
        if whole > room:
            if room < _LEAST:
                missing.append(f"{title}: all of it, about {whole:,} tokens")
                continue
            text = _start_of(text, room)
            missing.append(f"{title}: about {whole - tokens(text):,} of {whole:,} tokens")
            text = f"{text}\n[the rest is left out]"
        shown.append(head + text)
        left -= tokens(head + text)
    return Material("\n\n".join(shown), tuple(missing))


def _start_of(text: str, most: int) -> str:
    cut = text.encode()[: int(most * _BYTES_PER_TOKEN)].decode(errors="ignore")
    return cut[: cut.rfind("\n")] if "\n" in cut else cut
