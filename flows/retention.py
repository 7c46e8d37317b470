"""Retention: old logs, work folders, environments, releases and events go; what stays still verifies."""

from __future__ import annotations

from prefect import flow, get_run_logger
from prefect.artifacts import acreate_table_artifact

from tasks.reconcile.retention import remove_old


@flow(name="retention", flow_run_name="retention", persist_result=False)
async def retention(logs_days: float | None = None, events_days: float | None = None) -> dict[str, int]:
    """Remove what is old and not in use; returns how many of what.

    Args:
        logs_days: Age from which logs and folders go; SHIPLINE_KEEP_LOGS_DAYS unless given.
        events_days: Age from which events of runs that have ended go; SHIPLINE_KEEP_EVENTS_DAYS unless given.
    """
    done = await remove_old(logs_days=logs_days, events_days=events_days)
    for run_id, why in done.left.items():
        get_run_logger().warning("%s: %s", run_id, why)
    rows = [
        *({"removed": "log", "what": each} for each in done.logs),
        *({"removed": "folder", "what": each} for each in done.folders),
        *({"removed": f"{count} events", "what": run_id} for run_id, count in done.events.items()),
        *(
            [{"removed": f"{done.deliveries} webhooks", "what": "what came of them is in their runs"}]
            * bool(done.deliveries)
        ),
        *({"removed": "nothing", "what": f"{run_id}: {why}"} for run_id, why in done.left.items()),
    ]
    await acreate_table_artifact(rows or [{"removed": "nothing", "what": "nothing is old"}], key="retention")
    counts = {"logs": len(done.logs), "folders": len(done.folders), "events": sum(done.events.values())}
    return {**counts, "deliveries": done.deliveries}
