"""The service's answers about expenses."""

from datetime import date

from tally import __version__
from tally.errors import TallyError
from tally.expense import parse_category, parse_day
from tally.money import parse_amount
from tally.reports import in_month, totals
from tally.routing import Request, Response


def health(_request: Request) -> Response:
    """``GET /healthz``."""
    return Response.json({"status": "ok", "version": __version__})


def list_expenses(request: Request) -> Response:
    """``GET /expenses``, of one month with ``?month=2026-11``."""
    expenses = request.store.load().expenses
    if "month" in request.query:
        expenses = in_month(expenses, request.query["month"])
    return Response.json({"expenses": [expense.to_json() for expense in expenses]})


def add_expense(request: Request) -> Response:
    """``POST /expenses``."""
    data = request.json()
    amount = parse_amount(request.field("amount"))
    category = parse_category(request.field("category"))
    day = parse_day(request.field("day")) if "day" in data else date.today()
    with request.store.change() as book:
        expense = book.add(day, category, amount, str(data.get("note", "")))
    return Response.json(expense.to_json(), 201)


def remove_expense(request: Request) -> Response:
    """``DELETE /expenses/{id}``."""
    if not request.params["id"].isdecimal():
        raise TallyError("an expense's id is a number")
    with request.store.change() as book:
        book.remove(int(request.params["id"]))
    return Response(204)


def month_totals(request: Request) -> Response:
    """``GET /months/{month}/totals``."""
    month = request.params["month"]
    sums = totals(in_month(request.store.load().expenses, month))
    named = {category: str(amount) for category, amount in sums.items()}
    return Response.json({"month": month, "totals": named})
