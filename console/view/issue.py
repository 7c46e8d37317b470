"""The issue page: what was asked, how far it is, who worked on it, what was done outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from console.view.evidence import VERDICTS
from console.view.run import note
from console.view.words import ago, mark_and_word, money
from ledger.models import AgentRun, CheckReport, CriterionSeen, Effect, EffectStatus, Finding, Issue
from ledger.queries import Snapshot
from ledger.rules.criteria import seen_of

STANDING = {EffectStatus.INTENDED: "begun", EffectStatus.SUCCEEDED: "done", EffectStatus.FAILED: "failed"}


def facts(snapshot: Snapshot, issue: Issue) -> dict[str, str]:
    """What a person asks of a node first."""
    mark, word = mark_and_word(issue)
    found = {"Status": f"{mark} {word}", "Agent": issue.agent, "Round": str(issue.round)}
    said = note(snapshot, issue)
    if said and not issue.failure:
        found["Now"] = said
    found["Branch"] = issue.branch or "not made yet"
    found["Into"] = issue.base or "not known yet"
    found["Pull request"] = f"#{issue.pr_number}" if issue.pr_number else "not opened yet"
    found["Head"] = (
        f"{issue.head[:7]}{', passed QA' if issue.head == issue.tested_head else ''}" if issue.head else "none"
    )
    found["Merged"] = issue.merged_sha[:7] if issue.merged_sha else "not yet"
    return found


def criteria(issue: Issue, reports: Sequence[CheckReport] = ()) -> list[tuple[str, str]]:
    """Each criterion with its evidence: what QA found against it, else what its reviewer says shows it, else the tests
    of the node and how they ended.
    """
    named = ", ".join(issue.tests) or "no test named yet"
    ended = [VERDICTS[each.verdict] for each in reports if each.check == "tests"]
    on = f" on {issue.tested_head[:7]}" if issue.tested_head and issue.tested_head == issue.head else ""
    evidence = " · ".join([named, *(f"tests {word}{on}" for word in ended)])
    found = [each for report in reports for each in report.findings]
    return [
        (each, _against(each, found) or _shown(seen_of(each, issue.criteria)) or evidence)
        for each in issue.acceptance_criteria
    ]


def _shown(said: CriterionSeen | None) -> str:
    if said is None:
        return ""
    return said.evidence or "no evidence" if said.met else f"not met: {said.evidence}"


def _against(criterion: str, found: Sequence[Finding]) -> str:
    """The findings that name a criterion."""
    return "; ".join(f"✗ {each.title}" for each in found if criterion in f"{each.title}\n{each.evidence}")


def effects(found: Sequence[Effect], at: datetime) -> list[dict[str, str]]:
    """The journal's rows of the node."""
    return [
        {
            "What": each.kind, "Status": STANDING[each.status], "Attempts": str(each.attempts),
            "When": ago(each.updated_at, at), "Said": each.error or _outcome(each),
        }
        for each in found
    ]  # fmt: skip


def _outcome(effect: Effect) -> str:
    pairs = (effect.outcome or {}).items()
    return ", ".join(f"{name} {value}" for name, value in pairs if isinstance(value, str | int | float))[:200]


def agent_runs(found: Sequence[AgentRun]) -> list[dict[str, str]]:
    """Who was asked, what it used, how it ended."""
    return [
        {
            "Agent": each.agent_id, "Round": each.round, "Status": each.status.value,
            "Tokens": f"{each.usage.input_tokens + each.usage.output_tokens:,}", "Cost": money(each.usage.usd),
            "Thought": "replayed" if each.replayed else "for real",
            "Said": (each.output.changeset_summary if each.output else "") or each.error or "",
        }
        for each in found
    ]  # fmt: skip


@dataclass(frozen=True)
class Prompt:
    """What an agent was asked, and what it said."""

    title: str
    text: str


def prompts(found: Sequence[AgentRun]) -> list[Prompt]:
    """Each request with its answer, in order."""
    return [Prompt(f"{each.agent_id}, round {each.round}: {each.status.value}", _prompt(each)) for each in found]


def _prompt(each: AgentRun) -> str:
    parts = [f"Asked: {each.input.objective}"]
    parts += [f"Held to: {rule}" for rule in each.input.constraints]
    parts += [f"Given: {name}" for name in each.input.context_packs]
    if each.output:
        parts += [f"Answered: {each.output.changeset_summary}", each.output.notes]
    if each.error:
        parts.append(f"Failed: {each.error}")
    if each.wasted.usd or each.wasted.input_tokens:
        tokens = each.wasted.input_tokens + each.wasted.output_tokens
        parts.append(f"Came to nothing: {tokens:,} tokens, {money(each.wasted.usd)}")
    return "\n\n".join(part for part in parts if part.strip())
