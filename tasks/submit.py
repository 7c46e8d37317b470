"""Taking an idea in: everything that can be refused is refused before anything is made."""

from __future__ import annotations

from agents_catalog.catalog import load_agents, load_onboarding
from ledger.models import Budget, Executor, Request, Run, Size
from ledger.runs import create_run, note_run, project_id
from ledger.settings import settings_of
from ledger.store import Store
from shipline.errors import InvalidInput, NoRecording, NotFound
from shipline.ids import digest, new_run_id
from tasks.agents.registry import require_known
from tasks.budget import effective
from tasks.context import context
from tasks.dispatching import require_secret
from tasks.github.repo import Repo
from tasks.prefect_api import prefect

IDEA_LIMIT = 20_000  # characters: about ten pages, well below what a model or an issue takes


async def submit(
    idea: str,
    repo: str,
    *,
    size: Size = Size.MEDIUM,
    dry_run: bool = False,
    budget: Budget | None = None,
    executor: Executor | None = None,
    run_id: str | None = None,
) -> Run:
    """Store an idea and its run; what ``budget`` and ``executor`` leave open is as the project's settings say.

    Raises InvalidInput, NotFound or NoRecording, and then nothing was made. With a ``run_id`` chosen before, a second
    call finds the run of the first.
    """
    text = idea.strip()
    if not text:
        raise InvalidInput("The idea is empty.", "Say in a sentence or two what should be possible afterwards.")
    if len(text) > IDEA_LIMIT:
        raise InvalidInput(
            f"The idea has {len(text):,} characters; {IDEA_LIMIT:,} is the most.",
            "Put the details into the repository.",
        )
    ctx = await context()
    require_known(ctx.settings, text)
    about = await Repo(ctx.github, repo).about()
    await seed_catalog(ctx.store)
    branch = str(about.default_branch)
    settings = await settings_of(ctx.store, project_id(repo))
    where = executor or settings.executor
    if where is Executor.ACTIONS:
        require_secret(ctx)
    run = await create_run(ctx.store, text, repo, branch, size=size, dry_run=dry_run, executor=where, run_id=run_id)
    allowed = effective(budget or Budget(), settings.budget)
    return await note_run(ctx.store, run.id, {"budget": allowed.model_dump(by_alias=True)})


async def submit_once(
    key: str,
    idea: str,
    repo: str,
    *,
    size: Size = Size.MEDIUM,
    dry_run: bool = False,
    budget: Budget | None = None,
    executor: Executor | None = None,
) -> Run:
    """Take an idea in and let a worker begin, once for each ``key``, however often and by however many it is asked.

    InvalidInput when the key stands for another request. What ``submit`` refuses may be asked again, put right.
    """
    ctx = await context()
    body = digest(idea, repo, size, str(dry_run), (budget or Budget()).model_dump_json(), executor or "")
    async with prefect(ctx.settings) as server:
        deployment = await server.deployment()  # refused here, nothing was made
        mine = Request(id=key, body=body, run_id=new_run_id())
        await ctx.store.insert(mine)
        known = await ctx.store.get(Request, key)
        if known.body != body:
            raise InvalidInput(f"{key!r} stands for another request already.", "Give this one a key of its own.")
        found = await ctx.store.find_one(Run, {"_id": known.run_id})
        try:
            run = found or await submit(
                idea, repo, size=size, dry_run=dry_run, budget=budget, executor=executor, run_id=known.run_id
            )
        except (InvalidInput, NotFound, NoRecording):
            await ctx.store.collection(Request).delete_one({"_id": key, "runId": known.run_id})
            raise
        if not run.interrupt.paused and run.outcome is None:
            await server.start(deployment, run.id, once=f"begin {run.id}", dry_run=dry_run)
    return run


async def seed_catalog(store: Store) -> None:
    """The agents and documents that the catalog ships, where the ledger has none yet."""
    for document in [*load_agents(), *load_onboarding()]:
        await store.insert(document)


async def parallel_limit() -> int:
    """How many leaves may be worked on at once."""
    return (await context()).settings.max_parallel
