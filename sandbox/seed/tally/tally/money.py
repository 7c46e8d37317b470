"""Amounts of money: decimals with two places, never floats."""

from decimal import Decimal, InvalidOperation

from tally.errors import TallyError

CENT = Decimal("0.01")


def parse_amount(text: str) -> Decimal:
    """The amount a person wrote, such as ``12.50``. It is above zero, to the cent."""
    try:
        amount = Decimal(text)
        if amount.is_nan():
            raise InvalidOperation
        rounded = amount.quantize(CENT)
    except InvalidOperation:
        raise TallyError(f"{text!r} is not an amount of money") from None
    if amount != rounded:
        raise TallyError(f"{text!r} has more than two decimal places")
    if rounded <= 0:
        raise TallyError("an amount must be more than zero")
    return rounded


def format_amount(amount: Decimal) -> str:
    """The amount as people read it: ``1,234.50``."""
    return f"{amount:,.2f}"
