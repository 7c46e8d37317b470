"""Defects: where a finding belongs, and the issue it becomes."""

from __future__ import annotations

import re
from datetime import datetime
from itertools import count

from ledger.models import DefectOrigin, Finding, Issue, IssueType, issue_id
from ledger.rules.causes import cause, reproduction
from ledger.rules.overlap import covers
from ledger.rules.tree import Tree, is_open

TITLE = 100  # characters
_UNSAFE = re.compile(r"[^0-9A-Za-z._]")  # of a fingerprint that a tool gave: it stands in a hidden line


def defect_key(tree: Tree, parent_key: str) -> str:
    """The key of the next defect under a node: ``<parent>.d<n>``, past any that a plan gave to something else."""
    numbers = count(len(tree.defects(parent_key)) + 1)
    return next(key for key in (f"{parent_key}.d{n}" for n in numbers) if key not in tree)


def owner_of(tree: Tree, path: str | None) -> str:
    """The task whose declared files cover ``path`` (the last, when several do), else the root."""
    if path is None:
        return tree.root.key
    owners = [each.key for each in tree.issues if each.type is IssueType.TASK and covers(each.files, path)]
    return owners[-1] if owners else tree.root.key


def already_filed(tree: Tree, fingerprint: str, of: str = "") -> Issue | None:
    """The newest defect of this fingerprint, or ``of`` this cause, open ones first."""
    known = [(each, each.origin) for each in tree.issues if each.origin]
    same = [each for each, by in known if by.fingerprint == fingerprint or (of and by.cause == of)]
    return max(same, key=lambda each: (is_open(each), each.created_at), default=None)


def open_defects(tree: Tree, key: str) -> list[Issue]:
    """The open defects at or below a node."""
    return [each for each in [tree[key], *tree.descendants(key)] if each.type is IssueType.DEFECT and is_open(each)]


def make_defect(tree: Tree, parent_key: str, finding: Finding, at: datetime) -> Issue:
    """The issue that a finding becomes."""
    parent, key = tree[parent_key], defect_key(tree, parent_key)
    what = _one_line(finding.title)
    body = f"{_one_line(finding.check)} found this{_where(finding)}:\n\n{fenced(finding.evidence)}\n"
    again = reproduction(finding)
    body += f"\nTo see it again:\n\n{fenced(again)}\n" if again else ""
    body += f"\n<!-- shipline-fingerprint:{_UNSAFE.sub('', finding.fingerprint)[:64]} -->\n"
    title = f"Defect: {what}".rstrip()
    return Issue(
        id=issue_id(parent.run_id, key),
        run_id=parent.run_id,
        project_id=parent.project_id,
        repo=parent.repo,
        key=key,
        type=IssueType.DEFECT,
        title=title if len(title) <= TITLE else title[: TITLE - 1].rstrip() + "…",
        body=body,
        parent=parent_key,
        files=[finding.path] if finding.path else list(parent.files),
        requirements=list(parent.requirements),
        acceptance_criteria=[f"{_one_line(finding.check)} no longer reports: {what}", "Every other check still passes"],
        labels=["shipline", "type:defect", "defect"],
        estimate_minutes=5,
        origin=DefectOrigin(
            check=finding.check,
            fingerprint=finding.fingerprint,
            cause=cause(finding),
            evidence=finding.evidence,
            path=finding.path,
        ),
        created_at=at,
        updated_at=at,
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _where(finding: Finding) -> str:
    if not finding.path:
        return ""
    line = f", line {finding.line}" if finding.line else ""
    return f" in {_code(finding.path)}{line}"


def fenced(text: str) -> str:
    """Text as a code block that it cannot end by itself."""
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}text\n{text}\n{fence}"


def _code(text: str) -> str:
    line = _one_line(text)
    if "`" not in line:
        return f"`{line}`"
    ticks = "`" * (_longest_run(line) + 1)
    return f"{ticks} {line} {ticks}"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", text)), default=0)
