"""Commands that change how Shipline works: a project's settings, the agents, what they read first; and deploying."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from console.commands_control import now_done, whoami
from console.commands_runs import Json, RunId
from console.out import out, say_json
from ledger.models import Agent, AgentType, Budget, EffectiveSettings
from ledger.runs import project_id
from shipline.errors import InvalidInput

LISTS = ("goals", "tools", "constraints", "guardrails", "context_packs")


def settings(
    repo: Annotated[str | None, typer.Argument(help="The repository, as owner/name.", metavar="[OWNER/NAME]")] = None,
    user: Annotated[bool, typer.Option("--user", help="What holds where a repository sets nothing itself.")] = False,
    values: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="NAME=VALUE, such as coverage_percent=90 or budget.usd=5; NAME= takes it back.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Show a repository's settings, or with --user yours for all of them; with --set change some.

    A repository's own value goes before yours, and yours before the default. The history says who changed what.
    """
    from tasks.administration import project_settings

    if user is (repo is not None):
        raise InvalidInput("Whose settings?", "Name a repository (OWNER/NAME), or say --user.")
    found = now_done(lambda: _changed(repo, values) if values else project_settings(repo))
    if json:
        say_json(found.model_dump(mode="json", by_alias=True))
        return
    _print_settings(found)


async def _changed(repo: str | None, values: list[str]) -> EffectiveSettings:
    from tasks.administration import change_settings, own_budget

    asked: dict[str, Any] = {}
    for each in values:
        name, given, value = each.partition("=")
        if not given:
            raise InvalidInput(f"{each!r} is not NAME=VALUE.", "Write it like coverage_percent=90.")
        if name.startswith("budget."):
            known = asked.get("budget") or await own_budget(repo)
            kind = name.removeprefix("budget.")
            if kind not in Budget.model_fields:
                raise InvalidInput(f"There is no budget of {kind!r}.", f"There are: {', '.join(Budget.model_fields)}.")
            asked["budget"] = {**Budget.model_validate(known, from_attributes=True).model_dump(), kind: value or None}
        else:
            asked[name] = value or None
    return await change_settings(repo, asked, by=whoami())


def agents(
    name: Annotated[str | None, typer.Argument(help="One of the twelve; all of them when none is named.")] = None,
    on: Annotated[bool | None, typer.Option("--on/--off", help="Switch it on or off.")] = None,
    lines: Annotated[
        list[str] | None,
        typer.Option("--set", help="LIST=LINE, such as goals=…, once a line; LIST= alone empties the list."),
    ] = None,
    json: Json = False,
) -> None:
    """List the agents; with a name show one, switch it on or off, or give it other goals, tools, constraints,
    guardrails or context_packs.
    """
    from tasks.administration import catalog, change_agent

    if name is not None and (on is not None or lines):
        kind = _kind(name)
        values: dict[str, Any] = {**({} if on is None else {"enabled": on}), **_lists(lines or [])}
        now_done(lambda: change_agent(kind, values, by=whoami()))
    found, _ = now_done(catalog)
    wanted = [each for each in found if name in (None, each.id)]
    if name is not None:
        _kind(name)
    if json:
        say_json([each.model_dump(mode="json", by_alias=True) for each in wanted])
    elif name is None:
        out.print(_table(wanted))
    else:
        _print_agent(wanted[0])


def onboarding(
    name: Annotated[str | None, typer.Argument(help="A document, such as onboarding/dev.md.")] = None,
    write: Annotated[
        Path | None, typer.Option("--write", help="Make this file's text the next version; `-` is standard input.")
    ] = None,
    version: Annotated[int | None, typer.Option(help="The version that you changed; the newest unless given.")] = None,
    json: Json = False,
) -> None:
    """List what agents read first; with a name print a document, with --write give it a new version."""
    from tasks.administration import catalog, write_onboarding

    _, found = now_done(catalog)
    if name is None:
        if json:
            say_json([{"id": each.id, "version": each.version, "by": each.by} for each in found])
        for each in [] if json else found:
            out.print(f"{each.id}  version {each.version}, {each.by or 'as shipped'}", markup=False)
        return
    document = next((each for each in found if each.id == name), None)
    if document is None:
        raise InvalidInput(f"There is no document {name}.", f"There are: {', '.join(each.id for each in found)}.")
    if write is not None:
        text = sys.stdin.read() if str(write) == "-" else write.read_text("utf-8")
        known = version or document.version
        document = now_done(lambda: write_onboarding(name, text, by=whoami(), version=known))
    if json:
        say_json(document.model_dump(mode="json", by_alias=True))
    elif write is not None:
        out.print(f"{name} is at version {document.version}.", markup=False)
    else:
        out.print(document.text, markup=False)


