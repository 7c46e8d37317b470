"""Text of agents and of people on GitHub, made harmless: it is shown, and never parsed, run or loaded."""

from __future__ import annotations

import re

from markupsafe import Markup

ELLIPSIS = "…"


def filled(template: str, **values: object) -> str:
    """HTML from a template of ours; every value is escaped, whatever is in it."""
    return str(Markup(template).format(**values))  # noqa: S704 (the template is a literal of ours)


def joined(parts: list[str]) -> str:
    """Pieces that ``filled`` made, one after the other."""
    return "".join(parts)


def first_line(text: str, most: int = 120) -> str:
    """The first line, cut to ``most`` characters."""
    line = text.strip().splitlines()[0] if text.strip() else ""
    return line if len(line) <= most else line[: most - 1].rstrip() + ELLIPSIS


def without_pictures(markdown: str) -> str:
    """Markdown whose pictures are not loaded: they stay as written."""
    return markdown.replace("![", "!\\[")


_MEANS = re.compile(r"([!-/:-@\[-`{-~])")  # every ASCII sign that means something in Markdown
_FOUND = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)|(?=@)", re.IGNORECASE)  # where a renderer finds links by itself
JOINER = "\u2060"  # has no width, and ends what looks like an address


_BEGINS = re.compile(r"(?<=\])(?=[(:\[])|(?<=<)")  # where Markdown makes a link of brackets, or a tag


def previewed(markdown: str) -> str:
    """Markdown as it will read, but for its pictures and links, which stay text: a look must lead nowhere."""
    return _FOUND.sub(JOINER, _BEGINS.sub(JOINER, without_pictures(markdown)))


def quoted(text: str) -> str:
    """Markdown that shows the text as it is, for what takes nothing but Markdown: no sign means anything, no link."""
    return _MEANS.sub(r"\\\1", _FOUND.sub(JOINER, text))
