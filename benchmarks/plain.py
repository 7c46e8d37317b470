"""The baseline of (b): an idea to a release as a plain asyncio script, without ledger, effects or Prefect.

It makes the same calls to GitHub, git, QA and agents, in the same order and as many at once, and forgets all when it
ends: no retry, no timeline, no look before it acts, nothing to resume.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date

from benchmarks import plain_leaf as leaf
from benchmarks.plain_leaf import World
from flows.plan import from_the_top
from ledger.models import AgentType, Finding, Issue, IssueStatus, IssueType, PlanNode, Spec, issue_id, now
from ledger.rules.defects import already_filed, make_defect, owner_of
from ledger.rules.status import propagate
from ledger.rules.steps import Step, next_steps, stuck
from ledger.rules.version import next_version
from shipline.ids import digest
from tasks import git
from tasks.answers import Criteria, Order, ReleaseStory, Roadmap
from tasks.deploy import process
from tasks.github.linking import Linked
from tasks.github.shapes import IssueRef
from tasks.issues import LABELS
from tasks.notes import release_notes, requirement_rows
from tasks.planning import assemble
from tasks.quality import check_whole, read_target_settings, target_environment
from tasks.releasing import _current_version, _write_release
from tasks.texts import issue_body, spec_text, trailers


async def deliver(world: World, workers: int) -> process.Running | None:
    """The whole story; returns what was deployed, which the caller ends."""
    spec = await _spec(world)
    await _plan(world, spec)
    merged = False
    while not merged:
        await _execute(world, workers)
        merged = await _qa(world) and await _merge(world)
    return await _release(world, spec)


async def _spec(world: World) -> Spec:
    repo = world.repo
    default = str((await repo.about()).default_branch)
    source = str(await repo.branch_sha(default))
    if await repo.branch_sha("integration") is None:
        await repo.create_branch("integration", source)
    if not await repo.merge_branch("integration", default, f"Bring integration up to {default}"):
        await repo.branch_sha("integration")
    asked = await world.planner.ask(world.job(AgentType.SPEC_WRITER, "Write the spec"), Spec)
    return Spec.model_validate(asked.output.answer)


async def _plan(world: World, spec: Spec) -> None:
    repo, ask, job = world.repo, world.planner.ask, world.job
    roadmap = await ask(job(AgentType.ROADMAP_DECOMPOSER, "Draw the tree"), Roadmap)
    criteria = await ask(job(AgentType.ACCEPTANCE_CRITERIA_AUTHOR, "Write the criteria"), Criteria)
    order = await ask(job(AgentType.ISSUE_PLANNER, "Order the tree"), Order)
    plan = assemble(
        Roadmap.model_validate(roadmap.output.answer), Criteria.model_validate(criteria.output.answer),
        Order.model_validate(order.output.answer),
    )  # fmt: skip
    world.issues = {node.key: _issue(world, node) for node in plan.nodes}
    for name, (color, description) in LABELS.items():
        await repo.create_label(name, color, description)
    for key in from_the_top(world.tree):
        await _file_issue(world, key)
    for key in from_the_top(world.tree):
        await _link(world, key)
    root = world.tree.root.key
    await leaf.branch(world, root)
    issue = world.issues[root]
    path = f"docs/specs/{str(issue.branch).partition('/')[2]}.md"
    message = f"Spec: {spec.title} (#{issue.number})\n\n{trailers(world.run.id, root, 'spec')}\n"
    world.set(root, head=await repo.put_file(str(issue.branch), path, spec_text(spec), message))
    await leaf.open_pull(world, root)
    await repo.about()


def _issue(world: World, node: PlanNode) -> Issue:
    run, shared = world.run, node.model_dump(exclude={"estimate_usd"})
    labels = ["shipline", f"type:{node.type.value}"]
    return Issue(
        id=issue_id(run.id, node.key), run_id=run.id, project_id="plain", repo=run.repo, labels=labels, **shared
    )


async def _file_issue(world: World, key: str) -> None:
    issue = world.issues[key]
    parent = world.issues[issue.parent].github_id if issue.parent else None
    made = await world.repo.create_issue(issue.title, issue_body(issue, world.run), issue.labels, parent)
    world.set(key, number=made.number, github_id=made.id)


async def _link(world: World, key: str) -> None:
    issue = world.issues[key]
    for other in [*issue.dependencies, *(defect.key for defect in world.tree.defects(key))]:
        if (key, other) not in world.blocked:
            world.blocked.add((key, other))
            by = IssueRef(number=int(world.issues[other].number or 0), id=int(world.issues[other].github_id or 0))
            await Linked(world.repo.host, world.repo.full_name).block(int(issue.number or 0), by, "")


async def _execute(world: World, workers: int) -> None:
    await _tell(world)
    running: dict[asyncio.Task[None], Step] = {}
    while True:
        for step in next_steps(world.tree, list(running.values()), workers):
            work = _build if step.kind == "build" else _land
            running[asyncio.create_task(work(world, step.key))] = step
        if not running:
            break
        finished, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        for task in finished:
            del running[task]
            task.result()
    if problems := stuck(world.tree):
        raise AssertionError("; ".join(problems))


async def _build(world: World, key: str) -> None:
    issue, finding = world.issues[key], None
    if issue.status is IssueStatus.NEW:  # else its defects are mended, and it is only to be checked again
        for node in [*reversed(world.tree.ancestors(key)), issue]:
            await leaf.branch(world, node.key)
            if node.branch and node.status is IssueStatus.NEW:
                await leaf.bring_up(world, node.key)
        await leaf.implement(world, key)
        await leaf.open_pull(world, key)
        finding = await leaf.review(world, key)
    findings = [finding] if finding else await leaf.check(world, key)
    if findings:
        await _file_under(world, key, findings)


async def _land(world: World, key: str) -> None:
    while True:
        await leaf.bring_up(world, key)
        if findings := await leaf.check(world, key):
            await _file_under(world, key, findings)
            return
        await leaf.open_pull(world, key)
        if await leaf.merge(world, key):
            await _settle(world, key)
            return


async def _settle(world: World, key: str) -> None:
    await world.repo.set_issue_state(int(world.issues[key].number or 0), "closed", "completed")
    await _tell(world)
    issue = world.issues[key]
    for above in world.tree.ancestors(key):
        if above.branch == issue.base and above.status is not IssueStatus.DONE:
            await leaf.open_pull(world, above.key)


async def _tell(world: World) -> None:
    for key, status in propagate(world.tree).items():
        before = world.issues[key].status
        number = int(world.set(key, status=status).number or 0)
        if status is IssueStatus.DONE:
            await world.repo.set_issue_state(number, "closed", "completed")
        elif before is IssueStatus.DONE:
            world.set(key, round=world.issues[key].round + 1)
            await world.repo.set_issue_state(number, "open", "reopened")


async def _file_under(world: World, key: str, findings: Sequence[Finding]) -> None:
    issue = world.issues[key]
    if issue.type is IssueType.DEFECT:
        world.set(key, round=issue.round + 1, status=IssueStatus.NEW, tested_head=None)
        return
    for finding in findings:
        await _file(world, key, finding)


async def _file(world: World, owner: str, finding: Finding) -> None:
    filed = already_filed(world.tree, finding.fingerprint)
    if filed is None or filed.status is IssueStatus.DONE:
        filed = make_defect(world.tree, owner, finding, at=now())
        world.issues[filed.key] = filed
        world.set(owner, tested_head=None)
        await _file_issue(world, filed.key)
    await _link(world, owner)
    await _tell(world)


async def _qa(world: World) -> bool:
    root = world.tree.root.key
    await leaf.bring_up(world, root)
    findings = await leaf.check(world, root, check_whole)
    for finding in findings:
        await _file(world, owner_of(world.tree, finding.path), finding)
    return not findings


async def _merge(world: World) -> bool:
    root = world.tree.root.key
    if not await leaf.merge(world, root):
        return False
    await _settle(world, root)
    source = str(await world.repo.branch_sha("integration"))
    if await world.repo.branch_sha("regression") is None:
        await world.repo.create_branch("regression", source)
    await world.repo.merge_branch("regression", "integration", "Bring regression up to integration")
    return True


async def _release(world: World, spec: Spec) -> process.Running | None:
    asked = await world.planner.ask(world.job(AgentType.RELEASE_MANAGER, "Write the notes"), ReleaseStory)
    story = ReleaseStory.model_validate(asked.output.answer)
    made = await world.clone("integration", "run-release")
    version = next_version(await world.repo.tags(), _current_version(made.path), "minor")
    _write_release(made.path, version, story, date.today().isoformat())
    await made.stage()
    trailer = trailers(world.run.id, "run", "release")
    commit = await made.commit("", f"Release v{version}\n\n{story.headline}\n\n{trailer}\n")
    await made.push(commit, "integration")
    await git.discard(made)
    notes = release_notes(world.run, story, requirement_rows(spec, world.tree.issues), world.run.chain)
    await world.repo.create_release(f"v{version}", commit, f"v{version}: {story.headline}", notes)
    return await _deploy(world, f"v{version}")


async def _deploy(world: World, tag: str) -> process.Running | None:
    label = digest(world.run.id, tag)
    url = str((await world.repo.about()).clone_url)
    folder = world.home / "deployments" / world.run.id / tag
    token = await world.repo.host.git_token(world.repo.full_name)
    made = await git.clone(git.Remote(url, token), tag, folder)
    wanted = read_target_settings(made.path).deploy
    if wanted is None:
        return None
    environment = await target_environment(folder, world.home / "environments")
    log = world.home / "logs" / f"plain-{label}.log"
    running = await process.start(label, folder, wanted.command, environment.python, log, None)
    await process.wait_healthy(running, wanted.health, log)
    return running
