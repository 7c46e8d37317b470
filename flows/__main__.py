"""``python -m flows RUN``: deliver one run in this process, as a worker would. The log goes to the home folder."""

from __future__ import annotations

import argparse
import logging
import sys

from flows import continue_now
from ledger.models import Outcome
from shipline.config import load_settings
from shipline.errors import ShiplineError
from shipline.logs import log_to_file


def main() -> int:
    """Deliver the run that the command line names; 0 when it succeeded (or was planned), else 1."""
    parser = argparse.ArgumentParser(prog="python -m flows", description="Deliver one run in this process.")
    parser.add_argument("run", help="the run's id")
    parser.add_argument("--dry-run", action="store_true", help="stop after the plan")
    asked = parser.parse_args()
    log_to_file(load_settings().home / "logs" / "runner.jsonl")
    try:
        run = continue_now(asked.run, dry_run=asked.dry_run)
    except ShiplineError as error:
        logging.getLogger("flows").exception("The run could not go on", extra={"runId": asked.run})
        print(f"Error: {error}", file=sys.stderr)  # noqa: T201 (the one thing this program says)
        return error.exit_code
    return 0 if run.outcome in (Outcome.SUCCEEDED, Outcome.PLANNED) else 1


if __name__ == "__main__":
    sys.exit(main())
