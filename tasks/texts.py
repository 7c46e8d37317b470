"""What we write on GitHub: bodies of issues and pull requests, comments, commit messages. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.models import CheckReport, Issue, Run, Spec, Verdict

MARKS = {Verdict.PASSED: "passed", Verdict.FAILED: "**failed**", Verdict.ABSENT: "absent"}


OURS = "<!-- shipline:"  # how every marker begins


def marker(run_id: str, key: str, kind: str = "", digest: str = "") -> str:
    """A hidden line by which we find our own issue or comment again."""
    parts = "/".join(part for part in (run_id, key, kind, digest) if part)
    return f"{OURS}{parts} -->"


def issue_body(issue: Issue, run: Run) -> str:
    """The body of an issue."""
    lines = [issue.body.strip() or issue.title, ""]
    if issue.acceptance_criteria:
        lines += ["### Acceptance criteria", *(f"- [ ] {line}" for line in issue.acceptance_criteria), ""]
    if issue.requirements:
        lines += [f"Requirements: {', '.join(issue.requirements)}", ""]
    if issue.files:
        lines += ["Expected to touch: " + ", ".join(f"`{path}`" for path in issue.files), ""]
    lines += [f"Part of run `{run.id}`.", marker(run.id, issue.key)]
    return "\n".join(lines)


def pull_title(issue: Issue) -> str:
    """The title of a pull request."""
    return f"{issue.title} (#{issue.number})"


def pull_body(issue: Issue, run: Run) -> str:
    """The body of a pull request."""
    criteria = [f"- {line}" for line in issue.acceptance_criteria]
    return "\n".join(
        [
            f"For #{issue.number}.",
            "",
            issue.body.strip() or issue.title,
            "",
            *criteria,
            "",
            marker(run.id, issue.key, "pull"),
        ]
    )


def commit_message(issue: Issue, run_id: str, round_: str, summary: str) -> str:
    """The message of a commit, with trailers by which it is found again."""
    return f"{issue.title} (#{issue.number})\n\n{summary.strip()}\n\n{trailers(run_id, issue.key, round_)}\n"


def trailers(run_id: str, key: str, round_: str) -> str:
    """Whose commit it is."""
    return f"Shipline-Run: {run_id}\nShipline-Node: {key}\nShipline-Round: {round_}"


def plan_message(issue: Issue, run_id: str) -> str:
    """The message of the one commit of a planned branch: the node's plan, and no code."""
    criteria = "\n".join(f"- {line}" for line in issue.acceptance_criteria)
    files = "\n".join(f"- {path}" for path in issue.files)
    return (
        f"Plan: {issue.title} (#{issue.number})\n\n{issue.body.strip()}\n\nAcceptance criteria:\n{criteria or '-'}\n\n"
        f"Files:\n{files or '-'}\n\n{trailers(run_id, issue.key, 'plan')}\n"
    )


def spec_text(spec: Spec) -> str:
    """The spec as the document that is committed."""
    parts = [f"# {spec.title}", "", spec.problem, ""]
    parts += ["## Requirements", "", *(f"- **{each.id}** {each.text}" for each in spec.requirements), ""]
    for title, lines in (
        ("Goals", spec.goals),
        ("Non-goals", spec.non_goals),
        ("Acceptance criteria", spec.acceptance_criteria),
        ("Risks", spec.risks),
        ("Test plan", spec.test_plan),
    ):
        if lines:
            parts += [f"## {title}", "", *(f"- {line}" for line in lines), ""]
    return "\n".join(parts).rstrip() + "\n"


def check_comment(reports: Sequence[CheckReport], head: str) -> str:
    """What QA says on a pull request."""
    rows = [f"| {each.check} | {MARKS[each.verdict]} | {cell(each.summary)} |" for each in reports]
    blocking = [finding for each in reports for finding in each.critical]
    verdict = f"{len(blocking)} finding(s) block the merge." if blocking else "Nothing blocks the merge."
    table = ["| check | verdict | |", "|---|---|---|", *rows]
    return "\n".join([f"QA of `{head[:7]}`: {verdict}", "", *table])


def cell(text: str) -> str:
    """Text that stays in its cell of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|")
