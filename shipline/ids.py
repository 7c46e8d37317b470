"""Identifiers: random where a person starts something, derived where a retry must find it again."""

from __future__ import annotations

import hashlib
import secrets
import time
import uuid
from datetime import UTC, datetime

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # no i, l, o, u: they are misread aloud


def new_run_id(now: datetime | None = None) -> str:
    """``r-20261123-7k3f9q``: sortable by day, short enough to say on the telephone."""
    day = (now or datetime.now(UTC)).strftime("%Y%m%d")
    return f"r-{day}-{''.join(secrets.choice(_ALPHABET) for _ in range(6))}"


def uuid7() -> str:
    """A UUID of version 7 (RFC 9562 §5.7): 48 bits of Unix milliseconds, then random bits."""
    value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | (0x7 << 76)
    value = value & ~(0x3 << 62) | (0x2 << 62)
    return str(uuid.UUID(int=value))


def digest(*parts: str) -> str:
    """Twelve hex digits that stand for ``parts``; the same parts always give the same digits."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:12]
