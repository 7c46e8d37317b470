"""The gates of a merge as one list that a person can read: each holds, blocks, waits, or was not asked for. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from ledger.models import CheckReport, Gate, GateFacts, GateState, Issue, IssueType, Verdict
from ledger.rules.defects import open_defects
from ledger.rules.tree import Tree, is_open

S = GateState
BELOW, DEFECTS, QA, COVERAGE = "Everything below is done", "No open defect", "QA passed on its head", "Coverage"
SCANS, REQUIRED, APPROVAL, BUDGET, CURRENT = "Scans", "Required checks", "Approval", "Budget", "Up to date"
ABOUT_CODE = ("tests", "coverage")  # reports with gates of their own; all others are scans
GOOD = ("success", "neutral", "skipped")  # ends of a check with which GitHub lets a merge pass
UNSEEN = "looked at when it is to merge"


def gates(tree: Tree, issue: Issue) -> list[Gate]:
    """Everything that must hold before the node merges, by what the ledger knows and ``issue.facts`` tell."""
    facts = issue.facts
    return [
        _below(tree, issue),
        _defects(tree, issue),
        _qa(issue),
        _reported(COVERAGE, issue, [each for each in issue.reports if each.check == "coverage"]),
        _reported(SCANS, issue, [each for each in issue.reports if each.check not in ABOUT_CODE]),
        _required(facts),
        approval(issue),
        _budget(facts),
        _current(issue, facts),
    ]


def in_the_way(found: Sequence[Gate], but: Collection[str] = ()) -> list[Gate]:
    """The gates that keep the merge from happening now, those named in ``but`` left out."""
    return [each for each in found if each.state in (S.BLOCKS, S.WAITS) and each.name not in but]


def refusal(issue: Issue, shut: Sequence[Gate]) -> str:
    """Why the node does not merge: each gate with its evidence."""
    named = "; ".join(f"{each.name}: {each.evidence}" for each in shut)
    return f"#{issue.pr_number} does not merge into {issue.base}. {named}."


def approval(issue: Issue) -> Gate:
    """Whether a person let this very head merge; another head's approval does not count."""
    facts = issue.facts
    if facts is None:
        return Gate(name=APPROVAL, state=S.NOT_ASKED, evidence=UNSEEN)
    if not facts.approval_needed:
        return Gate(name=APPROVAL, state=S.NOT_ASKED, evidence="no setting asks for one")
    mine = [each for each in facts.approvals if each.head == issue.tested_head]
    if mine:
        told = ", ".join(f"{each.by} ({each.via}, {each.at:%Y-%m-%d %H:%M} UTC)" for each in mine)
        return Gate(name=APPROVAL, state=S.HOLDS, evidence=f"{told} on {_short(issue.tested_head)}")
    others = [f"{each.by} approved {_short(each.head)}, which is not its head" for each in facts.approvals]
    return Gate(name=APPROVAL, state=S.WAITS, evidence="; ".join([approval_words(issue), *others]))


def approval_words(issue: Issue) -> str:
    """What a person is asked for."""
    return f"waits for approval of #{issue.pr_number} at head {_short(issue.tested_head)}"


def waits_for_approval(issue: Issue) -> bool:
    """Whether the node stands still because nobody has approved its head yet."""
    return issue.awaits is not None and issue.awaits == issue.head and is_open(issue)


def _below(tree: Tree, issue: Issue) -> Gate:
    below = tree.descendants(issue.key)
    left = [each for each in below if is_open(each) and each.type is not IssueType.DEFECT]
    if left:
        return Gate(name=BELOW, state=S.BLOCKS, evidence=_names(left))
    return Gate(name=BELOW, state=S.HOLDS, evidence=f"{len(below)} of {len(below)} done" if below else "none is below")


def _defects(tree: Tree, issue: Issue) -> Gate:
    found = [each for each in open_defects(tree, issue.key) if each.key != issue.key]
    if found:
        return Gate(name=DEFECTS, state=S.BLOCKS, evidence=_names(found))
    filed = sum(each.type is IssueType.DEFECT for each in tree.descendants(issue.key))
    return Gate(name=DEFECTS, state=S.HOLDS, evidence=f"{filed} filed, all done" if filed else "none was filed")


