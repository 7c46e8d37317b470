"""A run's release, deployed once more: after an environment was lost, or to try it anew."""

from __future__ import annotations

from prefect import flow
from prefect.runtime import flow_run

from tasks.deploy.again import deploy_again


@flow(name="deploy", flow_run_name="deploy {run_id}", persist_result=False)
async def deploy(run_id: str) -> str:
    """Deploy the release of a run again and retire what runs there now; returns where it runs.

    Args:
        run_id: The run whose release is deployed, as `shipline runs` lists it.
    """
    # Prefect's retry of this flow run is the same wish; another flow run is another one.
    deployment = await deploy_again(run_id, f"asked-{str(flow_run.get_id())[-12:]}")
    return str(deployment.url) if deployment else "nothing to deploy"
