"""Which copies of one marker are too many."""

from __future__ import annotations

from ledger.rules.surplus import Marked, surplus


def test_only_what_the_same_author_made_twice_is_surplus() -> None:
    ours, second, copy = Marked(3, "bot"), Marked(9, "bot"), Marked(11, "ann")
    assert surplus([ours, second, copy], 3) == [second]
    assert surplus([ours, second, copy], None) == []  # an effect may be under way
    assert surplus([second, copy], 3) == []  # what the ledger knows is not there
