"""Release notes and changelog, as text. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ledger.models import ChainHead, Issue, IssueType, Run, Spec
from tasks.answers import ReleaseStory
from tasks.texts import cell


def release_notes(run: Run, story: ReleaseStory, rows: list[str], chain: ChainHead) -> str:
    """The notes of a release, in Markdown."""
    lines = [story.summary, "", *(f"- {line}" for line in story.highlights), ""]
    if story.upgrade_notes:
        lines += ["### Upgrading", *(f"- {line}" for line in story.upgrade_notes), ""]
    if rows:
        lines += [
            "### What was asked, and where it is",
            "",
            "| requirement | issue | pull request | tests |",
            "|---|---|---|---|",
        ]
        lines += [*rows, ""]
    lines += [
        f"Made by run `{run.id}`. Its event chain stood at {chain.seq}, `{chain.hash}`; "
        f"`shipline audit verify {run.id}` checks it."
    ]
    return "\n".join(lines)


def requirement_rows(spec: Spec, issues: Sequence[Issue]) -> list[str]:
    """One table row a requirement: its issues, pull requests and tests."""
    rows = []
    for need in spec.requirements:
        done = [each for each in issues if need.id in each.requirements and each.type is IssueType.TASK]
        tests = [test for each in done for test in each.tests]
        shown = ", ".join(f"`{test}`" for test in tests[:3]) + (f" and {len(tests) - 3} more" if len(tests) > 3 else "")
        rows.append(
            f"| **{need.id}** {cell(need.text)} | {', '.join(f'#{each.number}' for each in done)} "
            f"| {', '.join(f'#{each.pr_number}' for each in done)} | {shown} |"
        )
    return rows


def insert_entry(changelog: str, entry: str) -> str:
    """The changelog with ``entry`` on top of its versions, below `Unreleased` where there is one."""
    sections = list(re.finditer(r"^## ", changelog, re.MULTILINE))
    below = [each for each in sections if not changelog.startswith("## [Unreleased]", each.start())]
    at = below[0].start() if below else len(changelog)
    before = changelog[:at].rstrip("\n")
    return f"{before}\n\n{entry}\n{changelog[at:]}".rstrip("\n") + "\n"
