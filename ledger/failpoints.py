"""Fail points: where a test stops this process, at the moments that matter for exactly-once.

``SHIPLINE_FAILPOINT=<effect>:<moment>[:n]`` sends SIGKILL to this very process at the n-th time (the first, unless
said) that an effect of that kind (``*`` is any) has passed the moment: ``intent`` written, ``send`` about to go out,
``act`` done, ``outcome`` written. ``SHIPLINE_FAILPOINT_SIGNAL=SIGSTOP`` freezes it instead.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from enum import StrEnum

from shipline.errors import ConfigError

VARIABLE, SIGNAL = "SHIPLINE_FAILPOINT", "SHIPLINE_FAILPOINT_SIGNAL"


class Moment(StrEnum):
    """Where an effect can be stopped."""

    INTENT = "intent"
    SEND = "send"
    ACT = "act"
    OUTCOME = "outcome"


_passed: Counter[str] = Counter()


def reached(kind: str, moment: Moment) -> None:
    """Tell that an effect has come so far; does not return when a fail point is set here."""
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        return
    effect, at, number = parse(wanted)
    if at is not moment or effect not in ("*", kind):
        return
    _passed[wanted] += 1
    if _passed[wanted] == number:
        os.kill(os.getpid(), signal.Signals[os.environ.get(SIGNAL, "SIGKILL")])


def parse(text: str) -> tuple[str, Moment, int]:
    """Effect, moment and number of a fail point as it is written in the environment; ConfigError when it is none."""
    effect, _, rest = text.partition(":")
    moment, _, number = rest.partition(":")
    if not effect or moment not in list(Moment) or not (number or "1").isdecimal():
        raise ConfigError(
            f"{VARIABLE}={text} is no fail point.", f"Write <effect>:<{'|'.join(Moment)}>[:n], such as pull.merge:act."
        )
    return effect, Moment(moment), int(number or 1)
