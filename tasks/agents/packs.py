"""Context packs by name (the notes, §2.2): what an agent reads besides its task.

``onboarding.<name>``, ``recentLogs:N``, ``priorPRs:N``, ``adr``, ``incidents``, or the path of a file of the
repository. Those who work on code are also given the repository's own rules, ``AGENTS.md`` and ``.cursor/rules``: those
that lie nearest to the issue's files first. Of a folder the documents come first whose names speak of those files.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import PurePosixPath

from agents_catalog.catalog import load_onboarding
from ledger.models import Agent, Engine, Event, Level, OnboardingDoc, Run
from shipline.errors import ShiplineError
from tasks.agents.material import Section
from tasks.agents.untrusted import one_line, rendered, shown
from tasks.context import Context
from tasks.github.reading import PullSummary, Reader

RECORDS = ("docs/adr", "docs/decisions", "doc/adr")
INCIDENTS = ("docs/incidents", "docs/postmortems")
RULES = "AGENTS.md"
MOST_DOCUMENTS = 8  # of a folder, the newest by name
MOST_NUMBER = 20  # recentLogs and priorPRs
_WRITERS = frozenset({"admin", "maintain", "write"})


async def read_packs(ctx: Context, run: Run, agent: Agent, ref: str, files: Sequence[str] = ()) -> list[Section]:
    """What the agent's packs hold at ``ref``, in their order, for work on ``files``.

    One that cannot be read says so instead.
    """
    source = _Source(ctx, run, Reader(ctx.github, run.repo), ref, files)
    names = [*([RULES, ".cursor/rules"] if agent.engine is not Engine.NEMOTRON else []), *agent.context_packs]
    found: list[Section] = []
    for name in dict.fromkeys(names):
        if f"onboarding/{name.removeprefix('onboarding.')}.md" == agent.onboarding_doc_ref:
            continue  # it stands at the head of the prompt
        try:
            found += await source.pack(name)
        except ShiplineError as error:
            found.append(Section(name, "", note=f"could not be read ({error.message})"))
    return found


@dataclass
class _Source:
    ctx: Context
    run: Run
    repo: Reader
    ref: str
    files: Sequence[str] = ()
    _paths: list[str] | None = None
    _may_write: dict[str, bool] = field(default_factory=dict)

    async def pack(self, name: str) -> list[Section]:
        head, _, number = name.partition(":")
        counted: dict[str, Callable[[int], Awaitable[list[Section]]]] = {
            "recentLogs": self._logs, "priorPRs": self._pulls,
        }  # fmt: skip
        folders = {"adr": RECORDS, "incidents": INCIDENTS, ".cursor/rules": (".cursor/rules",)}
        if name == RULES:
            return await self._rules()
        if head in counted:
            return await counted[head](min(int(number), MOST_NUMBER) if number.isdecimal() else 3)
        if name in folders:
            return await self._folder(folders[name])
        if head.startswith("onboarding."):
            return await self._onboarding(head.removeprefix("onboarding."))
        return await self._files([name])

    async def _onboarding(self, name: str) -> list[Section]:
        wanted = f"onboarding/{name}.md"
        stored = await self.ctx.store.find_one(OnboardingDoc, {"_id": wanted})
        shipped = next((each for each in load_onboarding() if each.id == wanted), None)
        text = (stored or shipped or OnboardingDoc(id=wanted, text="")).text
        return [Section(wanted, text, note="" if text else "there is none")]

    async def _logs(self, number: int) -> list[Section]:
        levels = [each.value for each in (Level.WARNING, Level.ERROR)]
        newest = await (
            self.ctx.store.collection(Event)
            .find({"runId": self.run.id, "level": {"$in": levels}}, {"msg": 1, "nodeId": 1}, sort=[("seq", -1)])
            .limit(number)
            .to_list()
        )
        lines = [one_line(f"{each.get('nodeId') or 'run'}: {each['msg']}", 600) for each in reversed(newest)]
        return [Section("What went wrong lately", "\n".join(f"- {line}" for line in lines))] if lines else []

    async def _pulls(self, number: int) -> list[Section]:
        return [await self._pull(each) for each in await self.repo.merged_pulls(number)]

    async def _pull(self, pull: PullSummary) -> Section:
        title = f"Pull request #{pull.number}"
        if not await self._trusted(pull.author):
            return Section(title, "", note=f"its author, {one_line(pull.author)}, may not write here")
        text, hidden = rendered(f"{one_line(pull.title)}\n\n{pull.body}")
        return Section(title, text, hidden)

    async def _trusted(self, login: str) -> bool:
        """By what they may do: an App is told of no association of private members."""
        if login not in self._may_write:
            ours = login == await self.ctx.github.login()
            self._may_write[login] = ours or await self.repo.permission(login) in _WRITERS
        return self._may_write[login]

    async def _folder(self, folders: Iterable[str]) -> list[Section]:
        inside = [
            each
            for each in await self._all_paths()
            if any(each.startswith(f"{folder}/") for folder in folders)
            and PurePosixPath(each).suffix in (".md", ".mdc", ".txt", ".rst")
        ]
        newest = sorted(inside, reverse=True)
        return await self._files(sorted(newest, key=lambda each: -relevance(each, self.files))[:MOST_DOCUMENTS])

    async def _rules(self) -> list[Section]:
        """``AGENTS.md`` of every folder on the way to the issue's files, the nearest first."""
        there = set(await self._all_paths()) if any("/" in each for each in self.files) else {RULES}
        return await self._files(each for each in ways_to(self.files, RULES) if each in there)

    async def _all_paths(self) -> list[str]:
        if self._paths is None:
            self._paths = await self.repo.paths(self.ref)
        return self._paths

    async def _files(self, paths: Iterable[str]) -> list[Section]:
        read = partial(self.repo.text, self.ref)
        found = [(path, await read(path)) for path in paths]
        return [Section(path, *shown(text)) for path, text in found if text]


def ways_to(files: Iterable[str], name: str) -> list[str]:
    """Where ``name`` may lie in a folder on the way to the files: the deepest first, the repository's own last."""
    folders = {parent for each in files for parent in PurePosixPath(each).parents} | {PurePosixPath(".")}
    deepest = sorted(folders, key=lambda each: (-len(each.parts), str(each)))
    return [str(each / name) for each in deepest]


def relevance(path: str, files: Iterable[str]) -> int:
    """How many words the name of a document shares with the paths of the files."""
    return len(_words(PurePosixPath(path).stem) & {word for each in files for word in _words(each)})


def _words(path: str) -> set[str]:
    return {word for word in re.split(r"[^a-z]+", path.lower()) if len(word) > 2}
