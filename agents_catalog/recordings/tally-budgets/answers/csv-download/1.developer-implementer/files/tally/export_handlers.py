"""The service's answer in CSV."""

import hashlib

from tally.export import month_csv
from tally.month import Month
from tally.routing import Request, Response


def download_csv(request: Request) -> Response:
    """``GET /months/{month}/budgets.csv``; who has the same already gets a 304."""
    month = Month.parse(request.params["month"])
    body = month_csv(request.store.load(), month).encode()
    tag = entity_tag(body)
    known = request.headers.get("if-none-match", "")
    if tag in (part.strip() for part in known.split(",")):
        return Response(304, headers={"ETag": tag})
    name = f'attachment; filename="budgets-{month}.csv"'
    headers = {"ETag": tag, "Content-Disposition": name}
    return Response(200, body, "text/csv; charset=utf-8", headers)


def entity_tag(body: bytes) -> str:
    """A strong ETag: the same bytes always have the same one."""
    return f'"{hashlib.md5(body).hexdigest()}"'
