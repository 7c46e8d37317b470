"""Errors a caller can act on. Each says what happened, to what, and what to do next."""

from __future__ import annotations

from pydantic import ValidationError


class ShiplineError(Exception):
    """The root. ``message`` is one sentence of what happened; ``hint`` one of what to do."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class InvalidInput(ShiplineError):
    """What a person (or an agent) handed us does not fit; nothing was changed."""

    exit_code = 2


class ConfigError(ShiplineError):
    """The configuration is missing something or contradicts itself."""

    exit_code = 2


class NotFound(ShiplineError):
    """The run, issue, repository or recording that was named does not exist."""

    exit_code = 4


class IllegalTransition(ShiplineError):
    """A state may not follow the one that stands; nothing was changed."""


class Interrupted(ShiplineError):
    """A person paused or cancelled the run; work stops at the next effect."""


class Unavailable(ShiplineError):
    """A service (MongoDB, Prefect, GitHub) does not answer."""

    exit_code = 3


class OutcomeUnknown(Unavailable):
    """A request went out and its answer never came: it may have been done. Look before trying again."""


class LeaseLost(ShiplineError):
    """Another worker has taken this effect over, or may have; nothing is written under the old lease."""


class EffectFailed(ShiplineError):
    """An outside effect failed; the journal holds the failure and a retry may follow."""


class AgentError(ShiplineError):
    """An agent did not give a usable answer."""


class NoRecording(AgentError):
    """The recorded agents hold no answer for this request."""

    exit_code = 2


class GuardBlocked(ShiplineError):
    """A guard refused what an agent proposed; the hint names the finding."""


def first_problem(error: ValidationError) -> str:
    """What does not fit, in words: ``spec.title: Field required``."""
    first = error.errors()[0]
    return f"{'.'.join(str(part) for part in first['loc']) or 'the whole'}: {first['msg']}"
