"""Back to an earlier release than the one that runs."""

from __future__ import annotations

from prefect import flow

from tasks.deploy.again import roll_back


@flow(name="rollback", flow_run_name="rollback {run_id}", persist_result=False)
async def rollback(run_id: str, to: str = "") -> str:
    """Deploy an earlier release where this run was deployed, and retire the one that runs there.

    Args:
        run_id: Any run of the project; its settings name the environment.
        to: The version to go back to; the one that was deployed before, unless given.
    """
    deployment = await roll_back(run_id, to)
    return f"v{deployment.version} at {deployment.url}" if deployment else "nothing to deploy"
