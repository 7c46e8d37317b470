"""Plans to measure with: layered random trees, and regular ones of any size."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, datetime

from ledger.models import Issue, IssueType, Plan, PlanNode, issue_id
from ledger.rules.tree import Tree

AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LEAVES = (20, 200)
ESTIMATES = (1, 30)  # minutes
BRANCHES = 10  # leaves a feature


def layered(dice: random.Random) -> Plan:
    """A random plan in layers, 20 to 200 leaves, no declared files.

    Leaves fall into 2 to √n·2 layers at random, each but those of the first depends on one to three leaves of the layer
    before. They are dealt out to features of about ten. In half of the features the layer is the order index too, so
    that siblings of a lower layer hold those of a higher one; in the others siblings share one index.
    """
    count = dice.randint(*LEAVES)
    layers = dice.randint(2, max(2, round(2 * count**0.5)))
    features = [f"f{number:02}" for number in range(max(1, count // BRANCHES))]
    in_turn = {feature: dice.random() < 0.5 for feature in features}
    # Sorted, so that keys rise with the layers: siblings of one index merge by key.
    places = sorted(dice.randrange(layers) for _ in range(count))
    keys = [f"t{number:03}" for number in range(count)]
    homes = features + [dice.choice(features) for _ in range(count - len(features))]  # none stays empty
    dice.shuffle(homes)
    nodes = [_node("epic", None, IssueType.EPIC), *(_node(each, "epic", IssueType.FEATURE) for each in features)]
    before: list[str] = []
    for layer in sorted(set(places)):
        here = [number for number in range(count) if places[number] == layer]
        for number in here:
            chosen = dice.sample(before, min(len(before), dice.randint(1, 3)))
            nodes.append(
                _node(
                    keys[number], homes[number], IssueType.TASK,
                    order_index=layer if in_turn[homes[number]] else 0,
                    dependencies=sorted(chosen),
                    estimate_minutes=dice.randint(*ESTIMATES),
                )
            )  # fmt: skip
        before = [keys[number] for number in here]
    return Plan(nodes=nodes)


def regular(leaves: int, branches: int = BRANCHES) -> Plan:
    """An epic, features of ``branches`` leaves, all side by side: the same shape at every size."""
    features = [f"f{number:04}" for number in range(-(-leaves // branches))]
    nodes = [_node("epic", None, IssueType.EPIC), *(_node(each, "epic", IssueType.FEATURE) for each in features)]
    nodes += [
        _node(f"t{number:05}", features[number // branches], IssueType.TASK, files=[f"notes/t{number:05}.txt"])
        for number in range(leaves)
    ]
    return Plan(nodes=nodes)


def _node(key: str, parent: str | None, kind: IssueType, **fields: object) -> PlanNode:
    told = {"key": key, "parent": parent, "type": kind, "title": f"Work on {key}", "body": f"What {key} is about."}
    return PlanNode.model_validate({**told, "acceptance_criteria": [f"{key} works"], **fields})


def issues_of(nodes: Iterable[PlanNode], run_id: str = "run") -> list[Issue]:
    """The issues of a plan nobody has begun, without a store."""
    shared = {"run_id": run_id, "project_id": "project", "repo": "org/repo", "created_at": AT, "updated_at": AT}
    return [
        Issue.model_validate(
            {"id": issue_id(run_id, node.key), **shared, **node.model_dump(exclude={"estimate_usd"})}
        )
        for node in nodes
    ]  # fmt: skip


def tree_of(plan: Plan) -> Tree:
    """The tree of a plan nobody has begun."""
    return Tree.of(issues_of(plan.nodes))
