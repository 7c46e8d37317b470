"""The service's answers about budgets."""

from tally.expense import parse_category
from tally.money import parse_amount
from tally.routing import Request, Response


def list_budgets(request: Request) -> Response:
    """``GET /budgets``."""
    budgets = request.store.load().budgets
    listed = [budgets[category].to_json() for category in sorted(budgets)]
    return Response.json({"budgets": listed})


def put_budget(request: Request) -> Response:
    """``PUT /budgets/{category}``; saying it twice is harmless."""
    category = parse_category(request.params["category"])
    limit = parse_amount(request.field("limit"))
    with request.store.change() as book:
        budget = book.set_budget(category, limit)
    return Response.json(budget.to_json())


def remove_budget(request: Request) -> Response:
    """``DELETE /budgets/{category}``."""
    category = parse_category(request.params["category"])
    with request.store.change() as book:
        book.remove_budget(category)
    return Response(204)
