"""``shipline step``: what the workflow pack calls on a runner. A person has no need of it."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Annotated

import typer

from shipline.errors import ConfigError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
group = typer.Typer(help="What the workflow pack calls on a runner in GitHub Actions.", no_args_is_help=True)
app.add_typer(group, name="step")
Dispatch = Annotated[str, typer.Option("--dispatch", help="The dispatch that asked.")]
RunName = Annotated[str, typer.Option("--run", help="The run that waits.")]
Node = Annotated[str, typer.Option("--node", help="The node that it is for; empty for the run itself.")]
Ticket = Annotated[Path, typer.Option("--ticket", help="What `begin` wrote.")]


@group.command()
def begin(dispatch: Dispatch, out: Annotated[Path, typer.Option(help="Where the ticket goes.")]) -> None:
    """Fetch what is to be done. Needs SHIPLINE_URL and SHIPLINE_DISPATCH_SECRET."""
    from tasks.actions.requested import request_here
    from tasks.actions.there import fetch

    secret = _require("SHIPLINE_DISPATCH_SECRET")
    request_here(secret)
    ticket = asyncio.run(fetch(_require("SHIPLINE_URL"), dispatch, secret))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(ticket.model_dump_json(by_alias=True))
    with Path(os.environ.get("GITHUB_OUTPUT") or os.devnull).open("a") as outputs:
        outputs.write(f"ref={ticket.job.ref}\n")
    typer.echo(f"{ticket.event_type} for {ticket.run_id}")


@group.command()
def work(
    ticket: Ticket,
    out: Annotated[Path, typer.Option(help="The folder for the result and the log.")],
    workspace: Annotated[Path, typer.Option(help="Where the files are checked out.")] = Path(),
) -> None:
    """Do it: no secret of Shipline's is here, since what agents wrote runs now."""
    from gha import messages
    from tasks.actions.there import carry_out

    asked = messages.Ticket.model_validate_json(ticket.read_text())
    out.mkdir(parents=True, exist_ok=True)
    done = asyncio.run(carry_out(asked, _require("SHIPLINE_URL"), workspace.absolute(), out / "log.jsonl"))
    (out / "result.json").write_text(done.model_dump_json(by_alias=True))
    if done.state != "COMPLETED":
        typer.echo(f"::error::{(done.error or done.state).splitlines()[0]}")


@group.command()
def report(
    dispatch: Dispatch,
    run: RunName,
    folder: Annotated[Path, typer.Option(help="Where `work` left its result; the outcome goes there too.")],
    node: Node = "",
    ended: Annotated[str, typer.Option(help="How the work's job ended, as GitHub says it.")] = "success",
) -> None:
    """Sign what came of it. Needs SHIPLINE_DISPATCH_SECRET."""
    from gha.messages import sign
    from tasks.actions.concluding import Done, conclude

    result = folder / "result.json"
    if result.is_file():
        done = Done.model_validate_json(result.read_text())
    else:
        state = "CANCELLED" if ended == "cancelled" else "FAILED"
        done = Done(state=state, error=f"The job that was to do it ended as {ended}: {_page()}")
    folder.mkdir(parents=True, exist_ok=True)
    signed = sign(conclude(dispatch, run, node, done), _require("SHIPLINE_DISPATCH_SECRET"))
    (folder / "outcome.json").write_text(json.dumps(signed))
    typer.echo(f"{done.state}{f': {done.error}' if done.error else ''}")


@group.command()
def send(
    folder: Annotated[Path, typer.Option(help="Where `report` left the outcome.")],
    pull: Annotated[str, typer.Option(help="The pull request that may be commented on instead.")] = "",
) -> None:
    """Tell Shipline: by repository_dispatch, else by a comment. Needs GITHUB_TOKEN."""
    from tasks.actions.concluding import for_callback
    from tasks.actions.telling import tell

    outcome = json.loads((folder / "outcome.json").read_text())
    typer.echo(f"told by {tell(for_callback(outcome), token=_require('GITHUB_TOKEN'), pull=pull)}")


def _require(name: str) -> str:
    """A variable that the workflow sets; ConfigError says where it comes from."""
    found = os.environ.get(name, "")
    if not found:
        raise ConfigError(f"{name} is not set.", "The workflow pack sets it: shipline workflows install.")
    return found


def _page() -> str:
    server, repo = os.environ.get("GITHUB_SERVER_URL", ""), os.environ.get("GITHUB_REPOSITORY", "")
    return f"{server}/{repo}/actions/runs/{os.environ.get('GITHUB_RUN_ID', '')}"


@group.command()
def cancel(run: RunName) -> None:
    """Cancel the other workflow runs of a run, when Shipline asked. Needs GITHUB_TOKEN and SHIPLINE_DISPATCH_SECRET."""
    from tasks.actions.requested import request_to_cancel
    from tasks.actions.telling import cancel_others

    request = request_to_cancel(run, _require("SHIPLINE_DISPATCH_SECRET"))
    count = cancel_others(request, token=_require("GITHUB_TOKEN"), own=os.environ.get("GITHUB_RUN_ID", ""))
    typer.echo("this request came before: nothing is done" if count is None else f"{count} cancelled")
