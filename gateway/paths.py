"""How the ledger's ids of issues stand in a path: they hold a slash, and end where the path goes on."""

from __future__ import annotations

from starlette.convertors import StringConvertor, register_url_convertor


class IssueIdConvertor(StringConvertor):
    """``RUN/NODE``."""

    regex = r"r-[0-9]{8}-[a-z0-9]{6}/[A-Za-z0-9._-]{1,80}"


def register() -> None:
    """Let routes use ``{name:issue}``."""
    register_url_convertor("issue", IssueIdConvertor())
