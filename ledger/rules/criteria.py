"""Acceptance criteria against what a reviewer says of each. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.models import CriterionSeen


def seen_of(criterion: str, seen: Sequence[CriterionSeen]) -> CriterionSeen | None:
    """What was said of a criterion, by its words; capitals, spaces and a full stop at the end do not matter."""
    return next((each for each in seen if _plain(each.criterion) == _plain(criterion)), None)


def unproven(criteria: Sequence[str], seen: Sequence[CriterionSeen]) -> list[str]:
    """A line for each criterion that is not met, or without evidence that it is."""
    found = []
    for criterion in criteria:
        said = seen_of(criterion, seen)
        if said is None:
            found.append(f"{criterion}: nothing was said of it")
        elif not said.met:
            found.append(f"{criterion}: not met. {said.evidence}".rstrip())
        elif not said.evidence.strip():
            found.append(f"{criterion}: said to be met, without evidence")
    return found


def _plain(text: str) -> str:
    return " ".join(text.split()).rstrip(".").casefold()
