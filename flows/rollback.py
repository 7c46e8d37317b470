"""Back to the release before the one that runs."""

from __future__ import annotations

from prefect import flow

from tasks.deploy.again import roll_back


@flow(name="rollback", flow_run_name="rollback {run_id}", persist_result=False)
async def rollback(run_id: str) -> str:
    """Deploy the release before the one that runs where this run was deployed, and retire that one.

    Args:
        run_id: Any run of the project; its settings name the environment.
    """
    deployment = await roll_back(run_id)
    return f"v{deployment.version} at {deployment.url}" if deployment else "nothing to deploy"
