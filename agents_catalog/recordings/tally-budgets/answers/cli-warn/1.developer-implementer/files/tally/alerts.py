"""What Tally says when a budget runs low."""

from tally.money import format_amount
from tally.month import Month
from tally.usage import Level, Usage


def alert(usage: Usage, month: Month) -> str | None:
    """One sentence about a budget that is nearly spent or overspent, else None."""
    limit = f"its {format_amount(usage.budget.limit)} for {month}"
    match usage.level:
        case Level.OVER:
            over = format_amount(-usage.remaining)
            return f"{usage.budget.category} is {over} over {limit}"
        case Level.NEAR:
            left = format_amount(usage.remaining)
            return (
                f"{usage.budget.category} has used {usage.percent}% of {limit}; "
                f"{left} left"
            )
        case Level.FINE:
            return None
