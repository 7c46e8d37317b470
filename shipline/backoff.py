"""How long to wait before something is tried again."""

from __future__ import annotations

import random

TRIES = 5


def pause(attempt: int) -> float:
    """Seconds to wait after the ``attempt``-th try (from 1): doubled each time, and jittered so that workers part."""
    return 0.25 * 2.0**attempt * random.uniform(0.5, 1.5)  # noqa: S311 (jitter, not a secret)