def merge(
    repo: Annotated[str, typer.Argument(help="The repository, as owner/name.", metavar="OWNER/NAME")],
    number: Annotated[int, typer.Argument(help="The pull request's number.", min=1)],
    json: Json = False,
) -> None:
    """Merge a pull request that is not Shipline's own; a run merges its own when their gates are open."""
    from tasks.administration import project_settings
    from tasks.code import merge_pull

    async def work() -> Any:
        await project_settings(repo)  # says in words when the repository is not known here
        return await merge_pull(project_id(repo), number, by=whoami())

    done = now_done(work)
    if json:
        say_json(done.model_dump(by_alias=True))
    else:
        out.print(f"#{done.number} is merged as {done.sha[:7]}.", markup=False)


def deploy(run_id: RunId, json: Json = False) -> None:
    """Deploy a run's release once more, in place of what runs there."""
    from tasks.deploy.asking import ask_deploy

    _say_asked(run_id, now_done(lambda: ask_deploy(run_id, by=whoami())), "deploys", json)


def rollback(
    run_id: RunId,
    to: Annotated[str, typer.Option(help="The version to go back to; the one before, unless given.")] = "",
    json: Json = False,
) -> None:
    """Go back to an earlier release than the one that runs where this run was deployed."""
    from tasks.deploy.asking import ask_rollback

    _say_asked(run_id, now_done(lambda: ask_rollback(run_id, by=whoami(), to=to)), "rolls back", json)


def _say_asked(run_id: str, flow_run: str, verb: str, json: bool) -> None:
    if json:
        say_json({"run": run_id, "flowRun": flow_run})
    else:
        out.print(f"Flow run {flow_run} {verb}. Follow it: shipline logs -f {run_id}", markup=False, soft_wrap=True)


def _kind(name: str) -> AgentType:
    if name not in list(AgentType):
        raise InvalidInput(f"There is no agent {name}.", f"There are: {', '.join(AgentType)}.")
    return AgentType(name)


def _lists(given: list[str]) -> dict[str, list[str]]:
    """The lists that were given anew, each with all of its lines."""
    found: dict[str, list[str]] = {}
    for each in given:
        name, equals, line = each.partition("=")
        if not equals or name not in LISTS:
            raise InvalidInput(f"{each!r} is not LIST=LINE.", f"The lists: {', '.join(LISTS)}.")
        found.setdefault(name, []).extend([line.strip()] if line.strip() else [])
    return found


def _table(found: list[Agent]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("agent", "thinks with", "on", "goals"):
        table.add_column(column)
    for each in found:
        table.add_row(each.id, each.engine.value, "on" if each.enabled else "off", Text("; ".join(each.goals)))
    return table


def _print_agent(agent: Agent) -> None:
    out.print(f"{agent.name}: {agent.role} ({'on' if agent.enabled else 'off'})", markup=False, soft_wrap=True)
    for title in LISTS:
        out.print(f"{title.replace('_', ' ').capitalize()}:")
        for line in getattr(agent, title):
            out.print(f"  {line}", markup=False, soft_wrap=True)
    if agent.onboarding_doc_ref:
        out.print(f"Reads first: shipline onboarding {agent.onboarding_doc_ref}", markup=False)


def _print_settings(found: EffectiveSettings) -> None:
    from tasks.administration import SETTINGS

    for name in SETTINGS:
        value = getattr(found, name)
        if isinstance(value, Budget):
            for kind, limit in value.model_dump().items():
                amount = "no limit" if limit is None else f"{limit:g}"
                out.print(f"budget.{kind:<22} {amount:<12} from: {found.sources[f'budget.{kind}']}", markup=False)
        else:
            out.print(f"{name:<29} {value!s:<12} from: {found.sources[name]}", markup=False)
    for each in found.history[-5:]:
        told = "; ".join(f"{name}: {old} → {new}" for name, (old, new) in each.changes.items())
        out.print(f"{each.at:%Y-%m-%d %H:%M} {each.by}: {told}", markup=False, soft_wrap=True)
