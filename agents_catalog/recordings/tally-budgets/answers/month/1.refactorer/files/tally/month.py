"""A calendar month."""

import calendar
from dataclasses import dataclass
from datetime import date
from typing import Self

from tally.errors import TallyError


@dataclass(frozen=True, order=True)
class Month:
    """One month of one year. A day is ``in`` it from the first to the last."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """The month a person wrote as ``2026-11``."""
        try:
            return cls.of(date.fromisoformat(f"{text}-01"))
        except ValueError:
            raise TallyError(f"{text!r} is not a month such as 2026-11") from None

    @classmethod
    def of(cls, day: date) -> Self:
        """The month that a day belongs to."""
        return cls(day.year, day.month)

    @property
    def first(self) -> date:
        """Its first day."""
        return date(self.year, self.number, 1)

    @property
    def last(self) -> date:
        """Its last day."""
        return self.first.replace(day=calendar.monthrange(self.year, self.number)[1])

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and self.first <= day <= self.last

    def __str__(self) -> str:
        return f"{self.year:04}-{self.number:02}"
