"""QA: the checks of one node's head, and of the epic as a whole. What they say is kept by commit."""

from __future__ import annotations

from ledger.effects import Key, nothing_to_find, perform
from ledger.issues import change_issue, get_issue
from ledger.models import (
    AgentType,
    CheckReport,
    EffectiveSettings,
    EffectKind,
    Executor,
    Finding,
    Issue,
    IssueStatus,
    LicenceLists,
    Model,
    Severity,
)
from ledger.rules.causes import one_each
from ledger.rules.criteria import unproven
from shipline.errors import NotFound, ShiplineError
from shipline.ids import digest
from tasks.actions.elsewhere import check_there
from tasks.agents.ask import ask_planner, compose
from tasks.agents.material import Section
from tasks.agents.recording import as_yaml
from tasks.agents.registry import RECORDED
from tasks.answers import AuditOpinion, QaOpinion
from tasks.budget import counting
from tasks.check_runs import post_check_run
from tasks.git import clone, discard
from tasks.held_to import licence_lists, standards_of
from tasks.implementing import workplace
from tasks.issues import comment
from tasks.quality import check_all
from tasks.quality.verdicts import blocking, causes, is_tests
from tasks.scratch import remote
from tasks.state import Here, get_settings, here
from tasks.step import step
from tasks.texts import check_comment, spec_text


class Reports(Model):
    """What QA tester and auditor are shown."""

    reports: list[CheckReport]


class Checked(Model):
    """The reports of one tree: the same files give the same verdict, whichever commit and node they stand in."""

    tree: str
    reports: list[CheckReport]


@step(name="check", task_run_name="check {key}")
async def check(run_id: str, key: str) -> list[Finding]:
    """Run the checks of a change on the node's head; the findings that block (none when it passed)."""
    at = await here(run_id)
    issue = await get_issue(at.ctx.store, run_id, key)
    if issue.tested_head is not None and issue.tested_head == issue.head:
        return []
    checked = await reports_of(at, issue, EffectKind.QA)
    return await _conclude(at, issue, checked, group(checked.reports, key))


@step(name="check-whole", task_run_name="check the whole of {key}")
async def check_epic(run_id: str, key: str) -> list[Finding]:
    """Run every check on the epic's head and hear QA tester and auditor; the findings that block."""
    at = await here(run_id)
    issue = await get_issue(at.ctx.store, run_id, key)
    if issue.tested_head is not None and issue.tested_head == issue.head:
        return []
    checked = await reports_of(at, issue, EffectKind.QA_WHOLE)
    findings = one_each(blocking(checked.reports))
    if not findings:
        findings = await _opinions(at, checked.reports)
    return await _conclude(at, issue, checked, findings)


async def _conclude(at: Here, issue: Issue, checked: Checked, findings: list[Finding]) -> list[Finding]:
    head = _head(issue)
    if issue.pr_number is not None:
        text = check_comment(checked.reports, head)
        await comment(at, at.repo, issue.key, str(issue.round), issue.pr_number, EffectKind.COMMENT_QA, head[:12], text)
    await post_check_run(at, issue, head, checked.reports)
    kept = [each.model_copy(update={"findings": each.critical, "tests": []}) for each in checked.reports]
    told = {"reports": [each.model_dump(by_alias=True) for each in kept], "reportedHead": head}
    await change_issue(at.ctx.store, at.run.id, issue.key, told, expect={"head": head})
    asked = [finding for finding in findings if finding.ask]
    if asked and len(asked) == len(findings):
        raise ShiplineError(f"{issue.key} waits for a person: {asked[0].title}.", asked[0].evidence)
    if findings:
        return [finding for finding in findings if not finding.ask]  # what agents can mend comes first
    changed = await at.repo.changed_files(str(issue.base), head)
    own = [test for report in checked.reports for test in report.tests if test.split("::")[0] in changed]
    values: dict[str, object] = {"testedHead": head, **({"tests": own} if own else {})}
    moved = issue.status is not IssueStatus.QA
    await change_issue(
        at.ctx.store, at.run.id, issue.key, {**values, "status": IssueStatus.QA},
        expect={"head": head, "status": {"$ne": IssueStatus.DONE}},  # else another worker has taken it further
        msg=f"{issue.key} is {IssueStatus.QA}" if moved else "",
    )  # fmt: skip
    return []


