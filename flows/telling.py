"""How a flow's end becomes the run's end: every way out is written into the ledger, in words."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from ledger.models import Outcome
from shipline.errors import Interrupted, ShiplineError
from tasks.state import finish


async def until_it_ends(run_id: str, road: Coroutine[Any, Any, Outcome]) -> Outcome:
    """Follow ``road`` and write its outcome. A failure is written with its sentence and then raised, so that Prefect
    shows it too; a person's interrupt leaves the run where it is.
    """
    try:
        outcome = await road
    except Interrupted:
        raise
    except ShiplineError as error:
        await finish(run_id, Outcome.FAILED, str(error))
        raise
    except Exception as error:  # a defect of ours: the ledger says so, the traceback is in Prefect's log
        await finish(run_id, Outcome.FAILED, f"{type(error).__name__}: {error}")
        raise
    await finish(run_id, outcome)
    return outcome
