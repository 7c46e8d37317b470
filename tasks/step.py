"""A Prefect task as we use it: one step a person would want to see and retry. The ledger is the only memory."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar, cast

from prefect import task
from prefect.cache_policies import NO_CACHE

P = ParamSpec("P")
R = TypeVar("R")
Steps = Callable[P, Coroutine[Any, Any, R]]


def step(*, name: str, task_run_name: str) -> Callable[[Steps[P, R]], Steps[P, R]]:
    """Make an async function a Prefect task, without cache and without a stored result.

    Prefect's default cache key is the inputs, so that a second call with the same ids would not run at all. Tags are
    on the flow run, not here: Prefect asks its server for a concurrency slot for each tag of each task run.
    """

    def decorate(function: Steps[P, R]) -> Steps[P, R]:
        decorator = task(name=name, task_run_name=task_run_name, cache_policy=NO_CACHE, persist_result=False)
        return cast(Steps[P, R], decorator(function))

    return decorate
