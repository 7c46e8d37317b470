"""What QA said of a node, for a person, a script, or a tool that reads SARIF."""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from typing import Annotated

import typer

from console.commands_runs import Json, RunId
from console.ledger import open_ledger
from console.out import out, say_json
from console.view.evidence import checks as rows
from console.view.evidence import findings
from ledger import queries
from ledger.models import CheckReport
from shipline.errors import NotFound


def checks(
    run_id: RunId,
    key: Annotated[str, typer.Argument(help="The node, as `shipline show` names it.", metavar="NODE")],
    sarif: Annotated[bool, typer.Option("--sarif", help="Print the findings as SARIF 2.1.0.")] = False,
    json: Json = False,
) -> None:
    """Show what the checks of a node said last, and all that they found."""
    reports = asyncio.run(_reports(run_id, key))
    if sarif:
        from tasks.quality.sarif import to_sarif

        say_json(to_sarif(reports, version("shipline")))
    elif json:
        say_json([each.model_dump(mode="json", by_alias=True) for each in reports])
    else:
        for each in rows(reports):
            out.print(f"{each['Check']:<20} {each['Verdict']:<9} {each['Said']}", markup=False, soft_wrap=True)
        for each in findings(reports):
            out.print(f"\n{each['Severity']} {each['What']} {each['Where']}", markup=False, soft_wrap=True)
            out.print(each["Evidence"], markup=False, soft_wrap=True)


async def _reports(run_id: str, key: str) -> list[CheckReport]:
    async with open_ledger() as store:
        done = await queries.checks_of(store, run_id, key)
    newest = next((each.outcome for each in done if each.outcome), None)
    if newest is None:
        raise NotFound(f"{key} of run {run_id} was not checked yet.", "`shipline show` lists the run's nodes.")
    return [CheckReport.model_validate(each) for each in newest["reports"]]
