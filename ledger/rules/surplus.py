"""Which of several things with the same hidden marker are too many. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Marked:
    """Something on GitHub that carries a hidden marker. ``id`` orders by age."""

    id: int
    author: str
    on: int = 0


def surplus(found: Sequence[Marked], known: int | None) -> list[Marked]:
    """Which of those with the same marker are too many: not what the ledger knows, and by the same author.

    Without a known one, an effect may be under way, and nothing is called surplus. A person's copy is theirs.
    """
    kept = next((each for each in found if each.id == known), None)
    if kept is None:
        return []
    return [each for each in found if each.id != known and each.author == kept.author]