def _qa(issue: Issue) -> Gate:
    if issue.head is None:
        return Gate(name=QA, state=S.WAITS, evidence="no commit yet")
    tests = " ".join(each.summary for each in issue.reports if each.check == "tests")
    if issue.head == issue.tested_head:
        return Gate(name=QA, state=S.HOLDS, evidence=f"{_short(issue.head)}{f': {tests}' if tests else ''}")
    if issue.reported_head == issue.head:
        bad = [each.title for report in issue.reports for each in report.critical]
        return Gate(name=QA, state=S.BLOCKS, evidence=f"{_short(issue.head)}: {'; '.join(bad) or 'rejected'}")
    before = f", {_short(issue.tested_head)} passed" if issue.tested_head else ""
    return Gate(name=QA, state=S.BLOCKS, evidence=f"{_short(issue.head)} was not tested yet{before}")


def _reported(name: str, issue: Issue, reports: Sequence[CheckReport]) -> Gate:
    if issue.head is None or issue.reported_head != issue.head:
        passed = issue.head is not None and issue.head == issue.tested_head
        told = "it passed QA, and no report of it is kept" if passed else "not run on this head yet"
        return Gate(name=name, state=S.NOT_ASKED if passed else S.WAITS, evidence=told)
    if not reports:
        return Gate(name=name, state=S.NOT_ASKED, evidence="no such check ran on this head")
    bad = [each.title for report in reports for each in report.critical]
    if bad:
        return Gate(name=name, state=S.BLOCKS, evidence="; ".join(bad))
    told = ", ".join(f"{each.check} {each.verdict} ({each.summary})" for each in reports)
    absent = all(each.verdict is Verdict.ABSENT for each in reports)
    return Gate(name=name, state=S.NOT_ASKED if absent else S.HOLDS, evidence=told)


def _required(facts: GateFacts | None) -> Gate:
    if facts is None:
        return Gate(name=REQUIRED, state=S.NOT_ASKED, evidence=UNSEEN)
    if not facts.required:
        return Gate(name=REQUIRED, state=S.NOT_ASKED, evidence=f"{facts.base} requires none")
    told = ", ".join(f"{name} {state}" for name, state in sorted(facts.required.items()))
    ended = [state for state in facts.required.values() if state != "pending"]
    if any(state not in GOOD for state in ended):
        return Gate(name=REQUIRED, state=S.BLOCKS, evidence=told)
    return Gate(name=REQUIRED, state=S.HOLDS if len(ended) == len(facts.required) else S.WAITS, evidence=told)


def _budget(facts: GateFacts | None) -> Gate:
    if facts is not None and facts.budget:
        return Gate(name=BUDGET, state=S.BLOCKS, evidence=facts.budget)
    if facts is None or not facts.limited:
        return Gate(name=BUDGET, state=S.NOT_ASKED, evidence=UNSEEN if facts is None else "no limit is set")
    return Gate(name=BUDGET, state=S.HOLDS, evidence="not used up")


def _current(issue: Issue, facts: GateFacts | None) -> Gate:
    if facts is None:
        return Gate(name=CURRENT, state=S.NOT_ASKED, evidence=UNSEEN)
    wrong = list(_behind(issue, facts))
    if wrong:
        return Gate(name=CURRENT, state=S.BLOCKS, evidence="; ".join(wrong))
    told = f"{_short(facts.head)} contains {facts.base} at {_short(facts.tip)}, and is the head that was tested"
    return Gate(name=CURRENT, state=S.HOLDS, evidence=told)


def _behind(issue: Issue, facts: GateFacts) -> Iterator[str]:
    if facts.tip is None:
        yield f"{facts.base} is gone"
    elif not facts.holds_tip:
        yield f"{_short(facts.head)} lacks {facts.base} at {_short(facts.tip)}"
    if facts.head != issue.tested_head:
        yield f"its head is {_short(facts.head)}, and {_short(issue.tested_head)} was tested"


def _names(issues: Sequence[Issue]) -> str:
    return ", ".join(f"#{each.number} {each.title}" if each.number else each.title for each in issues)


def _short(sha: str | None) -> str:
    return sha[:7] if sha else "nothing"
