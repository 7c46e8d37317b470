"""What a handler is given, what it answers, and how it is found."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import unquote

from tally.errors import TallyError
from tally.store import Store


@dataclass(frozen=True)
class Request:
    """One request. ``params`` come from the path; header names are lower case."""

    store: Store
    params: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> dict[str, Any]:
        """The body, which must be a JSON object."""
        try:
            data = json.loads(self.body)
        except ValueError:
            raise TallyError("the body is not JSON") from None
        if not isinstance(data, dict):
            raise TallyError("the body is not a JSON object")
        return data

    def field(self, name: str) -> str:
        """A text of the JSON body that must be there."""
        value = self.json().get(name)
        if not isinstance(value, str) or not value:
            raise TallyError(f"{name!r} is missing or not a text")
        return value


@dataclass(frozen=True)
class Response:
    """One answer."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, payload: object, status: int = 200) -> Self:
        """An answer in JSON."""
        return cls(status, json.dumps(payload, ensure_ascii=False).encode() + b"\n")


@dataclass(frozen=True)
class Route:
    """A method and a path; a ``{name}`` in the path matches one segment."""

    method: str
    path: str
    handler: Callable[[Request], Response]

    def match(self, path: str) -> dict[str, str] | None:
        """The path's parameters, or None when the route is another one."""
        wanted, given = self.path.split("/"), path.split("/")
        if len(wanted) != len(given):
            return None
        params = {}
        for name, value in zip(wanted, given, strict=True):
            if name.startswith("{"):
                params[name.strip("{}")] = unquote(value)
            elif name != value:
                return None
        return params
