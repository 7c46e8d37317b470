"""Pull requests and git: what git says of them, and how they follow their branches."""

from __future__ import annotations

from sandbox.hub import Hub
from sandbox.plumbing import history, merging, refs
from sandbox.plumbing.git import Git
from sandbox.shapes.pulls import PULLS, Facts
from sandbox.store import Row, now


async def facts(hub: Hub, git: Git, pull: Row) -> Facts:
    """Mergeability and size of a pull request, from the commits it stands at."""
    base, head = pull["base_sha"], pull["head_sha"]
    size = hub.known("size", base, head)
    if size is None:
        fork = await history.merge_base(git, base, head) or await history.empty_tree(git)
        size = (await history.count(git, f"{base}..{head}"), *await history.stat(git, fork, head))
        hub.remember(size, "size", base, head)
    mergeable = await can_merge(hub, git, base, head) if pull["state"] == "open" else None
    return Facts(mergeable, *size)


async def can_merge(hub: Hub, git: Git, base: str, head: str) -> bool:
    """Whether git can merge two commits without help."""
    found = hub.known("clean", base, head)
    if found is None:
        found = await merging.merged_tree(git, base, head) is not None
        hub.remember(found, "clean", base, head)
    return bool(found)


async def follow_refs(hub: Hub, repo: Row) -> None:
    """After refs changed: open pull requests move with their branches, are merged by a push, or close with them.

    Called with the repository's lock held, before the answer to whoever changed the refs goes out.
    """
    hub.store.update("repos", repo["id"], pushed_at=now())
    pulls = hub.store.all(f"{PULLS} WHERE issues.repo_id = ? AND issues.state = 'open'", repo["id"])
    if not pulls:
        return
    git = hub.git(repo)
    heads = await refs.heads(git)
    for pull in pulls:
        await _follow(hub, git, _retargeted(hub, pull, heads), heads)


def _retargeted(hub: Hub, pull: Row, heads: dict[str, str]) -> Row:
    """When the branch below was merged and deleted, GitHub lets the pull request go to where that one went."""
    if pull["base_ref"] in heads:
        return pull
    sql = f"{PULLS} WHERE p.repo_id = ? AND p.head_ref = ? AND p.merged_at IS NOT NULL ORDER BY p.id DESC"
    below = hub.store.one(sql, pull["repo_id"], pull["base_ref"])
    if below is None or below["base_ref"] not in heads:
        return pull
    hub.store.update("pulls", pull["pull_id"], base_ref=below["base_ref"], base_sha=below["base_sha"])
    return pull | {"base_ref": below["base_ref"], "base_sha": below["base_sha"]}


async def _follow(hub: Hub, git: Git, pull: Row, heads: dict[str, str]) -> None:
    head, base = heads.get(pull["head_ref"]), heads.get(pull["base_ref"])
    if (head, base) == (pull["head_sha"], pull["base_sha"]):
        return
    if head is not None and head != pull["head_sha"]:
        await refs.move(git, f"refs/pull/{pull['number']}/head", head)
        hub.store.update("pulls", pull["pull_id"], head_sha=head)
        hub.store.update("issues", pull["id"], updated_at=now())
    if base is not None and base != pull["base_sha"] and await refs.contains(git, base, head or pull["head_sha"]):
        close_as_merged(hub, pull, pull["login"], base)
        return
    if base is not None:
        hub.store.update("pulls", pull["pull_id"], base_sha=base)
    if head is None or base is None:
        moment = now()
        hub.store.update("issues", pull["id"], state="closed", closed_at=moment, updated_at=moment)


def close_as_merged(hub: Hub, pull: Row, login: str, merge_sha: str) -> None:
    """Write down that a pull request was merged; its base stays what it was before."""
    moment = now()
    with hub.store.write():
        hub.store.update("pulls", pull["pull_id"], merged_at=moment, merged_by=login, merge_sha=merge_sha)
        hub.store.update("issues", pull["id"], state="closed", closed_at=moment, closed_by=login, updated_at=moment)


async def follow_all(hub: Hub) -> None:
    """At the start: take in what a push changed just before the last process died."""
    repos = hub.store.all(
        "SELECT * FROM repos WHERE id IN (SELECT repo_id FROM issues WHERE is_pull AND state = 'open')"
    )
    for repo in repos:
        await follow_refs(hub, repo)
