"""Which checks a branch requires before a merge, and what the checks of a commit say."""

from __future__ import annotations

from typing import Any

from ledger.models import Model
from shipline.errors import NotFound
from tasks.github.repo import Repo


class CheckSeen(Model):
    """A check or a status. ``state`` is ``pending`` until it ended, then GitHub's word for how."""

    name: str
    state: str
    said: str = ""
    url: str = ""

    @property
    def good(self) -> bool:
        """Whether it ended so that GitHub lets a merge pass."""
        return self.state in ("success", "neutral", "skipped")


async def required_checks(repo: Repo, branch: str) -> list[str]:
    """The names that rulesets and branch protection ask for; none where a host has neither."""
    rest: Any = repo.host.client.rest
    at = {"owner": repo.owner, "repo": repo.name, "branch": branch}
    found: set[str] = set()
    try:
        ruled = await repo.host.ask(lambda: rest.repos.async_get_branch_rules(**at, per_page=100))
        for rule in ruled.json():
            if rule["type"] == "required_status_checks":
                found |= {each["context"] for each in rule["parameters"]["required_status_checks"]}
    except NotFound:  # an Enterprise Server from before rulesets
        pass
    try:
        protected = (await repo.host.ask(lambda: rest.repos.async_get_branch(**at))).json()
    except NotFound:
        return sorted(found)
    asked = (protected.get("protection") or {}).get("required_status_checks") or {}
    if asked.get("enforcement_level") != "off":
        found |= set(asked.get("contexts") or ())
    return sorted(found)


async def seen_checks(repo: Repo, sha: str) -> dict[str, CheckSeen]:
    """The newest of each name; where a status and a check run share one, the one that is not through counts."""
    rest: Any = repo.host.client.rest
    at = {"owner": repo.owner, "repo": repo.name, "ref": sha}
    found: dict[str, CheckSeen] = {}
    statuses = (await repo.host.ask(lambda: rest.repos.async_get_combined_status_for_ref(**at, per_page=100))).json()
    for each in statuses["statuses"]:
        state = "failure" if each["state"] == "error" else each["state"]
        found[each["context"]] = CheckSeen(
            name=each["context"], state=state, said=each["description"] or "", url=each["target_url"] or ""
        )
    for page in range(1, 11):
        told = (await repo.host.ask(lambda: rest.checks.async_list_for_ref(**at, per_page=100, page=page))).json()  # noqa: B023
        for each in told["check_runs"]:
            seen = _check(each)
            if each["name"] not in found or seen.state == "pending":
                found[each["name"]] = seen
        if len(told["check_runs"]) < 100:
            break
    return found


def _check(told: dict[str, Any]) -> CheckSeen:
    output = told.get("output") or {}
    said = "\n".join(part for part in (output.get("title"), output.get("summary")) if part)
    state = str(told["conclusion"]) if told["status"] == "completed" else "pending"
    return CheckSeen(name=told["name"], state=state, said=said, url=told.get("html_url") or "")
