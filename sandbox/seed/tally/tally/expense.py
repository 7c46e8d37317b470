"""One expense."""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Self

from tally.errors import TallyError

CATEGORY = re.compile(r"[a-z][a-z0-9 &-]{0,39}")


def parse_category(text: str) -> str:
    """A category's name in the form it is stored: lower case, no space around it."""
    name = text.strip().lower()
    if not CATEGORY.fullmatch(name):
        raise TallyError(f"{text!r} is not a category: letters, digits, '-' and '&'")
    return name


def parse_day(text: str) -> date:
    """A day such as ``2026-11-03``."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise TallyError(f"{text!r} is not a day such as 2026-11-03") from None


@dataclass(frozen=True)
class Expense:
    """What was spent, on what, and when."""

    id: int
    day: date
    category: str
    amount: Decimal
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """The expense as the file and the service write it."""
        return {
            "id": self.id,
            "day": self.day.isoformat(),
            "category": self.category,
            "amount": str(self.amount),
            "note": self.note,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """The expense that ``to_json`` wrote."""
        return cls(
            id=data["id"],
            day=date.fromisoformat(data["day"]),
            category=data["category"],
            amount=Decimal(data["amount"]),
            note=data.get("note", ""),
        )
