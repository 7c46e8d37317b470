"""A Prefect task as we use it: one step a person would want to see and retry. The ledger is the only memory."""

from __future__ import annotations

from functools import partial

from prefect import task
from prefect.cache_policies import NO_CACHE

# The default cache key is the inputs, so that a second call with the same ids would not run at all.
step = partial(task, cache_policy=NO_CACHE, persist_result=False, tags=["shipline"])
