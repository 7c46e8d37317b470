"""What goes wrong, when, and how often: rules that a test sets, and the book that holds them."""

from __future__ import annotations

import itertools
import re
import time
from collections import defaultdict, deque
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Fault = Literal[
    "lost-answer", "reset-before", "reset-after", "refuse", "truncated", "stale", "slow", "creation-limit"
]  # fmt: skip
# A state of the host rather than something that happens to one request; it lasts until it is cleared.
LASTING = ("stale", "creation-limit")
_WRITES = "POST|PUT|PATCH|DELETE"
_METHODS = {"stale": "GET", "creation-limit": _WRITES}


class Rule(BaseModel):
    """One fault and the requests it befalls. Times are seconds; every pattern has to match the whole.

    ``skip`` lets that many matching requests pass first; ``times`` is how often it fires, None without end.
    """

    model_config = ConfigDict(extra="forbid")

    fault: Fault
    method: str = ".*"
    path: str = ".*"
    body: str | None = None
    skip: int = Field(default=0, ge=0)
    times: int | None = Field(default=1, ge=1)
    seconds: float = Field(default=1.0, ge=0)
    status: int = Field(default=500, ge=200, le=599)
    headers: dict[str, str] = Field(default_factory=dict)
    text: str | None = None
    after: bool = False
    limit: int = Field(default=80, ge=1)
    window: float = Field(default=60.0, gt=0)

    @field_validator("method", "path", "body")
    @classmethod
    def _pattern(cls, text: str | None) -> str | None:
        try:
            re.compile(text or "")
        except re.error as error:
            raise ValueError(f"{text!r} is no pattern: {error}") from None
        return text

    @model_validator(mode="after")
    def _defaults(self) -> Rule:
        if self.fault in LASTING:
            self.times = self.times if "times" in self.model_fields_set else None
            self.method = self.method if "method" in self.model_fields_set else _METHODS[self.fault]
        return self


class Standing:
    """A rule that is in force, and what became of it so far."""

    def __init__(self, number: int, rule: Rule) -> None:
        self.number, self.rule = number, rule
        self.matched = self.fired = 0
        self._made: defaultdict[str, deque[float]] = defaultdict(deque)  # who → when, for a creation limit

    def about(self) -> dict[str, Any]:
        """The rule with its number and how often it matched and fired."""
        return {"id": self.number, "matched": self.matched, "fired": self.fired, **self.rule.model_dump()}

    def concerns(self, method: str, path: str) -> bool:
        """Whether it may fire for such a request, its body not yet looked at."""
        spent = self.rule.times is not None and self.fired >= self.rule.times
        return not spent and bool(re.fullmatch(self.rule.method, method) and re.fullmatch(self.rule.path, path))

    def fires(self, body: bytes, who: str) -> bool:
        """Count a request that it concerns; True when this is one of those that it befalls."""
        text = body.decode(errors="replace")
        if self.rule.body is not None and not re.fullmatch(self.rule.body, text, re.DOTALL):
            return False
        self.matched += 1
        if self.matched <= self.rule.skip:
            return False
        if self.rule.fault == "creation-limit" and not self._over(who):
            return False
        self.fired += 1
        return True

    def wait(self, who: str) -> float:
        """How long until one more creation fits into the window."""
        return self._made[who][0] + self.rule.window - time.monotonic()

    def _over(self, who: str) -> bool:
        moment, made = time.monotonic(), self._made[who]
        while made and made[0] <= moment - self.rule.window:
            made.popleft()
        if len(made) >= self.rule.limit:
            return True
        made.append(moment)
        return False


class Book:
    """The rules in force, in the order they were set. Empty unless a test fills it."""

    def __init__(self) -> None:
        self.rules: list[Standing] = []
        self._numbers = itertools.count(1)

    def add(self, rule: Rule) -> Standing:
        """Put a rule in force."""
        made = Standing(next(self._numbers), rule)
        self.rules.append(made)
        return made

    def clear(self) -> None:
        """Put everything right again."""
        self.rules.clear()

    def concerning(self, method: str, path: str) -> list[Standing]:
        """The rules that may fire for such a request."""
        return [each for each in self.rules if each.concerns(method, path)]
