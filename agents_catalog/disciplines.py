"""What each discipline asks of whoever works in it: part of every prompt, by role and by what the work is on."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from ledger.models import AgentType

_FOLDER = Path(__file__).parent / "disciplines"
PLANNING, PRODUCT, FRONT_END, BACK_END = "planning", "product", "front-end", "back-end"
QA, DEVOPS, MARKETING = "qa", "devops", "marketing"

_OF_ROLES: dict[AgentType, tuple[str, ...]] = {
    AgentType.SPEC_WRITER: (PRODUCT,),
    AgentType.ROADMAP_DECOMPOSER: (PLANNING, PRODUCT),
    AgentType.ACCEPTANCE_CRITERIA_AUTHOR: (PRODUCT, QA),
    AgentType.ISSUE_PLANNER: (PLANNING,),
    AgentType.TEST_AUTHOR: (QA,),
    AgentType.QA_TESTER: (QA,),
    AgentType.SECURITY_AUDITOR: (BACK_END, DEVOPS),
    AgentType.RELEASE_MANAGER: (DEVOPS, MARKETING),
    AgentType.INFRA_DEPLOY_ENGINEER: (DEVOPS,),
}
_ON_A_PAGE = frozenset((".html", ".css", ".scss", ".less", ".jsx", ".tsx", ".vue", ".svelte", ".svg"))
_OPERATED = frozenset(("dockerfile", "makefile", "compose.yaml", "docker-compose.yml", "procfile"))
_OPERATED_KINDS = frozenset((".tf", ".hcl", ".sh"))


def disciplines(who: AgentType, files: Iterable[str] = ()) -> tuple[str, ...]:
    """The disciplines of a role; of those who write or review code, by the files that their issue names."""
    if who in _OF_ROLES:
        return _OF_ROLES[who]
    found = {_of_file(PurePosixPath(path.lower())) for path in files}
    return tuple(each for each in (FRONT_END, BACK_END, DEVOPS) if each in found) or (BACK_END,)


def discipline(name: str) -> str:
    """What is asked of it, in Markdown."""
    return (_FOLDER / f"{name}.md").read_text("utf-8").strip()


def _of_file(path: PurePosixPath) -> str:
    if path.suffix in _ON_A_PAGE:
        return FRONT_END
    return DEVOPS if path.name in _OPERATED or path.suffix in _OPERATED_KINDS else BACK_END
