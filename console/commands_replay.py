"""Commands about recordings: make one of a run, and run one again with no agent asked."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from console.ledger import open_ledger
from console.out import err, out, say_json
from shipline.config import home, load_settings

Json = Annotated[bool, typer.Option("--json", help="Print one line of JSON for a script.")]


def record(
    run_id: Annotated[str, typer.Argument(help="The run, as `shipline runs` lists it.", metavar="RUN")],
    to: Annotated[
        Path | None, typer.Option(help="The folder for the recording (default: recordings/ in the home folder).")
    ] = None,
    name: Annotated[str | None, typer.Option(help="The recording's name (default: the run's id).")] = None,
    stamp: Annotated[
        Path | None,
        typer.Option(help="Make no recording: note in this one, written by hand, what the run asked its answers."),
    ] = None,
    json: Json = False,
) -> None:
    """Turn a run that has ended into a recording: every answer, the files it began with, and what it ended in.

    Nothing is written over. A run that did not succeed is recorded too; what is missing is said.
    """
    if stamp is not None:
        _say_stamped(stamp, asyncio.run(_stamp(run_id, stamp)), json)
        return
    target = (to or home() / "recordings") / (name or run_id)
    header = asyncio.run(_record(run_id, target))
    if json:
        say_json({"run": run_id, "recording": str(target), "missing": header["missing"]})
        return
    out.print(f"{header['about']} It is in {target}", soft_wrap=True, markup=False)
    for each in header["missing"]:
        out.print(Text(f"  Missing: {each}", "yellow"), soft_wrap=True)
    out.print(f"Run it again with no agent asked: shipline replay {target}", soft_wrap=True, markup=False)


def replay(
    what: Annotated[str, typer.Argument(help="A run, or the folder of a recording.", metavar="RUN|FOLDER")],
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail where a request, or the files it is about, differ from the recorded.")
    ] = False,
    json: Json = False,
) -> None:
    """Run a recording again with no agent asked, in a fresh repository of the running stack's sandbox, and compare.

    Prints `equal`, or what differs: statuses, rounds, and the trees of every merge and of the release. Exit code 1
    when something does.
    """
    from console.replay import replay as run_again
    from deployments.run import run_until_signal

    async def both() -> int:
        compared = await run_again(home(), what, strict=strict, quiet=json)
        equal = not compared.differences
        if json:
            say_json(
                {
                    "equal": equal,
                    "recording": compared.recording,
                    "run": compared.run.id,
                    "repository": compared.run.repo,
                    "outcome": compared.run.outcome,
                    "trees": compared.trees,
                    "differences": [each.model_dump() for each in compared.differences],
                    "seconds": round(compared.seconds, 1),
                }
            )
        elif equal:
            out.print(f"equal: {compared.trees} trees, every status and every round, in {compared.seconds:.0f} s")
        else:
            for each in compared.differences:
                out.print(Text(f"differs: {each}"), soft_wrap=True)
            if compared.run.error:
                err.print(Text(compared.run.error, "red"), soft_wrap=True)
        return 0 if equal else 1

    raise typer.Exit(run_until_signal(both()))


def _say_stamped(folder: Path, places: list[str], json: bool) -> None:
    if json:
        say_json({"recording": str(folder), "stamped": places})
    else:
        out.print(f"{len(places)} answers of {folder} say what they were asked.", soft_wrap=True, markup=False)


async def _record(run_id: str, target: Path) -> dict[str, Any]:
    from tasks.agents.recorder import record as write

    async with open_ledger() as store:
        made = await write(store, load_settings(), run_id, target)
    return made.header.model_dump(mode="json")


async def _stamp(run_id: str, folder: Path) -> list[str]:
    from tasks.agents.asked import stamp

    async with open_ledger() as store:
        return await stamp(store, run_id, folder)