async def reports_of(at: Here, issue: Issue, kind: EffectKind, round_: str = "") -> Checked:
    """What the checks say of the tree of the node's head: kept by tree, within a round (the node's, unless given)."""
    head = _head(issue)
    tree = await at.repo.tree_of(head)
    settings = await get_settings(at.run)

    key = Key(at.run.id, "trees", round_ or str(issue.round), kind, f"{tree[:12]}{_said(settings)}")
    whole = kind is EffectKind.QA_WHOLE

    async def act() -> Checked:
        standards = await standards_of(at, issue, settings)
        if at.run.executor is Executor.ACTIONS:
            async with counting(at.ctx.store, at.run.id):
                there = await check_there(
                    at.ctx, at.run, key, issue, head, whole, settings.coverage_percent, standards
                )  # fmt: skip
            return Checked(tree=tree, reports=there)
        async with at.ctx.test_slots, counting(at.ctx.store, at.run.id):
            made = await clone(await remote(at), head, workplace(at, issue.key, "qa"))
            try:
                reports = await check_all(
                    made.path, at.ctx.settings.home / "environments", whole=whole, minimum=settings.coverage_percent,
                    timeout=at.ctx.settings.test_timeout, standards=standards,
                )  # fmt: skip
            finally:
                await discard(made)
        return Checked(tree=tree, reports=reports)

    return await perform(
        at.ctx.store, key, Checked, act=act,
        look=nothing_to_find, say=lambda done: f"QA of {issue.key}: {summary(done.reports)}", phase=at.run.state,
        about=issue.key, long=True,
    )  # fmt: skip


def _said(settings: EffectiveSettings) -> str:
    """What people said of licences is part of what was asked: once it changes, the same tree is judged anew."""
    said = licence_lists(settings)
    return "" if said == LicenceLists() else f"-{digest(said.model_dump_json())[:6]}"


def _head(issue: Issue) -> str:
    if issue.head is None:
        raise NotFound(f"{issue.key} has no commit yet.", "Implement it first.")
    return issue.head


async def _opinions(at: Here, reports: list[CheckReport]) -> list[Finding]:
    told = [Section("What the checks say", as_yaml(Reports(reports=reports)))]
    if at.run.spec is not None:
        told.insert(0, Section("The spec", spec_text(at.run.spec)))
    judge = await compose(at.ctx, at.run, AgentType.QA_TESTER, "Judge the whole change", material=told)
    qa = await ask_planner(at.ctx, at.run, judge, QaOpinion)
    audit = await compose(at.ctx, at.run, AgentType.SECURITY_AUDITOR, "Audit the whole change", material=told)
    await ask_planner(at.ctx, at.run, audit, AuditOpinion)
    wanted = at.run.spec.acceptance_criteria if at.run.spec else []
    asked = bool(qa.criteria) or at.ctx.settings.planner != RECORDED
    open_ones = unproven(wanted, qa.criteria) if asked else []
    if qa.verdict == "pass" and open_ones:
        return [
            Finding(
                check="qa-tester", severity=Severity.CRITICAL, evidence="\n".join(f"- {each}" for each in open_ones),
                title=f"{len(open_ones)} acceptance criteria of the whole are without evidence",
                fingerprint=digest("criteria", *open_ones),
            )
        ]  # fmt: skip
    if qa.verdict == "pass":
        return []
    return [
        Finding(
            check="qa-tester", severity=Severity.CRITICAL, title="The QA tester rejects the whole", evidence=qa.summary,
            fingerprint=digest("qa-tester", qa.summary),
        )
    ]  # fmt: skip


def summary(reports: list[CheckReport]) -> str:
    """One line: each check with its word."""
    return ", ".join(f"{each.check} {each.verdict.value} ({each.summary})" for each in reports)


def group(reports: list[CheckReport], key: str) -> list[Finding]:
    """One finding a check, with all the evidence: what one cause broke is one defect."""
    grouped: list[Finding] = []
    for report in causes(reports):
        if grouped and is_tests(grouped[-1].check) and not is_tests(report.check):
            break  # with failing tests the other figures say nothing
        critical = report.critical
        first = critical[0]
        title = first.title if len(critical) == 1 else f"{first.title} (and {len(critical) - 1} more)"
        evidence = "\n\n".join(f"{each.title}\n{each.evidence}" for each in critical)
        grouped.append(first.model_copy(update={
            "title": title, "evidence": evidence, "fingerprint": digest(report.check, key),
        }))  # fmt: skip
    return grouped
