"""Reconcile: what was left behind, or changed by hand, is mended where that is safe and told where it is not."""

from __future__ import annotations

from prefect import flow, get_run_logger
from prefect.artifacts import acreate_table_artifact

from tasks.reconcile.noticed import Noticed
from tasks.reconcile.whole import reconcile_all, reconcile_run

ALL = "all"


@flow(name="reconcile", flow_run_name="reconcile {only}", persist_result=False)
async def reconcile(only: str = ALL, dry_run: bool = False) -> int:
    """Look over the runs that have not ended or ended within a day; returns how many things were noticed.

    Args:
        only: One run's id, or `all`.
        dry_run: Tell, and change nothing.
    """
    found = await (reconcile_all(mend=not dry_run) if only == ALL else reconcile_run(only, mend=not dry_run))
    log = get_run_logger()
    for each in found:
        log.warning("%s: %s", each.run_id, each)
    if found:
        await acreate_table_artifact([_row(each) for each in found], key="reconcile", description="What was noticed")
    return len(found)


def _row(each: Noticed) -> dict[str, str]:
    return {
        "run": each.run_id,
        "node": each.node or "",
        "noticed": each.what,
        "done": each.did,
        "to decide": each.decide,
    }
