"""What of a budget is used up, and the words for it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ledger.models import Budget, Forecast, Spent
from ledger.rules.budget import amount, lines, nearly_used_up, over_forecast, stop_words, used_up, warning

figures = st.floats(0, 1e6, allow_nan=False)
limits = st.none() | figures


def test_no_limit_is_never_used_up() -> None:
    spent = Spent(usd=1e9, tokens=10**9, minutes=1e9)
    assert lines(Budget(), spent) == []
    assert used_up(Budget(), spent) is None


def test_a_limit_of_nothing_is_used_up_before_anything_is_spent() -> None:
    reached = used_up(Budget(usd=0), Spent())
    assert reached is not None
    assert reached.percent == 100


@given(limits, figures)
def test_used_up_is_nearly_used_up_too(limit: float | None, used: float) -> None:
    budget, spent = Budget(usd=limit), Spent(usd=used)
    reached, near = used_up(budget, spent), nearly_used_up(budget, spent)
    assert (reached is not None) == (limit is not None and used >= limit)
    assert reached is None or reached in near
    assert bool(near) == (limit is not None and used >= 0.8 * limit)


def test_the_limit_overdrawn_most_is_named() -> None:
    reached = used_up(Budget(usd=1, tokens=100), Spent(usd=1.1, tokens=150))
    assert reached is not None
    assert reached.kind == "tokens"


def test_the_sentence_names_the_figures_and_a_command_that_helps() -> None:
    budget, spent = Budget(usd=5), Spent(usd=5.12)
    reached = used_up(budget, spent)
    assert reached is not None
    assert stop_words("r-1", reached, spent) == (
        "the budget of $5.00 is used up ($5.12); raise it with `shipline budget r-1 --usd 10`"
    )
    replayed = spent.model_copy(update={"replayed": True})
    assert "($5.12, replayed)" in stop_words("r-1", reached, replayed)
    huge = used_up(budget, Spent(usd=1000))
    assert huge is not None
    assert "--usd 1500" in stop_words("r-1", huge, Spent(usd=1000))


def test_the_warning_names_how_much_is_used() -> None:
    (line,) = nearly_used_up(Budget(tokens=1000), Spent(tokens=850))
    assert warning(line) == "85 % of the budget of 1,000 tokens is used (850 tokens); at 100 % the run pauses"
    assert line.mark != nearly_used_up(Budget(tokens=1050), Spent(tokens=850))[0].mark


def test_a_forecast_beyond_the_budget_is_said() -> None:
    cast = Forecast(leaves=3, minutes_of_work=90, minutes_to_finish=45, usd=7.5, critical_path=["a"])
    assert over_forecast(Budget(usd=8, minutes=45), cast) == []
    said = over_forecast(Budget(usd=5, minutes=30), cast)
    assert said == [
        "The plan will take about $7.50, more than the budget of $5.00.",
        "The plan will take about 45 minutes, more than the budget of 30 minutes.",
    ]


def test_figures_have_units() -> None:
    assert (amount("usd", 1234.5), amount("tokens", 12345), amount("minutes", 1.25)) == (
        "$1,234.50", "12,345 tokens", "1.2 minutes",
    )  # fmt: skip
