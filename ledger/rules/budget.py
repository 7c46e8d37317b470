"""A run's budget: what is used up, what nearly is, and the words for it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ledger.models import Budget, Forecast, Run, Spent

Kind = Literal["usd", "tokens", "minutes"]
KINDS: tuple[Kind, ...] = ("usd", "tokens", "minutes")
BY = "its budget"  # who paused a run that has none left
NEARLY = 0.8  # of a limit: from here on a person is warned


@dataclass(frozen=True)
class Line:
    """One limit and what is used of it."""

    kind: Kind
    limit: float
    used: float

    @property
    def mark(self) -> str:
        """What a warning about this limit is remembered by; a raised limit has another."""
        return f"{self.kind} {self.limit:g}"

    @property
    def percent(self) -> int:
        """How much is used, rounded down, so that 100 means used up."""
        return int(100 * self.used / self.limit) if self.limit else 100


def lines(budget: Budget, spent: Spent) -> list[Line]:
    """The limits that are set, with what is used of each."""
    limits = {kind: getattr(budget, kind) for kind in KINDS}
    return [Line(kind, limit, getattr(spent, kind)) for kind, limit in limits.items() if limit is not None]


def used_up(budget: Budget, spent: Spent) -> Line | None:
    """The limit that is reached, the one overdrawn most where there are several."""
    return max((each for each in lines(budget, spent) if each.used >= each.limit), key=_share, default=None)


def nearly_used_up(budget: Budget, spent: Spent) -> list[Line]:
    """The limits of which 80 % or more is used."""
    return [each for each in lines(budget, spent) if each.used >= NEARLY * each.limit]


def paused_by_budget(run: Run) -> bool:
    """Whether the run waits because its budget was used up, and nobody else paused it."""
    return run.interrupt.paused and run.interrupt.by == BY


def stop_words(run_id: str, line: Line, spent: Spent) -> str:
    """Why a run pauses, and what a person can do, without a full stop."""
    raised = f"{max(2 * line.limit, 1.5 * line.used, 1):.0f}"
    replayed = ", replayed" if spent.replayed and line.kind != "minutes" else ""
    return (
        f"the budget of {amount(line.kind, line.limit)} is used up ({amount(line.kind, line.used)}{replayed}); "
        f"raise it with `shipline budget {run_id} --{line.kind} {raised}`"
    )


def warning(line: Line) -> str:
    """What a person is told at 80 %."""
    return (
        f"{line.percent} % of the budget of {amount(line.kind, line.limit)} is used "
        f"({amount(line.kind, line.used)}); at 100 % the run pauses"
    )


def over_forecast(budget: Budget, cast: Forecast) -> list[str]:
    """What a plan is expected to take beyond the budget: one sentence a limit. Tokens are not forecast."""
    expected: tuple[tuple[Kind, float], ...] = (("usd", cast.usd), ("minutes", cast.minutes_to_finish))
    return [
        f"The plan will take about {amount(kind, will)}, more than the budget of {amount(kind, limit)}."
        for kind, will in expected
        if (limit := getattr(budget, kind)) is not None and will > limit
    ]


def amount(kind: Kind, value: float) -> str:
    """A figure with its unit."""
    if kind == "usd":
        return f"${value:,.2f}"
    return f"{value:,.0f} tokens" if kind == "tokens" else f"{value:,.1f} minutes".replace(".0 ", " ")


def _share(line: Line) -> float:
    return line.used / line.limit if line.limit else float("inf")
