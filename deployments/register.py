"""Telling Prefect about our flows: ``prefect.yaml``, deployed on the running stack."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from shipline.errors import Unavailable

if TYPE_CHECKING:
    from deployments.stack import LocalStack

ROOT = Path(__file__).parents[1]


async def register_deployments(stack: LocalStack) -> None:
    """Register every deployment of ``prefect.yaml``; Unavailable with the log's name when Prefect refuses."""
    child = await stack.start_child("register", [sys.executable, "-m", "deployments.register"], {})
    code = await child.wait()
    if code != 0:
        raise Unavailable(f"Prefect did not take the deployments (exit code {code}).", f"Its log is {child.log}.")


def main() -> None:
    """Become ``prefect deploy --all`` in the folder of ``prefect.yaml``, to which its entrypoints are relative."""
    os.chdir(ROOT)
    os.environ["SHIPLINE_ROOT"] = str(ROOT)
    os.execv(sys.executable, [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"])  # noqa: S606


if __name__ == "__main__":
    main()
