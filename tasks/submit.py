"""Taking an idea in: everything that can be refused is refused before anything is made."""

from __future__ import annotations

from agents_catalog.catalog import load_agents, load_onboarding
from ledger.models import Budget, Run, Size, UserSettings
from ledger.runs import create_run, note_run
from shipline.errors import InvalidInput
from tasks.agents.registry import require_known
from tasks.budget import effective
from tasks.context import Context, context
from tasks.github.repo import Repo

IDEA_LIMIT = 20_000  # characters: about ten pages, well below what a model or an issue takes


async def submit(
    idea: str, repo: str, *, size: Size = Size.MEDIUM, dry_run: bool = False, budget: Budget | None = None
) -> Run:
    """Store an idea and its run; what ``budget`` leaves open is as the project's settings say.

    Raises InvalidInput, NotFound or NoRecording, and then nothing was made.
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
    await seed_catalog(ctx)
    run = await create_run(ctx.store, text, repo, str(about.default_branch), size=size, dry_run=dry_run)
    allowed = effective(budget or Budget(), (await ctx.store.get(UserSettings, run.project_id)).budget)
    return await note_run(ctx.store, run.id, {"budget": allowed.model_dump(by_alias=True)})


async def seed_catalog(ctx: Context) -> None:
    """The agents and documents that the catalog ships, where the ledger has none yet."""
    for document in [*load_agents(), *load_onboarding()]:
        await ctx.store.insert(document)


async def parallel_limit() -> int:
    """How many leaves may be worked on at once."""
    return (await context()).settings.max_parallel
