"""What a refusal of a model's endpoint means, as a table."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic_ai.exceptions import ModelAPIError, ModelHTTPError

from shipline.errors import AgentError, ConfigError, Unavailable
from tasks.agents.refusals import LONGEST, refusal, wait_before_again, words
from tests.services import nim

OPENAI = {"error": {"message": "You exceeded your quota", "type": "insufficient_quota"}}


@pytest.mark.parametrize(
    ("status", "body", "again", "kind", "said"),
    [
        (401, nim.UNKNOWN_KEY, False, ConfigError, "does not take our key"),
        (403, OPENAI, False, ConfigError, "exceeded your quota"),
        (404, nim.GONE, False, ConfigError, "has no model M"),
        (410, "gone", False, ConfigError, "has no model M"),
        (400, nim.REFUSED, False, AgentError, "max_tokens is too large"),
        (422, {"detail": [{"msg": "bad"}]}, False, AgentError, "bad"),
        (400, nim.DEGRADED, True, Unavailable, "DEGRADED"),
        (408, None, True, Unavailable, "nothing more"),
        (429, nim.TOO_MANY, True, Unavailable, "takes no more requests"),
        (500, "<html>", True, Unavailable, "answered 500"),
        (503, {"error": "overloaded"}, True, Unavailable, "overloaded"),
    ],
)
def test_each_status(status: int, body: Any, again: bool, kind: type[Exception], said: str) -> None:
    error = ModelHTTPError(status, "M", body)
    assert (wait_before_again(error, 1) is not None) is again
    found = refusal(error, "M", "http://models/v1")
    assert type(found) is kind
    assert said in found.message
    assert found.hint


def test_a_connection_that_fails_is_tried_again() -> None:
    error = ModelAPIError("M", "Connection error.")
    assert wait_before_again(error, 1)
    assert "does not answer" in refusal(error, "M", "http://models/v1").message


def test_retry_after_is_heeded_unless_it_is_too_long() -> None:
    assert wait_before_again(ModelHTTPError(429, "M", None, headers={"Retry-After": "7"}), 1) == 7
    assert wait_before_again(ModelHTTPError(429, "M", None, headers={"Retry-After": f"{LONGEST + 1:.0f}"}), 1) is None


def test_words_are_on_one_short_line() -> None:
    assert words({"message": "a\n b."}) == "a b"
    assert len(words("x" * 1000)) == 300
