"""Commands about the local stack: start it, show the demo on it, say what is missing."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Annotated

import typer

from console.out import err, out, say_json
from ledger.models import Size
from shipline.config import home, load_settings


def up(
    mongodb_port: Annotated[int | None, typer.Option(help="MongoDB's port.", min=1, max=65535)] = None,
    prefect_port: Annotated[int | None, typer.Option(help="Prefect's port.", min=1, max=65535)] = None,
    sandbox_port: Annotated[int | None, typer.Option(help="The sandbox's port.", min=1, max=65535)] = None,
    console_port: Annotated[int | None, typer.Option(help="The console's port.", min=1, max=65535)] = None,
    gateway_port: Annotated[int | None, typer.Option(help="The gateway's port.", min=1, max=65535)] = None,
) -> None:
    """Start all of it here: MongoDB, Prefect, a GitHub sandbox, worker, console, gateway. Ctrl-C ends it."""
    from deployments.run import run_until_signal

    ports = {"mongodb": mongodb_port, "prefect": prefect_port, "sandbox": sandbox_port, "console": console_port}
    ports["gateway"] = gateway_port
    raise typer.Exit(run_until_signal(_up({name: port for name, port in ports.items() if port})))


def demo(
    size: Annotated[Size, typer.Option(help="How large a tree the plan may draw.")] = Size.MEDIUM,
) -> None:
    """Deliver one recorded idea to a real release, and stop. No key, no account, no Docker.

    The thinking is replayed from a recording. Git, tests, coverage, scans, merges, the tag and the deploy are real.
    """
    from deployments.run import run_until_signal

    raise typer.Exit(run_until_signal(_demo(size, time.monotonic())))


def doctor(
    run: Annotated[str | None, typer.Option(help="Look over one run, and mend what is safe.", metavar="RUN")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="With --run: tell, and change nothing.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for a script.")] = False,
) -> None:
    """Say in one screen what is configured, reachable and missing. Exit code 1 when something needed is missing.

    With --run: what is not as it was left of that run (a dead worker, an effect without an end, GitHub changed by
    hand), what was done about it, and what you must decide. Exit code 1 when there is something to decide.
    """
    if run is not None:
        _doctor_run(run, dry_run=dry_run, json=json)
        return
    from deployments.doctor import checks

    found = asyncio.run(checks(load_settings()))
    if json:
        say_json([vars(each) for each in found])
    else:
        for each in found:
            mark = {True: "[green]✓ ok     [/green]", False: "[red]✗ missing[/red]", None: "[dim]· not set[/dim]"}[
                each.ok
            ]
            out.print(f"{mark} [bold]{each.name}[/bold]: {each.detail}", soft_wrap=True)
            if each.hint and each.ok is not True:
                out.print(f"            {each.hint}", soft_wrap=True)
    if any(each.ok is False for each in found):
        raise typer.Exit(1)


def _doctor_run(run_id: str, *, dry_run: bool, json: bool) -> None:
    from deployments.doctor import look_over

    found = asyncio.run(look_over(run_id, mend=not dry_run))
    if json:
        say_json([each.model_dump(by_alias=True) for each in found])
    for each in [] if json else found:
        where = f"{each.node}: " if each.node else ""
        out.print(f"• {where}{each.what}.", markup=False, soft_wrap=True)
        out.print(f"    done: {each.did or 'nothing'}", markup=False, soft_wrap=True)
        if each.decide:
            out.print(f"    to decide: {each.decide}", markup=False, soft_wrap=True)
    if not found and not json:
        out.print(f"{run_id}: nothing is out of order.")
    if any(each.decide for each in found):
        raise typer.Exit(1)


async def _up(ports: dict[str, int]) -> int:
    from deployments.register import register_deployments
    from deployments.stack import LocalStack

    # Whoever names a GitHub of their own needs no sandbox; the worker gets their address and token.
    theirs = os.environ.get("SHIPLINE_GITHUB_API_URL")
    parts = ("mongodb", "prefect", *(() if theirs else ("sandbox",)), "gateway", "runner", "console")
    async with LocalStack(home(), fixed_ports=True, parts=parts, ports=ports, on_progress=_progress) as stack:
        await register_deployments(stack)
        where = stack.addresses
        out.print("\n[bold]Shipline is up.[/bold] Ctrl-C ends it; state is kept.", soft_wrap=True)
        out.print(f"  Console   {where.console_url}")
        out.print(f"  API       {where.gateway_url}/docs (its token: {home() / 'gateway' / 'token'})", soft_wrap=True)
        out.print(f"  Prefect   {where.prefect_api_url.removesuffix('/api')}")
        out.print(f"  GitHub    {theirs or f'{where.github_api_url} (the sandbox; demo/tally is there)'}")
        out.print(f"  MongoDB   {where.mongodb_uri}", soft_wrap=True)
        out.print(
            "  Try       shipline doctor, shipline runs, shipline run --help" + ("" if theirs else ", shipline demo")
        )
        await stack.watch()
    return 0


async def _demo(size: Size, started: float) -> int:
    from deployments.attached import running_or_new

    out.print(
        "[bold]Shipline, the demo.[/bold] The agents' thinking is replayed from a recording; git, tests, coverage, "
        "scans, merges, the tag and the deploy are real.\n",
        soft_wrap=True,
    )
    async with running_or_new(home(), _progress) as stack:
        os.environ.update(stack.environment())
        from console.demo import run_demo

        return await run_demo(stack, size, started)


def _progress(part: str, what: str) -> None:
    err.print(f"[dim]{part:<8} {what}[/dim]")
