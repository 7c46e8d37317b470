"""The chain of events as a table: each with its number, its hash, and the one that it names as the one before."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.models import Event

SHORT = 12  # characters of a hash that are shown; the export has all of them


def links(events: Sequence[Event]) -> list[dict[str, str]]:
    """A row an event, the newest first."""
    return [
        {
            "Number": str(each.seq), "When (UTC)": f"{each.ts:%Y-%m-%d %H:%M:%S}", "What": each.type.value,
            "Of": each.node_id or each.phase, "Said": each.msg, "Hash": each.hash[:SHORT],
            "Hash before": each.prev_hash[:SHORT],
        }
        for each in sorted(events, key=lambda each: -each.seq)
    ]  # fmt: skip
