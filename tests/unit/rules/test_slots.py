"""Who gets a free slot."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta

import pytest

from ledger.models import IssueStatus, IssueType, Slot
from ledger.rules.slots import grants, still_due
from tests.unit.rules.helpers import AT, issue

SEED = 20261123


def _slot(number: int, group: str, *, held: bool = False, limit: int = 99, counts: bool = True, key: str = "") -> Slot:
    since = AT + timedelta(seconds=number)
    return Slot(
        id=f"s{number}", key=key or f"{group}/{number}", group=group, owner="o", limit=limit, counts=counts, held=held,
        since=since, until=since,
    )  # fmt: skip


def test_a_run_with_two_leaves_gets_them_beside_one_with_a_hundred() -> None:
    many = [_slot(number, "big") for number in range(100)]
    few = [_slot(200, "small"), _slot(201, "small")]
    assert Counter(each.group for each in grants([*many, *few], 8)) == {"big": 6, "small": 2}


def test_the_next_slot_that_comes_free_goes_to_who_holds_fewer() -> None:
    held = [_slot(number, "big", held=True) for number in range(7)]
    waiting = [_slot(number, "big") for number in range(10, 20)]
    late = _slot(99, "small")
    assert grants([*held, *waiting, late], 8) == [late]


def test_of_equals_the_one_that_waited_longest_is_first() -> None:
    assert [each.group for each in grants([_slot(3, "c"), _slot(1, "a"), _slot(2, "b")], 2)] == ["a", "b"]


def test_nobody_holds_more_than_its_own_limit() -> None:
    slots = [_slot(1, "a", held=True, limit=2), _slot(2, "a", limit=2), _slot(3, "a", limit=2)]
    assert [each.id for each in grants(slots, 8)] == ["s2"]


def test_a_key_is_held_once_and_costs_nobody_else_a_slot() -> None:
    held = _slot(1, "a", held=True, key="a/x")
    same, other = _slot(2, "a", key="a/x"), _slot(3, "b")
    assert grants([held, same, other], 2) == [other]
    assert len(grants([_slot(5, "a", key="k"), _slot(6, "b", key="k")], 9)) == 1


def test_what_does_not_count_waits_for_its_key_only() -> None:
    landing = _slot(9, "a", counts=False)
    assert grants([_slot(1, "a", held=True), landing], 1) == [landing]
    assert grants([_slot(1, "a", held=True, key=landing.key), landing], 9) == []


@pytest.mark.parametrize("seed", range(SEED, SEED + 40))
def test_every_wish_is_met_within_limits_and_nobody_falls_behind(seed: int) -> None:
    chance = random.Random(seed)
    total, limits = chance.randint(1, 8), {f"g{number}": chance.randint(1, 6) for number in range(chance.randint(1, 5))}
    slots = [
        _slot(number, group, limit=limits[group])
        for number, group in enumerate(chance.choices(list(limits), k=chance.randint(1, 60)))
    ]
    table, served = list(slots), 0
    while table:
        granted = grants(table, total)
        table = [each.model_copy(update={"held": True}) if each in granted else each for each in table]
        held = Counter(each.group for each in table if each.held)
        waiting = {each.group for each in table if not each.held}
        assert sum(held.values()) <= total
        assert all(count <= limits[group] for group, count in held.items())
        free = total - sum(held.values())
        for group in waiting:
            assert free == 0 or held[group] == limits[group], "a slot is idle that somebody wants"
            if held[group] < limits[group]:
                got = Counter(each.group for each in granted)
                # Nobody was given a slot while another that wanted one held fewer.
                assert all(held[other] <= held[group] + 1 for other in got)
        done = chance.choice([each for each in table if each.held])
        table.remove(done)
        served += 1
    assert served == len(slots)


def test_a_step_that_another_worker_has_done_is_not_due() -> None:
    assert still_due(issue("x"), "build")
    assert not still_due(issue("x", status=IssueStatus.DONE), "build")
    assert not still_due(issue("x", status=IssueStatus.QA, merged_sha="m"), "land")
    assert not still_due(issue("x", failure="no"), "build")
    passed = issue("x", status=IssueStatus.QA, head="h", tested_head="h")
    assert not still_due(passed, "build")
    assert still_due(passed, "land")
    moved = passed.model_copy(update={"tested_head": None})
    assert still_due(moved, "build")
    assert not still_due(moved, "land")
    assert still_due(issue("f", kind=IssueType.FEATURE), "land")
