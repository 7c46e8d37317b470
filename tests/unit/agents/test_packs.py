"""Context packs: what they hold, in which order, and what is said of one that cannot be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from agents_catalog.catalog import load_agents
from ledger.models import Agent, AgentType
from shipline.errors import Unavailable
from tasks.agents import packs
from tasks.agents.packs import MOST_NUMBER, read_packs, relevance, ways_to


@dataclass
class Repository:
    """The files of a repository, and how many pull requests were asked for."""

    files: dict[str, str]
    broken: set[str] = field(default_factory=set)
    asked: list[int] = field(default_factory=list)

    async def paths(self, ref: str) -> list[str]:
        return sorted(self.files)

    async def text(self, ref: str, path: str) -> str | None:
        if path in self.broken:
            raise Unavailable("GitHub answers 502.", "Retry later.")
        return self.files.get(path)

    async def merged_pulls(self, number: int) -> list[Any]:
        self.asked.append(number)
        return []


Read = Callable[..., Any]


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch) -> Repository:
    """An empty one, read instead of GitHub."""
    made = Repository({})
    monkeypatch.setattr(packs, "Reader", lambda *_: made)
    return made


def _agent(*names: str, who: AgentType = AgentType.DEVELOPER_IMPLEMENTER) -> Agent:
    found = next(each for each in load_agents() if each.type is who)
    return found.model_copy(update={"context_packs": list(names)})


async def _titles(agent: Agent, *files: str) -> list[str]:
    return [each.title for each in await _read(agent, *files)]


async def _read(agent: Agent, *files: str) -> Any:
    return await read_packs(cast(Any, SimpleNamespace(github=None)), cast(Any, SimpleNamespace(repo="a/b")), agent,
                            "integration", files)  # fmt: skip


async def test_who_works_on_code_reads_the_rules_and_incidents_are_a_pack(repository: Repository) -> None:
    repository.files = {
        "AGENTS.md": "Be brief.", ".cursor/rules/style.mdc": "Tabs.", ".cursor/rules/logo.png": "",
        "docs/incidents/2026-01.md": "It fell.", "docs/postmortems/one.md": "It rose.", "docs/other.md": "No.",
    }  # fmt: skip
    assert await _titles(_agent("incidents")) == [
        "AGENTS.md", ".cursor/rules/style.mdc", "docs/postmortems/one.md", "docs/incidents/2026-01.md",
    ]  # fmt: skip
    assert await _titles(_agent("incidents", who=AgentType.SPEC_WRITER)) == [
        "docs/postmortems/one.md", "docs/incidents/2026-01.md",
    ]  # fmt: skip


async def test_the_rules_nearest_to_the_issue_s_files_come_first(repository: Repository) -> None:
    repository.files = dict.fromkeys(("AGENTS.md", "web/AGENTS.md", "web/pages/AGENTS.md", "api/AGENTS.md"), "x")
    assert await _titles(_agent(), "web/pages/home.tsx") == ["web/pages/AGENTS.md", "web/AGENTS.md", "AGENTS.md"]
    assert await _titles(_agent(), "setup.py") == ["AGENTS.md"]
    assert ways_to(["../x", "a/b.py"], "N")[-1] == "N"


async def test_documents_that_speak_of_the_files_come_first_and_then_the_newest(repository: Repository) -> None:
    repository.files = {f"docs/adr/{number:04}-thing.md": "x" for number in range(20)}
    repository.files["docs/adr/0003-budgets-by-month.md"] = "x"
    first, *rest = await _titles(_agent("adr"), "tally/budgets.py")
    assert first == "docs/adr/0003-budgets-by-month.md"
    assert rest == [f"docs/adr/{number:04}-thing.md" for number in range(19, 12, -1)]
    assert relevance("docs/adr/0001-of-a-to.md", ["of/a/to.py"]) == 0, "short words say nothing"


async def test_one_that_cannot_be_read_says_so_and_the_others_are_read(repository: Repository) -> None:
    repository.files = {"README.md": "# Here", "NOTES.md": "x"}
    repository.broken = {"NOTES.md"}
    unread, read = await _read(_agent("NOTES.md", "README.md"))
    assert (unread.title, unread.text, unread.note) == ("NOTES.md", "", "could not be read (GitHub answers 502.)")
    assert read.text == "# Here"


@pytest.mark.parametrize(("name", "number"), [("priorPRs:99", MOST_NUMBER), ("priorPRs:2", 2), ("priorPRs:x", 3)])
async def test_a_number_has_a_bound(repository: Repository, name: str, number: int) -> None:
    await _read(_agent(name))
    assert repository.asked == [number]
