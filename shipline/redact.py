"""Keep secrets out of whatever is stored or shown. Applied at the ledger's write port and in the logs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MASK = "[redacted]"

# Token shapes as their issuers publish them. ``ghs_`` tokens became long and dotted in April 2026.
_PATTERNS = (
    re.compile(r"\bgh[pousr]_[A-Za-z0-9_.\-]{20,}"),
    re.compile(r"\bgithub_pat_[A-Za-z0-9_]{20,}"),
    re.compile(r"\bnvapi-[A-Za-z0-9_\-]{20,}"),
    re.compile(r"\b(?:sk|key|crsr)_[A-Za-z0-9_\-]{24,}"),
    re.compile(r"\bAKIA[0-9A-Z]{16}\b"),
    re.compile(r"\bxox[abprs]-[A-Za-z0-9\-]{10,}"),
    re.compile(r"\beyJ[A-Za-z0-9_\-]{8,}\.eyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,}"),
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
    re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"),
    re.compile(r"(?i)(?<=authorization: )(?:bearer|basic|token)\s+\S+"),
)

_known: set[str] = set()


def remember(secret: str) -> None:
    """Mask this exact value from now on, whatever it looks like (a configured token, a webhook secret)."""
    if len(secret) >= 8:
        _known.add(secret)


def redact_text(text: str) -> str:
    """``text`` with every known secret and every secret-shaped word masked."""
    for secret in _known:
        text = text.replace(secret, MASK)
    for pattern in _PATTERNS:
        text = pattern.sub(MASK, text)
    return text


def redact(value: Any) -> Any:
    """The same for a document: strings anywhere inside mappings and lists; other values pass through."""
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, Mapping):
        return {key: redact(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [redact(item) for item in value]
    return value
