"""A run's release, deployed once more: after an environment was lost, to try it anew, or because a person says when."""

from __future__ import annotations

from prefect import flow
from prefect.runtime import flow_run

from flows.filing import file_found, settle
from tasks.deploy.again import deploy_again
from tasks.deploy.defects import defect_of, failure, settle_defects
from tasks.deploy.ports import DeployFailed


@flow(name="deploy", flow_run_name="deploy {run_id}", persist_result=False)
async def deploy(run_id: str) -> str:
    """Deploy the release of a run again and retire what runs there now; returns where it runs.

    When it does not become healthy, what ran there before runs on, and a defect is filed.

    Args:
        run_id: The run whose release is deployed, as `shipline runs` lists it.
    """
    # Prefect's retry of this flow run is the same wish; another flow run is another one.
    try:
        deployment = await deploy_again(run_id, f"asked-{str(flow_run.get_id())[-12:]}")
    except DeployFailed as error:
        await file_found(run_id, await defect_of(run_id, error.message))
        raise await failure(run_id, error.message) from error
    for key in await settle_defects(run_id):
        await settle(run_id, key)
    return str(deployment.url) if deployment else "nothing to deploy"
