"""Trees to measure with, and the virtual clock on which they are played."""

from __future__ import annotations

import random

import pytest

from benchmarks.makespan import one, play, queue
from benchmarks.trees import layered, regular, tree_of
from ledger.models import IssueType, Plan, PlanNode
from ledger.rules.shape import check_shape
from ledger.rules.steps import next_steps


def plan_of(*minutes: tuple[str, float, list[str]]) -> Plan:
    """A feature each for the leaves that share a letter: key, minutes, and what each waits for."""
    nodes = [PlanNode(key="epic", type=IssueType.EPIC, title="Epic")]
    letters = dict.fromkeys(key[0] for key, _, _ in minutes)
    nodes += [PlanNode(key=letter, type=IssueType.FEATURE, title=letter, parent="epic") for letter in letters]
    for key, estimate, waits in minutes:
        nodes.append(
            PlanNode(
                key=key, type=IssueType.TASK, title=key, parent=key[0], estimate_minutes=estimate, dependencies=waits
            )
        )  # fmt: skip
    return Plan(nodes=nodes)


@pytest.mark.parametrize("seed", range(5))
def test_a_layered_tree_can_be_worked_off_and_the_same_seed_gives_the_same(seed: int) -> None:
    plan = layered(random.Random(seed))
    assert check_shape(plan) == []
    assert 20 <= sum(node.type is IssueType.TASK for node in plan.nodes) <= 200
    assert plan == layered(random.Random(seed))


@pytest.mark.parametrize("leaves", [1, 10, 25])
def test_a_regular_tree_has_so_many_leaves_and_no_empty_feature(leaves: int) -> None:
    plan = regular(leaves)
    assert check_shape(plan) == []
    assert len(tree_of(plan).leaves()) == leaves


def test_one_worker_takes_the_sum_and_a_chain_its_length() -> None:
    chain = plan_of(("a1", 3, []), ("b1", 4, ["a1"]), ("c1", 5, ["b1"]))
    assert play(chain, 1, next_steps) == play(chain, 8, next_steps) == 12
    assert one(chain, 8).least == 12


def test_the_longest_remaining_path_goes_first_and_the_queue_does_not_know_it() -> None:
    # Two workers: a queue starts both short ones and only then the chain of 1 + 9 minutes.
    plan = plan_of(("a1", 4, []), ("a2", 4, []), ("b1", 1, []), ("b2", 9, ["b1"]))
    assert play(plan, 2, next_steps) == 10
    assert play(plan, 2, queue()) == 14
    assert one(plan, 2).least == 10


@pytest.mark.parametrize("seed", range(3))
def test_no_schedule_is_shorter_than_the_least_nor_longer_than_grahams_bound(seed: int) -> None:
    dice = random.Random(seed)
    played = one(layered(dice), dice.randint(2, 8))
    for end in (played.ours, played.fifo):
        assert played.least <= end <= played.graham * played.least
