"""Identifiers."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime

from shipline.ids import digest, new_run_id, uuid7


def test_a_run_id_says_its_day_and_is_its_own() -> None:
    made = {new_run_id(datetime(2026, 11, 23, tzinfo=UTC)) for _ in range(200)}
    assert len(made) == 200
    assert all(re.fullmatch(r"r-20261123-[0-9a-hj-km-np-tv-z]{6}", each) for each in made)


def test_uuid7_has_its_version_and_sorts_by_time() -> None:
    first, second = uuid.UUID(uuid7()), uuid.UUID(uuid7())
    assert first.version == second.version == 7
    assert first.variant == uuid.RFC_4122
    assert abs((first.int >> 80) - (second.int >> 80)) < 1000


def test_a_digest_depends_on_where_its_parts_end() -> None:
    assert digest("ab", "c") == digest("ab", "c")
    assert digest("ab", "c") != digest("a", "bc")
