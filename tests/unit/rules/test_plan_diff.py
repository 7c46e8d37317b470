"""What a person approves again when a plan has changed."""

from __future__ import annotations

from hypothesis import given, settings

from ledger.models import Plan
from ledger.rules.plan import plan_diff
from tests.unit.rules.helpers import node, plan_of, plans


def test_added_removed_and_changed_nodes() -> None:
    old = plan_of(node("a", title="Model"), node("b", title="Old\nway"), node("c", estimate_minutes=4))
    new = plan_of(
        node("a", title="Models", dependencies=["c", "d"]), node("c", parent="a", estimate_minutes=5.5, files=["x.py"]),
        node("d", title="New way"),
    )  # fmt: skip
    assert plan_diff(old, new) == [
        "~ a title: Model → Models",
        "~ a dependencies: none → c, d",
        "~ c parent: epic → a",
        "~ c files: none → x.py",
        "~ c estimate_minutes: 4 → 5.5",
        "+ d New way",
        r"- b Old\nway",
    ]


def test_zero_is_a_number_and_empty_is_none() -> None:
    old, new = plan_of(node("a", order_index=1)), plan_of(node("a", body="Why.\n", estimate_usd=0.25))
    assert plan_diff(old, new) == [
        "~ a body: none → Why.", "~ a order_index: 1 → 0", "~ a estimate_usd: 0 → 0.25",
    ]  # fmt: skip


def test_long_texts_are_cut_around_their_first_difference() -> None:
    same = "The budget of a month is kept in a file beside the book. " * 3
    old, new = plan_of(node("a", body=f"{same}Red." + "x" * 99)), plan_of(node("a", body=f"{same}Blue."))
    (line,) = plan_diff(old, new)
    assert line.startswith("~ a body: …the book. Red.xxx")
    assert line.endswith("x… → …the book. Blue.")
    assert len(line) < 200


def test_a_line_break_alone_shows() -> None:
    old, new = plan_of(node("a", body="one two")), plan_of(node("a", body="one\ntwo"))
    assert plan_diff(old, new) == [r"~ a body: one two → one\ntwo"]


@settings(max_examples=30, deadline=None)
@given(plans(), plans())
def test_a_diff_is_empty_for_equals_and_mirrored_the_other_way(one: Plan, other: Plan) -> None:
    assert plan_diff(one, one) == []
    there, back = plan_diff(one, other), plan_diff(other, one)
    assert all("\n" not in line for line in there)
    assert {line[1:] for line in there if line[0] == "+"} == {line[1:] for line in back if line[0] == "-"}
    assert sum(line[0] == "~" for line in there) == sum(line[0] == "~" for line in back)
