"""Giving the children of a node another order. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.models import Issue, IssueStatus, IssueType
from ledger.rules.tree import Tree
from shipline.errors import IllegalTransition, InvalidInput


def reordered(tree: Tree, parent: str, order: Sequence[str]) -> list[tuple[Issue, int]]:
    """Each child with its new order index. Defects stand outside the order.

    InvalidInput when ``order`` is not the children; IllegalTransition when something would have to begin earlier than
    what it waits for, or what has begun would come after what has not.
    """
    children = {each.key: each for each in tree.children(parent) if each.type is not IssueType.DEFECT}
    if sorted(order) != sorted(children):
        names = ", ".join(children) or "none"
        raise InvalidInput(f"The order does not name each child of {parent} once.", f"Its children: {names}.")
    places = {key: place for place, key in enumerate(order)}
    for key in order:
        for needed in children[key].dependencies:
            if places.get(needed, -1) > places[key]:
                raise IllegalTransition(f"{key} waits for {needed}, which would come after it.", "Nothing was changed.")
    begun = [children[key].status is not IssueStatus.NEW for key in order]
    if begun != sorted(begun, reverse=True):
        raise IllegalTransition(
            f"What has begun under {parent} cannot come after what has not.", "Nothing was changed."
        )
    return [(children[key], place) for place, key in enumerate(order)]
