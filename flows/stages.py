"""The stages by name, for those who run one alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from flows.execute import execute
from flows.merge import merge
from flows.plan import plan
from flows.qa import qa
from flows.release import release
from flows.spec import spec
from shipline.errors import InvalidInput

FLOWS: dict[str, Callable[[str], Awaitable[Any]]] = {
    "spec": spec,
    "plan": plan,
    "execute": execute,
    "qa": qa,
    "merge": merge,
    "release": release,
}


def flow_of(stage: str) -> Callable[[str], Awaitable[Any]]:
    """The flow of a stage; InvalidInput names the ones there are."""
    if stage not in FLOWS:
        raise InvalidInput(f"There is no stage {stage!r}.", f"The stages are {', '.join(FLOWS)}.")
    return FLOWS[stage]
