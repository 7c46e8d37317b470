"""From each requirement to the issues, pull requests, commits and tests that stand for it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.models import Finding, Issue, IssueType, Model, Severity, Spec
from ledger.rules.tree import Tree

CHECK = "traceability"


class Traced(Model):
    """One requirement, and where it is. ``owner`` is the key of the last task that is about it."""

    id: str
    text: str
    owner: str | None
    issues: list[int]
    pulls: list[int]
    commits: list[str]
    tests: list[str]

    @property
    def gaps(self) -> list[str]:
        """The cells that would be empty."""
        cells = {"issue": self.issues, "pull request": self.pulls, "commit": self.commits, "test": self.tests}
        return [name for name, found in cells.items() if not found]

    def __str__(self) -> str:
        where = ", ".join(f"#{each}" for each in self.issues) or "no issue"
        return f"{self.id} ({where}) has no {' and no '.join(self.gaps)}"


def trace(spec: Spec, issues: Sequence[Issue]) -> list[Traced]:
    """Every requirement, in the spec's order. A test of a defect below a task stands for that task's requirements."""
    tree = Tree.of(issues)
    found = []
    for need in spec.requirements:
        tasks = [each for each in tree.issues if need.id in each.requirements and each.type is IssueType.TASK]
        below = [each for task in tasks for each in (task, *tree.descendants(task.key))]
        found.append(
            Traced(
                id=need.id,
                text=need.text,
                owner=tasks[-1].key if tasks else None,
                issues=[each.number for each in tasks if each.number],
                pulls=[each.pr_number for each in tasks if each.pr_number],
                commits=[each.merged_sha for each in tasks if each.merged_sha],
                tests=list(dict.fromkeys(test for each in below for test in each.tests)),
            )
        )
    return found


def untested(rows: Sequence[Traced]) -> list[tuple[str | None, Finding]]:
    """The requirements without a test, each as a finding with the task that it belongs to."""
    return [
        (
            row.owner,
            Finding(
                check=CHECK,
                severity=Severity.CRITICAL,
                title=f"Requirement {row.id} has no test",
                evidence=f"{row.id}: {row.text}\nNo test that this run wrote or changed belongs to it.",
                fingerprint=f"{CHECK}-{row.id}",
            ),
        )
        for row in rows
        if not row.tests
    ]
