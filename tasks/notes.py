"""Release notes and changelog, as text. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ledger.models import ChainHead, Issue, Run, Spec
from ledger.rules.trace import Traced, trace
from tasks.answers import ReleaseStory
from tasks.texts import cell

SHOWN = 3  # tests of a requirement that the notes name; ``traceability.json`` has all


def release_notes(run: Run, story: ReleaseStory, rows: list[str], chain: ChainHead, assets: Sequence[str] = ()) -> str:
    """The notes of a release, in Markdown."""
    lines = [story.summary, "", *(f"- {line}" for line in story.highlights), ""]
    if story.upgrade_notes:
        lines += ["### Upgrading", *(f"- {line}" for line in story.upgrade_notes), ""]
    if rows:
        lines += [
            "### What was asked, and where it is",
            "",
            "| requirement | issue | pull request | commit | tests |",
            "|---|---|---|---|---|",
        ]
        lines += [*rows, ""]
    if assets:
        lines += [
            f"Files: {', '.join(f'`{each}`' for each in assets)}. `sha256sum --check SHA256SUMS` checks them.",
            "Provenance: not attested; they were made by a worker of Shipline, which GitHub Actions cannot vouch for.",
            "",
        ]
    lines += [
        f"Made by run `{run.id}`. Its event chain stood at {chain.seq}, `{chain.hash}`; "
        f"`shipline audit verify {run.id}` checks it."
    ]
    return "\n".join(lines)


def requirement_rows(spec: Spec, issues: Sequence[Issue]) -> list[str]:
    """One table row a requirement: its issues, pull requests, commits and tests."""
    return [_row(each) for each in trace(spec, issues)]


def changelog_entry(version: str, story: ReleaseStory, day: str) -> str:
    """What the changelog says of a version."""
    return f"## [{version}] - {day}\n\n{story.summary}\n\n" + "".join(f"- {line}\n" for line in story.highlights)


def insert_entry(changelog: str, entry: str) -> str:
    """The changelog with ``entry`` on top of its versions, below `Unreleased` where there is one."""
    sections = list(re.finditer(r"^## ", changelog, re.MULTILINE))
    below = [each for each in sections if not changelog.startswith("## [Unreleased]", each.start())]
    at = below[0].start() if below else len(changelog)
    before = changelog[:at].rstrip("\n")
    return f"{before}\n\n{entry}\n{changelog[at:]}".rstrip("\n") + "\n"


def _row(each: Traced) -> str:
    more = len(each.tests) - SHOWN
    tests = ", ".join(f"`{test}`" for test in each.tests[:SHOWN]) + (f" and {more} more" if more > 0 else "")
    issues, pulls = (", ".join(f"#{number}" for number in found) for found in (each.issues, each.pulls))
    commits = ", ".join(f"`{sha[:7]}`" for sha in each.commits)
    return f"| **{each.id}** {cell(each.text)} | {issues} | {pulls} | {commits} | {tests} |"
