"""Text that others wrote, made fit to be shown to an agent: what a person would not see in it is taken out. Pure.

Hidden characters carry instructions past a reader's eyes (Unicode tags spell whole sentences, bidirectional controls
turn a line around), and a comment in Markdown is shown to nobody.
"""

from __future__ import annotations

import re
import unicodedata

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_FENCE = re.compile(r"^[ \t]*-{3,}[ \t]*(context (?:begins|ends))[ \t]*-{3,}[ \t]*$", re.IGNORECASE | re.MULTILINE)
_KEPT = frozenset("\n\t")
# Invisible, and not of a category that says so: fillers, the blank Braille pattern, selectors of a glyph's variant.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | frozenset(map(chr, range(0xFE00, 0xFE0F)))
_HIDING = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})


def shown(text: str) -> tuple[str, int]:
    """The text as a reader of a file sees it, and how many hidden characters were taken out."""
    whole = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(char for char in whole if char in _KEPT or not _hidden(char))
    return _FENCE.sub(r"(\1)", kept), len(whole) - len(kept)


def rendered(text: str) -> tuple[str, int]:
    """The same for Markdown that is rendered: comments in it go too."""
    without = _COMMENT.sub("", text)
    kept, hidden = shown(without)
    return kept, hidden + len(text) - len(without)


def one_line(text: str, most: int = 200) -> str:
    """A title or a name: on one line, and no longer than ``most``."""
    return " ".join(shown(text)[0].split())[:most]


def _hidden(char: str) -> bool:
    return char in _BLANK or 0xE0100 <= ord(char) <= 0xE01EF or unicodedata.category(char) in _HIDING
