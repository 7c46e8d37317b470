"""How a flow's end becomes the run's end: every way out is written into the ledger, in words."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from ledger.interrupts import words
from ledger.models import Outcome
from shipline.errors import Interrupted, ShiplineError
from tasks.state import finish, get_run


async def until_it_ends(run_id: str, road: Coroutine[Any, Any, Outcome]) -> Outcome:
    """Follow ``road`` and write its outcome. A failure is written with its sentence and then raised, so that Prefect
    shows it too; a person's interrupt leaves the run where it is, and so does the end of the process.
    """
    try:
        outcome = await road
    except Interrupted:
        raise
    except ShiplineError as error:
        await _fail(run_id, str(error), error)
        raise
    except Exception as error:  # a defect of ours: the ledger says so, the traceback is in Prefect's log
        await _fail(run_id, f"{type(error).__name__}: {error}", error)
        raise
    await finish(run_id, outcome)
    return outcome


async def _fail(run_id: str, sentence: str, error: Exception) -> None:
    run = await get_run(run_id)
    if run.interrupt.cancelled:  # what fails because the run was ended under it is no failure of the run
        raise Interrupted(f"{words(run)}.") from error
    await finish(run_id, Outcome.FAILED, sentence)
