"""``shipline release``: what a release would be, and making it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from console.commands_control import now_done, whoami
from console.commands_runs import Json, RunId
from console.out import out, say_json

if TYPE_CHECKING:
    from tasks.previewing import Preview


def release(
    run_id: RunId,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what it would be, and write nothing.")] = False,
    json: Json = False,
) -> None:
    """Release a run that stands there, after a failure too; with --dry-run show version, notes, table and files."""
    from tasks.previewing import preview_release, release_now

    if not dry_run:
        resumed = now_done(lambda: release_now(run_id, by=whoami()))
        if json:
            say_json({"run": run_id, "flowRun": resumed.flow_run, "said": resumed.said})
        else:
            out.print(f"{run_id}: {resumed.said}", markup=False, soft_wrap=True)
        return
    shown = now_done(lambda: preview_release(run_id))
    if json:
        say_json(shown.model_dump(mode="json", by_alias=True))
    else:
        _print(shown)
    if shown.in_the_way:
        raise typer.Exit(1)


def _print(shown: Preview) -> None:
    out.print(f"v{shown.version}, if it is released now. Nothing was written.\n", markup=False)
    for title, text in (("Changelog", shown.entry), ("Notes", shown.notes)):
        out.print(f"{title}:\n", markup=False)
        out.print(text.rstrip() + "\n", markup=False, soft_wrap=True)
    table = Table(box=None, pad_edge=False)
    for column in ("requirement", "issue", "pull request", "commit", "test"):
        table.add_column(column)
    for row in shown.table:
        cells = (
            ", ".join(f"#{each}" for each in row.issues), ", ".join(f"#{each}" for each in row.pulls),
            ", ".join(each[:7] for each in row.commits), ", ".join(row.tests),
        )  # fmt: skip
        table.add_row(Text(f"{row.id} {row.text}"), *(Text(each or "none") for each in cells))
    out.print(table)
    out.print(f"\nFiles: {', '.join(shown.files)}", markup=False, soft_wrap=True)
    for each in shown.in_the_way:
        out.print(f"In the way: {each}", markup=False, soft_wrap=True)
