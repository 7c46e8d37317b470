"""What the notes' §7 says goes in and comes out of each endpoint, field by field, held against the OpenAPI document."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.gateway.conftest import Gateway
from tests.integration.gateway.test_api import NOTES

ISSUE = {
    "id", "projectId", "runId", "createdAt", "updatedAt", "repo", "type", "title", "body", "parentId", "children",
    "orderIndex", "status", "branch", "prNumber", "labels", "acceptanceCriteria", "dependencies",
}  # fmt: skip
PULL = {"number", "title", "state", "head", "base"}
DEPLOYMENT = {"id", "version", "environment", "status"}
ONBOARDING = {"onboardingDocRef", "contextPacks"}
SAID = {"runId", "said"}
# By endpoint: what must be sent, what else may be, and what comes back (of a list: of each entry). A list of the runs'
# events, and of the children, is looked into as ``timeline.seq`` says. None: no JSON.
SHAPES: dict[tuple[str, str], tuple[set[str], set[str], set[str] | None]] = {
    ("post", "/api/ideas"): ({"ideaText", "repo"}, {"options", "options.size", "options.dryRun"}, {"runId"}),
    ("get", "/api/runs/{runId}"): (
        set(), set(),
        {"runId", "ideaId", "projectId", "rootIssueId", "state", "timeline", "timeline.seq", "timeline.type",
         "timeline.ts", "currentIssueId", "interrupt", "correlationId"},
    ),
    ("post", "/api/runs/{runId}/interrupt"): ({"action"}, {"reason"}, SAID),
    ("get", "/api/runs/{runId}/issues"): (set(), set(), {"issues", *(f"issues.{each}" for each in ISSUE)}),
    ("get", "/api/runs/{runId}/stream"): (set(), set(), None),
    ("get", "/api/issues/{id}"): (set(), set(), ISSUE | {f"children.{each}" for each in ISSUE}),
    ("post", "/api/issues/{id}/reorder"): ({"order"}, set(), ISSUE),
    ("get", "/api/agents"): (set(), set(), {"id", "type", "name", "role", "enabled"}),
    ("get", "/api/agents/{id}"): (
        set(), set(),
        {"id", "type", "name", "role", "goals", "tools", "constraints", "guardrails", "enabled", *ONBOARDING},
    ),
    ("get", "/api/agents/{id}/onboarding"): (set(), set(), {*ONBOARDING, "text"}),
    ("put", "/api/agents/{id}/onboarding"): (ONBOARDING, set(), {*ONBOARDING, "text"}),
    ("post", "/api/projects/{id}/code"): ({"description"}, {"size"}, {"runId"}),
    ("get", "/api/projects/{id}/branches"): (set(), set(), {"name", "sha"}),
    ("post", "/api/projects/{id}/branches"): ({"branchName", "baseBranch"}, set(), {"name", "sha"}),
    ("get", "/api/projects/{id}/prs"): (set(), set(), PULL),
    ("post", "/api/projects/{id}/prs"): ({"branch", "base", "title"}, {"body"}, PULL),
    ("get", "/api/projects/{id}/prs/{prNumber}"): (set(), set(), PULL),
    ("post", "/api/projects/{id}/prs/{prNumber}/merge"): (set(), set(), {"number", "sha"}),
    ("post", "/api/projects/{id}/issues/{issueId}/defects"): ({"title"}, {"body", "path"}, ISSUE),
    ("get", "/api/projects/{id}/issues/{issueId}/hierarchy"): (set(), set(), ISSUE),
    ("post", "/api/projects/{id}/deploy"): ({"version", "env"}, set(), {"runId"}),
    ("get", "/api/projects/{id}/deployments"): (set(), set(), DEPLOYMENT),
    ("get", "/api/projects/{id}/deployments/{deploymentId}"): (set(), set(), DEPLOYMENT),
    ("post", "/api/projects/{id}/deployments/{deploymentId}/rollback"): (set(), set(), {"runId"}),
    ("post", "/api/runs/{runId}/retry/{nodeId}"): (set(), set(), SAID),
    ("post", "/api/runs/{runId}/advance"): (set(), set(), SAID),
    ("post", "/github/dispatch"): ({"eventType", "runId"}, {"nodeId", "branch", "params"}, {"dispatchId", "runId"}),
    ("post", "/webhooks/github"): (set(), set(), {"delivery", "known"}),
    ("post", "/auth/github-app/callback"): ({"installationId", "state"}, set(), {"installationId", "account"}),
    ("get", "/repos"): (set(), set(), {"fullName", "defaultBranch", "private"}),
}  # fmt: skip
SIZES = {"small", "medium", "large"}


class Described:
    """The OpenAPI document, with its references followed."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.paths: dict[str, Any] = document["paths"]
        self._schemas: dict[str, Any] = document["components"]["schemas"]

    def shape(self, schema: dict[str, Any] | None) -> dict[str, Any]:
        """The object that a schema is about: of a list its entries, of what may be null the other."""
        found = schema or {}
        while "properties" not in found:
            if "$ref" in found:
                found = self._schemas[found["$ref"].rpartition("/")[2]]
            elif found.get("type") == "array":
                found = found["items"]
            elif known := [each for each in found.get("anyOf", []) if each.get("type") != "null"]:
                found = known[0]
            else:
                return {}
        return found

    def fields(self, schema: dict[str, Any] | None) -> set[str]:
        """Its fields, and those one level below."""
        properties = self.shape(schema).get("properties", {})
        parts = {name: self.shape(part).get("properties", {}) for name, part in properties.items()}
        return set(properties) | {f"{name}.{each}" for name, part in parts.items() for each in part}

    def sent(self, operation: dict[str, Any]) -> dict[str, Any] | None:
        """The schema of the body."""
        content = operation.get("requestBody", {}).get("content", {})
        schema: dict[str, Any] | None = content.get("application/json", {}).get("schema")
        return schema

    def answered(self, operation: dict[str, Any]) -> dict[str, Any] | None:
        """The schema of the good answer."""
        good = next(each for status, each in operation["responses"].items() if status.startswith("2"))
        schema: dict[str, Any] | None = good.get("content", {}).get("application/json", {}).get("schema")
        return schema


@pytest.fixture(scope="module")
async def described(gateway: Gateway) -> Described:
    """What the gateway says of itself."""
    async with gateway.client(None) as client:
        return Described((await client.get("/openapi.json")).json())


def test_the_table_names_every_endpoint_of_the_notes() -> None:
    assert set(SHAPES) == NOTES


@pytest.mark.parametrize(("method", "path"), sorted(SHAPES))
async def test_an_endpoint_takes_and_gives_what_the_notes_say(described: Described, method: str, path: str) -> None:
    required, optional, given = SHAPES[(method, path)]
    operation = described.paths[path][method]
    body = described.sent(operation)
    assert set(described.shape(body).get("required", [])) == required
    assert optional <= described.fields(body)
    if given is None:
        assert "text/event-stream" in operation["responses"]["200"]["content"]
    else:
        assert given <= described.fields(described.answered(operation))


async def test_what_is_chosen_from_is_what_the_notes_name(described: Described) -> None:
    interrupt = described.shape(described.sent(described.paths["/api/runs/{runId}/interrupt"]["post"]))
    assert set(interrupt["properties"]["action"]["enum"]) == {"pause", "resume", "cancel"}
    idea = described.shape(described.sent(described.paths["/api/ideas"]["post"]))
    options = described.shape(idea["properties"]["options"])
    assert set(described._schemas["Size"]["enum"]) == SIZES
    assert "size" in options["properties"]
