"""Enough of GraphQL to read a request: one operation, arguments, variables, aliases, fragments."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_TOKEN = re.compile(r'\s*(?:#[^\n]*\s*)*(\.\.\.|[A-Za-z_]\w*|-?\d+(?:\.\d+)?|"(?:\\.|[^"\\])*"|[{}()\[\]:$!=@|,&])')
_CONSTANTS = {"true": True, "false": False, "null": None}


class ParseError(Exception):
    """The text is no GraphQL that is understood here."""


@dataclass(frozen=True)
class Field:
    """One asked field: its name, the key in the answer, its arguments, what is asked of it."""

    name: str
    key: str
    arguments: dict[str, Any]
    fields: tuple[Field, ...]


def _tokens(text: str) -> list[str]:
    found, at, text = [], 0, text.rstrip().replace(",", " ")
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ParseError(f"Parse error on {text[at : at + 10].strip()!r}")
        found.append(match[1])
        at = match.end()
    return found


class _Parser:
    def __init__(self, text: str, variables: Mapping[str, Any]) -> None:
        self._tokens = _tokens(text)
        self._at = 0
        self._variables = variables
        self._fragments = {
            self._tokens[at + 1]: at + 4 for at, word in enumerate(self._tokens[:-4]) if word == "fragment"
        }

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self, expected: str | None = None) -> str:
        token = self._peek()
        if not token or (expected is not None and token != expected):
            raise ParseError(f"Parse error on {token!r}")
        self._at += 1
        return token

    def operation(self) -> tuple[str, tuple[Field, ...]]:
        """The kind (query, mutation) and what it asks."""
        kind = "query"
        if self._peek() != "{":
            kind = self._next()
            while self._peek() not in ("{", ""):
                self._next()  # the operation's name and the types of its variables say nothing new
        if kind not in ("query", "mutation"):
            raise ParseError(f"Parse error on {kind!r}")
        return kind, self._selection()

    def _selection(self) -> tuple[Field, ...]:
        self._next("{")
        found: list[Field] = []
        while self._peek() != "}":
            found.extend(self._fragment() if self._peek() == "..." else [self._field()])
        self._next("}")
        return tuple(found)

    def _fragment(self) -> tuple[Field, ...]:
        self._next("...")
        if self._peek() == "{":
            return self._selection()
        name = self._next()
        if name == "on":
            self._next()
            return self._selection()
        if name not in self._fragments:
            raise ParseError(f"Fragment {name} was used, but not defined")
        back, self._at = self._at, self._fragments[name]
        fields = self._selection()
        self._at = back
        return fields

    def _field(self) -> Field:
        key = name = self._next()
        if self._peek() == ":":
            self._next()
            name = self._next()
        arguments = self._pairs("(", ")") if self._peek() == "(" else {}
        return Field(name, key, arguments, self._selection() if self._peek() == "{" else ())

    def _pairs(self, start: str, end: str) -> dict[str, Any]:
        self._next(start)
        found = {}
        while self._peek() != end:
            name = self._next()
            self._next(":")
            found[name] = self._value()
        self._next(end)
        return found

    def _value(self) -> Any:
        if self._peek() == "{":
            return self._pairs("{", "}")
        word = self._next()
        if word == "$":
            return self._variables.get(self._next())
        if word in _CONSTANTS:
            return _CONSTANTS[word]
        try:
            return json.loads(word)
        except ValueError:
            return word  # an enum's value


def parse(text: str, variables: Mapping[str, Any]) -> tuple[str, tuple[Field, ...]]:
    """The operation in ``text``, its variables filled in; ParseError when it cannot be read."""
    return _Parser(text, variables).operation()
