"""What only GraphQL can do, asked the ways that clients ask."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.sandbox.support import Repo, bare, read

READY = """mutation($id: ID!) { markPullRequestReadyForReview(input: {pullRequestId: $id})
  { pullRequest { number isDraft } } }"""


async def _ask(repo: Repo, query: str, **variables: Any) -> dict[str, Any]:
    answer = await bare(repo.url, "POST", "/graphql", json={"query": query, "variables": variables})
    assert answer.status_code == 200
    return dict(answer.json())


async def test_a_draft_becomes_ready(repo: Repo) -> None:
    made = await repo.pull("feature", draft=True)
    assert (made.draft, made.mergeable_state) == (True, "draft")
    answer = await repo.client.async_graphql(READY, {"id": made.node_id})
    assert answer == {"markPullRequestReadyForReview": {"pullRequest": {"number": 1, "isDraft": False}}}
    assert (await repo.get_pull(1)).draft is False


async def test_other_spellings(repo: Repo) -> None:
    made = await repo.pull("feature", draft=True)
    written = READY.replace("$id)", f'"{made.node_id}")').replace("$id}", f'"{made.node_id}"}}')
    assert "errors" not in await _ask(repo, written.replace("mutation($id: ID!)", "mutation"))
    whole = """mutation Back($in: ConvertPullRequestToDraftInput!) { # a comment
      back: convertPullRequestToDraft(input: $in) { clientMutationId pullRequest { ...Seen __typename } } }
      fragment Seen on PullRequest { isDraft }"""
    answer = await _ask(repo, whole, **{"in": {"pullRequestId": made.node_id, "clientMutationId": "me"}})
    seen = {"isDraft": True, "__typename": "PullRequest"}
    assert answer == {"data": {"back": {"clientMutationId": "me", "pullRequest": seen}}}


async def test_a_merged_pull_request_names_its_commit(repo: Repo) -> None:
    made = await repo.pull("feature")
    query = """query($owner: String!, $name: String!, $number: Int!) { viewer { login }
      repository(owner: $owner, name: $name)
      { pullRequest(number: $number) { id state mergeable mergeCommit { oid } repository { nameWithOwner } } } }"""
    where = {"owner": repo.owner, "name": repo.name, "number": 1}
    answer = await _ask(repo, query, **where)
    assert answer["data"]["viewer"] == {"login": "operator"}
    assert answer["data"]["repository"]["pullRequest"] == {
        "id": made.node_id,
        "state": "OPEN",
        "mergeable": "MERGEABLE",
        "mergeCommit": None,
        "repository": {"nameWithOwner": f"operator/{repo.name}"},
    }
    merged = await read(repo.rest.pulls.async_merge(**repo.at, pull_number=1))
    node = """query($id: ID!) { node(id: $id) { ... on PullRequest { state mergeable mergeCommit { oid } } } }"""
    answer = await _ask(repo, node, id=made.node_id)
    assert answer["data"]["node"] == {"state": "MERGED", "mergeable": "UNKNOWN", "mergeCommit": {"oid": merged.sha}}
    assert (await _ask(repo, READY, id=made.node_id))["errors"][0]["type"] == "UNPROCESSABLE"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("{ viewer { nonsense } }", "Field 'nonsense' doesn't exist on type 'User'"),
        ("{ viewer }", "Field 'viewer' must have a selection of subfields"),
        ("{ viewer { login", "Parse error on ''"),
        ("subscription { x }", "Parse error on 'subscription'"),
        ("{ viewer { ...Absent } }", "Fragment Absent was used, but not defined"),
        ('{ node(id: "PR_nonsense") { id } }', "Could not resolve to a node with the global id of 'PR_nonsense'"),
        ('{ repository(owner: "a", name: "b") { id } }', "Could not resolve to a Repository with the name 'a/b'."),
    ],
)
async def test_refusals(repo: Repo, query: str, message: str) -> None:
    assert [error["message"] for error in (await _ask(repo, query))["errors"]] == [message]


async def test_ready_twice_is_refused(repo: Repo) -> None:
    made = await repo.pull("feature")
    assert (await _ask(repo, READY, id=made.node_id))["errors"][0]["message"] == "Pull request is not in draft"
