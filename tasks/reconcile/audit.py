"""The audit: every chain that grew since the last one is verified, once a week all of them."""

from __future__ import annotations

from typing import Any

from ledger.models import Audit, EventType, Level, Run, now
from ledger.store import Store
from ledger.timeline import append, event, verify
from shipline.errors import ShiplineError
from shipline.ids import digest, uuid7

SUNDAY = 6


class AuditFailed(ShiplineError):
    """A run's chain is not whole; the message names the run."""


def is_whole_week() -> bool:
    """Whether today's audit is the one that looks at everything."""
    return now().weekday() == SUNDAY


async def audit_runs(store: Store, *, everything: bool) -> Audit:
    """Verify the runs whose chain is not as the last audit left it, or all; writes the audit and returns it."""
    grown: dict[str, Any] = {"$expr": {"$ne": ["$chain.seq", "$audited.seq"]}}
    count, problems = 0, {}
    runs = await store.find(Run, {} if everything else grown, [("created_at", 1)])
    for run in runs:
        events, wrong = await verify(store, run.id)
        count += events
        if wrong:
            problems[run.id] = wrong
            await _tell(store, run, wrong)
        else:
            head = run.chain.model_dump(by_alias=True)
            await store.collection(Run).update_one({"_id": run.id}, {"$set": {"audited": head}})
    done = Audit(id=uuid7(), everything=everything, runs=len(runs), events=count, problems=problems)
    await store.insert(done)
    return done


def require_whole(audit: Audit) -> None:
    """Raise AuditFailed, naming the first run whose chain is not whole and how many there are."""
    if not audit.problems:
        return
    run_id, wrong = next(iter(audit.problems.items()))
    more = f" (and {len(audit.problems) - 1} more runs)" if len(audit.problems) > 1 else ""
    raise AuditFailed(
        f"The chain of {run_id} is not whole: {wrong[0]}{more}.",
        f"See `shipline audit verify {run_id}`; restore the events from a backup, or find out who altered them.",
    )


async def _tell(store: Store, run: Run, wrong: list[str]) -> None:
    told = event(
        EventType.STEP_FAILED, run.state, f"Audit: the chain is not whole: {'; '.join(wrong)}", level=Level.ERROR,
        event_id=f"{run.id}:audit:{digest(*wrong)}",
    )  # fmt: skip
    await append(store, run.id, told)
