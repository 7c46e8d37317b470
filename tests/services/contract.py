"""Cursor's published contract, where it lies beside the project: what is sent and answered is held against it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

FILE = Path(__file__).parents[3] / "shared" / "contracts" / "cursor-cloud-agents-v1.openapi.yml"
# The contract names these codes and declares no status for them anywhere.
WITHOUT_STATUS = frozenset({"client_cancelled", "not_implemented", "upstream_error", "stream_unavailable"})


@cache
def _document() -> dict[str, Any]:
    return dict(yaml.safe_load(FILE.read_text()))


def known() -> bool:
    """Whether the contract is there."""
    return FILE.is_file()


def faults(schema: str | Mapping[str, Any], value: Any) -> list[str]:
    """Where a value does not fit a schema of the contract, in words."""
    components = _document()["components"]
    named = {"$ref": f"#/components/schemas/{schema}"} if isinstance(schema, str) else dict(schema)
    validator = Draft202012Validator({**named, "components": components})
    return [f"{schema} {each.json_path}: {each.message}" for each in validator.iter_errors(value)]


def request_faults(
    method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: Any
) -> list[str]:
    """Where a request does not fit: its path, its query, its headers, its body."""
    operation, inside = _operation(method, path)
    if operation is None:
        return [f"{method} {path} is no operation of the contract"]
    declared = [_resolved(each) for each in operation.get("parameters", [])]
    found = [f"{path}: a query of {each!r}" for each in query if (each, "query") not in _names(declared)]
    if "last-event-id" in headers and ("Last-Event-ID", "header") not in _names(declared):
        found.append(f"{path} takes no Last-Event-ID")
    for each in declared:
        given = {"path": inside, "query": query, "header": headers}[each["in"]]
        name = each["name"].lower() if each["in"] == "header" else each["name"]
        if name in given:
            found += faults(each["schema"], given[name])
        elif each.get("required"):
            found.append(f"{path} lacks {each['name']}")
    if not re.fullmatch(r"Bearer \S+", headers.get("authorization", "")):
        found.append(f"{path} without a bearer token")
    wanted = operation.get("requestBody")
    if wanted is None:
        return found + ([f"{path} takes no body"] if body is not None else [])
    if headers.get("content-type") != "application/json":
        found.append(f"{path}: its body is not said to be JSON")
    return found + faults(wanted["content"]["application/json"]["schema"], body)


def answer_faults(method: str, path: str, status: int, headers: Mapping[str, str], body: Any) -> list[str]:
    """Where an answer does not fit: its status, its headers, its body."""
    operation, _ = _operation(method, path)
    if operation is None:
        return [] if status == 404 else [f"{method} {path} is answered, and no operation of the contract"]
    declared = operation["responses"].get(str(status))
    if declared is None:
        code = body.get("error", {}).get("code") if isinstance(body, dict) else None
        return [] if code in WITHOUT_STATUS else [f"{method} {path} is answered {status}, which is not declared"]
    declared = _resolved(declared)
    found = [f"{path} {status} lacks {each}" for each in declared.get("headers", {}) if each.lower() not in headers]
    if status == 429 and "retry-after" not in headers:
        found.append(f"{path} 429 lacks Retry-After")
    kinds = declared["content"]
    return found + (faults(kinds["application/json"]["schema"], body) if "application/json" in kinds else [])


def frame_faults(event: str, frame_id: str | None, data: Any) -> list[str]:
    """Where an event of a stream does not fit what the contract says of the stream."""
    stream = _document()["paths"]["/v1/agents/{id}/runs/{runId}/stream"]["get"]["description"]
    kinds = set(re.findall(r"`(\w+)`", stream.partition(".\n")[0].partition("Event types are")[2].partition("\n\n")[0]))
    if event not in kinds:
        return [f"{event} is no event of a stream"]
    if event == "tool_call":
        return faults("RunStreamToolCallEvent", {"event": event, "id": frame_id, "data": data})
    fields = re.search(rf"`{event}` carries `\{{(.*?)\}}`", stream, re.DOTALL)
    named = [each.strip() for each in fields[1].split(",")] if fields else []
    found = [f"{event} lacks {each}" for each in named if not each.endswith("?") and each not in data]
    extra = set(data) - {each.rstrip("?") for each in named} if named else set()
    found += [f"{event} holds {each}" for each in sorted(extra)]
    if "status" in data and event in ("status", "result"):
        found += faults(_document()["components"]["schemas"]["Run"]["properties"]["status"], data["status"])
    if event == "status" and frame_id is not None:
        found.append("status has no id")
    return found


def error_codes() -> list[str]:
    """Every code that the contract names."""
    words = _document()["components"]["schemas"]["Error"]["properties"]["error"]["properties"]["code"]["description"]
    return [part for part in words.split("`")[1::2] if part]


def _operation(method: str, path: str) -> tuple[dict[str, Any] | None, dict[str, str]]:
    for template, methods in _document()["paths"].items():
        found = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template), path)
        if found and method.lower() in methods:
            return dict(methods[method.lower()]), found.groupdict()
    return None, {}


def _resolved(part: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in part:
        return part
    _, _, kind, name = part["$ref"].split("/")
    return dict(_document()["components"][kind][name])


def _names(declared: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(each["name"], each["in"]) for each in declared}
