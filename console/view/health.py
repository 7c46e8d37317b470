"""Whether what Shipline stands on answers, in a line of words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deployments.doctor import Check

# The checks of ``shipline doctor`` that an operator asks for, by what a person calls them.
NAMES = {"mongodb": "MongoDB", "prefect": "Prefect", "github": "GitHub", "agents": "Agents", "home": "Disk"}


@dataclass(frozen=True)
class Standing:
    """One service: a sign, its name, a word, and what to do when it is not well."""

    mark: str
    name: str
    word: str
    detail: str


def health(found: Sequence[Check]) -> list[Standing]:
    """One standing a service, in the order of ``NAMES``."""
    by_name = {each.name: each for each in found}
    return [_standing(NAMES[name], by_name[name]) for name in NAMES if name in by_name]


def _standing(name: str, check: Check) -> Standing:
    mark, word = {True: ("✓", "answers"), False: ("✗", "is not well"), None: ("–", "is not set up")}[check.ok]
    if name == "Agents" and check.ok:
        word = check.detail.replace(" (thinking is replayed)", "")
    if name == "Disk" and check.ok:
        word = "has room"
    return Standing(mark, name, word, "" if check.ok else f"{check.detail} {check.hint}".strip())
