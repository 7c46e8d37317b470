"""What two workers may have made both: issues, comments and reviews with our hidden marker that are one too many."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from ledger.effects import Key, nothing_to_find, perform
from ledger.models import Effect, EffectKind, EffectStatus, Issue
from ledger.rules.surplus import Marked, surplus
from ledger.rules.tree import Tree
from tasks.issues import Told
from tasks.reconcile import github
from tasks.reconcile.facts import Listing
from tasks.reconcile.noticed import Noticed
from tasks.state import Here
from tasks.texts import marker

_COMMENTS = (EffectKind.COMMENT_QA, EffectKind.REVIEW)


async def find_surplus(at: Here, tree: Tree, listing: Listing, *, mend: bool) -> list[Noticed]:
    """Find what is surplus, by listing, and take it back: the one that the ledger knows is kept."""
    found = [each for issue in tree.issues for each in await _issues(at, issue, listing, mend=mend)]
    return [*found, *await _comments(at, mend=mend), *await _reviews(at, tree, mend=mend)]


async def _issues(at: Here, issue: Issue, listing: Listing, *, mend: bool) -> list[Noticed]:
    mark = marker(at.run.id, issue.key)
    same = [each for each in listing.issues.values() if mark in str(each.body or "")]
    found = []
    for each in surplus([Marked(one.number, github.login(one.user)) for one in same], issue.number):
        if listing.issues[each.id].state != "open":
            continue
        what = f"Issue #{each.id} is a second one for {issue.key}; #{issue.number} is kept"

        async def act(number: int = each.id) -> Told:
            note = marker(at.run.id, issue.key, "surplus", str(number))
            if await at.repo.find_comment(number, note) is None:
                text = f"This was created twice by mistake; #{issue.number} is the one that counts.\n{note}"
                await at.repo.comment(number, text)
            await at.repo.set_issue_state(number, "closed", "duplicate")
            return Told(what=f"#{number} is closed as a duplicate of #{issue.number}")

        key = Key(at.run.id, issue.key, "1", EffectKind.ISSUE_CLOSE, f"surplus-{each.id}")
        found.append(await _take_back(at, key, act, what, mend=mend))
    return found


async def _comments(at: Here, *, mend: bool) -> list[Noticed]:
    known = await _known(at, EffectKind.COMMENT_QA)
    if not known:
        return []
    found = []
    for mark, same in _by_marker(await github.list_comments(at.repo, at.run.created_at), known).items():
        effect, kept = known[mark]
        for each in surplus(same, kept):

            async def act(comment: int = each.id) -> Told:
                await at.repo.delete_comment(comment)
                return Told(what=f"comment {comment} is deleted")

            what = f"Comment {each.id} says the same as {kept} ({effect.node_key})"
            key = Key(at.run.id, effect.node_key, "1", EffectKind.COMMENT_QA, f"surplus-{each.id}")
            found.append(await _take_back(at, key, act, what, mend=mend))
    return found


async def _reviews(at: Here, tree: Tree, *, mend: bool) -> list[Noticed]:
    known = await _known(at, EffectKind.REVIEW)
    reviewed = {effect.node_key for effect, _ in known.values()}
    found = []
    for number in [issue.pr_number for issue in tree.issues if issue.key in reviewed and issue.pr_number]:
        for mark, same in _by_marker(await github.list_reviews(at.repo, number), known).items():
            effect, kept = known[mark]
            for each in surplus(same, kept):

                async def act(pull: int = number, review: int = each.id) -> Told:
                    await at.repo.reword_review(pull, review, "Posted twice by mistake; the other review counts.")
                    return Told(what=f"review {review} is taken back")

                what = f"Review {each.id} of #{number} says the same as {kept}"
                key = Key(at.run.id, effect.node_key, "1", EffectKind.REVIEW, f"surplus-{each.id}")
                found.append(await _take_back(at, key, act, what, mend=mend))
    return found


async def _take_back(at: Here, key: Key, act: Any, what: str, *, mend: bool) -> Noticed:
    noticed = Noticed(run_id=at.run.id, node=key.node, what=what)
    if not mend:
        return noticed
    done = await perform(
        at.ctx.store, key, Told, act=act, look=nothing_to_find, say=lambda told: f"{what}: {told.what}",
        phase=at.run.state,
    )  # fmt: skip
    return noticed.model_copy(update={"did": done.what})


async def _known(at: Here, kind: EffectKind) -> dict[str, tuple[Effect, int]]:
    """By marker, the effect that posted it and the id of what it posted."""
    done = await at.ctx.store.find(Effect, {"runId": at.run.id, "kind": kind, "status": EffectStatus.SUCCEEDED})
    posted = [each for each in done if "id" in (each.outcome or {})]
    return {_marker_of(each): (each, int((each.outcome or {})["id"])) for each in posted}


def _marker_of(effect: Effect) -> str:
    _, _, round_, *rest = effect.id.split("/")
    if effect.kind == EffectKind.REVIEW:
        return marker(effect.run_id, effect.node_key, "review", round_)
    return marker(effect.run_id, effect.node_key, effect.kind, rest[-1])


def _by_marker(listed: list[Any], known: dict[str, tuple[Effect, int]]) -> dict[str, list[Marked]]:
    found: dict[str, list[Marked]] = defaultdict(list)
    for each in listed:
        mark = str(each.body or "").rstrip().rpartition("\n")[2]
        if mark in known:
            found[mark].append(Marked(int(each.id), github.login(each.user)))
    return found
