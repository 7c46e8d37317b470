"""Every route of the service. The first that matches answers."""

from tally.budget_handlers import list_budgets, put_budget, remove_budget
from tally.handlers import (
    add_expense,
    health,
    list_expenses,
    month_totals,
    remove_expense,
)
from tally.routing import Route
from tally.status_handlers import month_status

ROUTES: tuple[Route, ...] = (
    Route("GET", "/healthz", health),
    Route("GET", "/expenses", list_expenses),
    Route("POST", "/expenses", add_expense),
    Route("DELETE", "/expenses/{id}", remove_expense),
    Route("GET", "/months/{month}/totals", month_totals),
    Route("GET", "/months/{month}/budgets", month_status),
    Route("GET", "/budgets", list_budgets),
    Route("PUT", "/budgets/{category}", put_budget),
    Route("DELETE", "/budgets/{category}", remove_budget),
)
