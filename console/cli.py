"""``shipline``: everything a person can do from a terminal. Importing it imports neither Prefect nor GitHub."""

from __future__ import annotations

from typing import Annotated

import typer

from console import (
    commands_admin,
    commands_app,
    commands_budget,
    commands_checks,
    commands_control,
    commands_gates,
    commands_release,
    commands_replay,
    commands_runs,
    commands_stack,
    commands_step,
    commands_workflows,
)

app = typer.Typer(
    name="shipline",
    help="From an idea to a released change. `shipline demo` shows the whole way on this machine, with no key.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
audit = typer.Typer(help="The chain of events that proves what happened.", no_args_is_help=True)
app.add_typer(audit, name="audit")
github_app = typer.Typer(help="The GitHub App as which Shipline works.", no_args_is_help=True)
app.add_typer(github_app, name="app")
workflows = typer.Typer(help="GitHub Actions as the place where steps run.", no_args_is_help=True)
app.add_typer(workflows, name="workflows")
app.add_typer(commands_step.group, name="step", hidden=True)

app.command()(commands_stack.up)
app.command()(commands_stack.demo)
app.command()(commands_runs.run)
app.command()(commands_runs.resume)
app.command()(commands_gates.approve)
app.command()(commands_gates.gates)
app.command()(commands_control.pause)
app.command()(commands_control.cancel)
app.command()(commands_control.retry)
app.command()(commands_control.allow)
app.command()(commands_control.advance)
app.command()(commands_control.pause_all)
app.command()(commands_control.resume_all)
app.command()(commands_budget.budget)
app.command()(commands_admin.settings)
app.command()(commands_admin.agents)
app.command()(commands_admin.onboarding)
app.command()(commands_admin.merge)
app.command()(commands_release.release)
app.command()(commands_admin.deploy)
app.command()(commands_admin.rollback)
app.command()(commands_runs.runs)
app.command()(commands_runs.show)
app.command()(commands_runs.logs)
app.command()(commands_checks.checks)
app.command()(commands_replay.record)
app.command()(commands_replay.replay)
app.command()(commands_stack.doctor)
github_app.command("create")(commands_app.create)
github_app.command("install")(commands_app.install)
github_app.command("renew-secret")(commands_app.renew_secret)
workflows.command("install")(commands_workflows.install)
audit.command("verify")(commands_runs.verify)
audit.command("export")(commands_runs.export)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"shipline {version('shipline')}")
        raise typer.Exit


@app.callback()
def _root(
    _: Annotated[bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)] = False,
) -> None:
    """From an idea to a released change."""
