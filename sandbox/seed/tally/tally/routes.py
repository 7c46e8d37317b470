"""Every route of the service. The first that matches answers."""

from tally.handlers import (
    add_expense,
    health,
    list_expenses,
    month_totals,
    remove_expense,
)
from tally.routing import Route

ROUTES: tuple[Route, ...] = (
    Route("GET", "/healthz", health),
    Route("GET", "/expenses", list_expenses),
    Route("POST", "/expenses", add_expense),
    Route("DELETE", "/expenses/{id}", remove_expense),
    Route("GET", "/months/{month}/totals", month_totals),
)
