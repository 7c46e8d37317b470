"""SARIF 2.1.0, the format in which scanners speak to each other: our reports out, anybody's results in. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote, unquote

from ledger.models import CheckReport, Finding, Severity, Verdict
from shipline.errors import InvalidInput
from shipline.ids import digest

VERSION = "2.1.0"
SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_MARK = "shipline/v1"  # under which a result's fingerprint stands
_OUT = {Severity.CRITICAL: "error", Severity.MAJOR: "warning", Severity.MINOR: "note"}
_IN = {level: severity for severity, level in _OUT.items()} | {"none": Severity.MINOR}
_TEXT = 10_000  # characters


def to_sarif(reports: Sequence[CheckReport], version: str = "0") -> dict[str, Any]:
    """A log with one run a check. What was absent is told as a run that did not take place."""
    return {"$schema": SCHEMA, "version": VERSION, "runs": [_run(each, version) for each in reports]}


def from_sarif(log: Any, check: str) -> list[Finding]:
    """The results of a log as findings of ``check``; InvalidInput when it is no SARIF 2.1.0.

    Suppressed results and those that passed are left out. A level that is not given is the rule's, else ``warning``.
    """
    if not isinstance(log, dict) or log.get("version") != VERSION or not isinstance(log.get("runs"), list):
        raise InvalidInput(f"This is no SARIF {VERSION} log.")
    try:
        return [finding for run in log["runs"] for finding in _findings(run, check)]
    except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
        raise InvalidInput(f"The SARIF log cannot be read: {type(error).__name__} {error}.") from error


def _run(report: CheckReport, version: str) -> dict[str, Any]:
    rules = list(dict.fromkeys(each.check for each in report.findings))
    return {
        "tool": {"driver": {
            "name": f"Shipline {report.check}", "semanticVersion": version, "rules": [{"id": each} for each in rules],
        }},
        "automationDetails": {"id": f"shipline/{report.check}/"},
        "invocations": [{
            "executionSuccessful": report.verdict is not Verdict.ABSENT,
            "toolExecutionNotifications": [{"level": "note", "message": {"text": report.summary}}],
        }],
        "columnKind": "unicodeCodePoints",
        "results": [_result(each) for each in report.findings],
        "properties": {"verdict": report.verdict.value, "metrics": report.metrics, "tests": report.tests},
    }  # fmt: skip


def _result(finding: Finding) -> dict[str, Any]:
    place: dict[str, Any] = {}
    if finding.path is not None:
        place["artifactLocation"] = {"uri": quote(finding.path), "uriBaseId": "%SRCROOT%"}
        if finding.line is not None:
            place["region"] = {"startLine": finding.line}
    return {
        "ruleId": finding.check,
        "level": _OUT[finding.severity],
        "message": {"text": finding.title},
        "locations": [{"physicalLocation": place}] if place else [],
        "partialFingerprints": {_MARK: finding.fingerprint},
        "properties": {"evidence": finding.evidence, "ask": finding.ask},
    }


def _findings(run: dict[str, Any], check: str) -> Iterator[Finding]:
    driver = run["tool"]["driver"]
    rules = {each["id"]: each for each in driver.get("rules", [])}
    for result in run.get("results") or []:
        if result.get("kind", "fail") not in ("fail", "open", "review") or result.get("suppressions"):
            continue
        rule_id = str(result.get("ruleId") or result.get("rule", {}).get("id") or driver["name"])
        yield _read(result, rules.get(rule_id, {}), rule_id, check)


def _read(result: dict[str, Any], rule: dict[str, Any], rule_id: str, check: str) -> Finding:
    level = result.get("level") or rule.get("defaultConfiguration", {}).get("level") or "warning"
    message = result["message"]
    said = str(message.get("text") or rule.get("shortDescription", {}).get("text") or rule_id)[:_TEXT]
    path, line, snippet = _place(result)
    own = result.get("properties", {}).get("evidence")
    mark = result.get("partialFingerprints", {}).get(_MARK)
    return Finding(
        check=check, severity=_IN.get(level, Severity.MAJOR), title=said if mark else f"{rule_id}: {said}",
        evidence=str(own or snippet or said)[:_TEXT], path=path, line=line,
        fingerprint=str(mark) if mark else digest(check, rule_id, path or "", snippet or said),
        ask=bool(result.get("properties", {}).get("ask", False)),
    )  # fmt: skip


def _place(result: dict[str, Any]) -> tuple[str | None, int | None, str]:
    """Path, line and quoted text of the first place; a path that leaves the repository is none."""
    for each in result.get("locations") or []:
        where = each.get("physicalLocation", {})
        uri = where.get("artifactLocation", {}).get("uri")
        if not uri:
            continue
        path = unquote(str(uri)).removeprefix("./")
        if "://" in path or path.startswith("/") or ".." in path.split("/"):
            return None, None, ""
        region = where.get("region", {})
        line = region.get("startLine")
        snippet = str(region.get("snippet", {}).get("text") or "").strip()
        return path, line if isinstance(line, int) and line > 0 else None, snippet
    return None, None, ""
