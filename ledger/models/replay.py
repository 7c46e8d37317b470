"""What a run takes from the one that it repeats, where a fresh one looks at the clock, at numbers, at who is first."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ledger.models.base import Model


class Move(Model):
    """A node's branch was made from, or merged into, the branch ``onto``: that of another node, by key, or by name."""

    do: Literal["branch", "merge"]
    node: str
    onto: str


class Replay(Model):
    """Which recording a run repeats. ``moves`` are in the order in which they once happened."""

    recording: str
    of_run: str | None = None
    version: str | None = None
    spec_path: str | None = None
    moves: list[Move] = Field(default_factory=list)
