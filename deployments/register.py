"""Telling Prefect about our flows: ``prefect.yaml``, deployed on the running stack, anew when it has changed."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from shipline.config import load_settings
from shipline.errors import Unavailable
from shipline.ids import digest
from tasks.prefect_api import prefect

if TYPE_CHECKING:
    from deployments.stack import LocalStack

ROOT = Path(__file__).parents[1]


# Kept on the server, so that it goes when the server's database goes.
REGISTERED = "shipline_registered"


async def register_deployments(stack: LocalStack) -> None:
    """Register every deployment of ``prefect.yaml``; Unavailable with the log's name when Prefect refuses.

    What is registered as it is now is left alone: that costs seconds, and undoes what a person set in Prefect.
    """
    wanted = _as_it_is()
    ours = load_settings().model_copy(update={"prefect_api_url": stack.addresses.prefect_api_url})
    async with prefect(ours) as server:
        names = await server.deployment_names()
        if await server.variable(REGISTERED) != wanted or not _names() <= names:
            await _deploy(stack)
            await server.keep_variable(REGISTERED, wanted)


async def _deploy(stack: LocalStack) -> None:
    child = await stack.start_child("register", [sys.executable, "-m", "deployments.register"], {})
    code = await child.wait()
    if code != 0:
        raise Unavailable(f"Prefect did not take the deployments (exit code {code}).", f"Its log is {child.log}.")


def _names() -> set[str]:
    return {str(each["name"]) for each in yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]}


def _as_it_is() -> str:
    """Stands for all that registering depends on: the file, the flows' parameters, where they lie, Prefect itself."""
    sources = [ROOT / "prefect.yaml", *sorted((ROOT / "flows").glob("*.py"))]
    return digest(str(ROOT), version("prefect"), *(each.read_text() for each in sources))


def main() -> None:
    """Become ``prefect deploy --all`` in the folder of ``prefect.yaml``, to which its entrypoints are relative."""
    os.chdir(ROOT)
    os.environ["SHIPLINE_ROOT"] = str(ROOT)
    os.execv(sys.executable, [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"])  # noqa: S606


if __name__ == "__main__":
    main()
