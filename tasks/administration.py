"""What a person may change of how Shipline works: a project's settings, the agents, what agents read first.

Every change says whose it is and what stood there before; a wrong value is refused in words and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic.alias_generators import to_camel

from ledger.models import (
    Agent,
    AgentType,
    Budget,
    DocVersion,
    EffectiveSettings,
    OnboardingDoc,
    Revision,
    UserSettings,
    now,
)
from ledger.rules.settings import FIELDS, resolve
from ledger.runs import project_id
from ledger.settings import USER
from ledger.store import Store
from shipline.errors import InvalidInput, NotFound
from tasks.context import context
from tasks.submit import seed_catalog

T = TypeVar("T", UserSettings, Agent)

SETTINGS = (*FIELDS, "budget")
WHOLE = (*SETTINGS, "layered")
OF_AGENTS = ("enabled", "goals", "tools", "constraints", "guardrails", "context_packs", "onboarding_doc_ref")
KEPT = 100  # changes of one thing that are remembered
VERSIONS = 20  # of a document
LONGEST = 100_000  # characters of a document


async def project_settings(repo: str | None) -> EffectiveSettings:
    """What holds for a repository, or (None) for all that set nothing themselves, with where each value comes from.

    NotFound while no run was started for the repository.
    """
    level, user = await _levels((await context()).store, repo)
    return _resolved(level, user)


async def change_settings(repo: str | None, values: Mapping[str, Any], *, by: str) -> EffectiveSettings:
    """Set some of ``SETTINGS`` of a repository, or (None) of the user; None leaves a value to the level behind.

    InvalidInput names what does not fit.
    """
    _only(values, SETTINGS)
    store = (await context()).store
    while True:
        level, user = await _levels(store, repo)
        if level.id == USER:
            await store.insert(level)  # with nothing in it, when nobody has set anything yet

        def shown(each: UserSettings, name: str, user: UserSettings = user) -> Any:
            return getattr(_resolved(each, user), name)

        # All of a level, so that one of a time before there were levels is read as what it is from then on.
        changed = await _changed(store, level, values, by, shown, WHOLE)
        if changed is not None:
            return _resolved(changed, user)


async def change_agent(kind: AgentType, values: Mapping[str, Any], *, by: str) -> Agent:
    """Set some of ``OF_AGENTS`` of one of the twelve."""
    _only(values, OF_AGENTS)
    ctx = await context()
    await seed_catalog(ctx.store)
    while True:
        before = await ctx.store.find_one(Agent, {"type": kind, "projectId": None})
        if before is None:
            raise NotFound(f"The catalog has no agent {kind}.")
        changed = await _changed(ctx.store, before, values, by)
        if changed is not None:
            return changed


async def write_onboarding(name: str, text: str, *, by: str, version: int) -> OnboardingDoc:
    """A new version of a document that agents read first; ``version`` is the one that was read before writing.

    InvalidInput when another person wrote in between: nothing of theirs is lost.
    """
    if not text.strip() or len(text) > LONGEST:
        raise InvalidInput(f"A document has 1 to {LONGEST:,} characters; this one has {len(text.strip()):,}.")
    store = (await context()).store
    before = await store.find_one(OnboardingDoc, {"_id": name})
    if before is None:
        raise NotFound(f"There is no document {name}.")
    if before.text == text:
        return before
    old = DocVersion(version=before.version, text=before.text, by=before.by, at=before.updated_at)
    earlier = [*before.earlier, old][-VERSIONS:]
    values = {
        "text": text,
        "version": version + 1,
        "by": by,
        "earlier": [each.model_dump(by_alias=True) for each in earlier],
    }
    changed = await store.change(OnboardingDoc, name, values, expect={"version": version})
    if changed is None:
        raise InvalidInput(f"{name} was changed meanwhile (version {before.version}).", "Read it again, then write.")
    return changed


async def catalog(store: Store | None = None) -> tuple[list[Agent], list[OnboardingDoc]]:
    """The agents and the documents, by name; those that ship are there from the first look.

    ``store`` is for who has one of less patience.
    """
    store = store or (await context()).store
    await seed_catalog(store)
    agents = await store.find(Agent, {"projectId": None}, [("name", 1)])
    return agents, await store.find(OnboardingDoc, {}, [("_id", 1)])


async def own_budget(repo: str | None) -> Budget:
    """The limits that a repository, or (None) the user, sets itself."""
    return (await _levels((await context()).store, repo))[0].budget


async def _levels(store: Store, repo: str | None) -> tuple[UserSettings, UserSettings]:
    """The level that is asked for, and the user's (the same, when that is asked for)."""
    user = await store.find_one(UserSettings, {"_id": USER}) or UserSettings(id=USER)
    if repo is None:
        return user, user
    found = await store.find_one(UserSettings, {"_id": project_id(repo)})
    if found is None:
        raise NotFound(f"{repo} has no project yet.", "It is made with the first idea for it.")
    return found, user


def _resolved(level: UserSettings, user: UserSettings) -> EffectiveSettings:
    found = resolve(None, level) if level.id == USER else resolve(level, user)
    return found.model_copy(update={"history": level.history})


def _only(values: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for name in values:
        if name not in known:
            raise InvalidInput(f"There is no setting {name!r}.", f"There are: {', '.join(known)}.")


async def _changed(
    store: Store,
    before: T,
    values: Mapping[str, Any],
    by: str,
    shown: Callable[[T, str], Any] = getattr,
    always: Collection[str] = (),
) -> T | None:
    """The changed document; None when somebody else changed it meanwhile.

    ``shown`` is what the history tells; ``always`` is written whether it changed or not.
    """
    model = type(before)
    try:
        after = model.model_validate({**before.model_dump(), **values})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "a value"
        raise InvalidInput(f"{name} is not usable: {first['msg']}.", "Nothing was changed.") from None
    different: list[str] = [name for name in values if getattr(before, name) != getattr(after, name)]
    if not different:
        return before
    told = Revision(by=by, at=now(), changes={n: (_text(shown(before, n)), _text(shown(after, n))) for n in different})
    history = [*before.history, told][-KEPT:]
    raw = after.to_mongo()
    written = {to_camel(name): raw[to_camel(name)] for name in {*different, *always}}
    written["history"] = [each.model_dump(by_alias=True) for each in history]
    return await store.change(model, before.id, written, expect={"updated_at": before.updated_at})


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "\n".join(map(str, value))
    if hasattr(value, "model_dump"):
        return ", ".join(f"{name} {amount:g}" for name, amount in value.model_dump(exclude_none=True).items()) or "none"
    return str(value)
