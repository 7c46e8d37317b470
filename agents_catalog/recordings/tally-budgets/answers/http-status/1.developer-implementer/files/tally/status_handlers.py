"""The service's answer about how a month stands."""

from tally.month import Month
from tally.routing import Request, Response
from tally.usage import month_usage


def month_status(request: Request) -> Response:
    """``GET /months/{month}/budgets``."""
    month = Month.parse(request.params["month"])
    usages = month_usage(request.store.load(), month)
    return Response.json(
        {"month": str(month), "budgets": [usage.to_json() for usage in usages]}
    )
