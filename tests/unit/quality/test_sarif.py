"""SARIF out and in."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ledger.models import CheckReport, Finding, Severity, Verdict
from shipline.errors import InvalidInput
from tasks.quality.sarif import from_sarif, to_sarif

FINDINGS = [
    Finding(
        check="sast", severity=severity, title=f"B1: <b>{severity}</b>", evidence="eval(x)\n  y", path=path, line=line,
        fingerprint=f"f-{severity}", ask=severity is Severity.CRITICAL,
    )
    for severity, path, line in (
        (Severity.CRITICAL, "src/a b#c.py", 3), (Severity.MAJOR, "b.py", None), (Severity.MINOR, None, None),
    )
]  # fmt: skip


def test_findings_come_back_as_they_went() -> None:
    report = CheckReport(check="sast", verdict=Verdict.FAILED, summary="three", findings=FINDINGS)
    log = json.loads(json.dumps(to_sarif([report], "1.2.3")))
    assert (log["version"], log["runs"][0]["tool"]["driver"]["name"]) == ("2.1.0", "Shipline sast")
    assert from_sarif(log, "sast") == FINDINGS


def test_a_check_that_was_absent_did_not_take_place() -> None:
    (run,) = to_sarif([CheckReport(check="types", verdict=Verdict.ABSENT, summary="no mypy")])["runs"]
    assert run["invocations"][0]["executionSuccessful"] is False
    assert run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"] == "no mypy"


def foreign(**result: Any) -> dict[str, Any]:
    """A log as another tool writes it."""
    rule = {"id": "R1", "defaultConfiguration": {"level": "error"}}
    whole = {"ruleId": "R1", "message": {"text": "Do not"}, **result}
    return {
        "version": "2.1.0",
        "runs": [{"tool": {"driver": {"name": "semgrep", "rules": [rule]}}, "results": [whole]}],
    }


def place(uri: str, **region: Any) -> dict[str, Any]:
    return {"locations": [{"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}}]}


def test_another_tools_result() -> None:
    log = foreign(**place("./src/x.py", startLine=7, snippet={"text": "  eval(x)\n"}))
    (found,) = from_sarif(log, "sarif-semgrep")
    assert (found.check, found.severity, found.title) == ("sarif-semgrep", Severity.CRITICAL, "R1: Do not")
    assert (found.path, found.line, found.evidence) == ("src/x.py", 7, "eval(x)")


@pytest.mark.parametrize(("level", "severity"), [("warning", "major"), ("note", "minor"), ("none", "minor")])
def test_levels(level: str, severity: str) -> None:
    assert from_sarif(foreign(level=level), "x")[0].severity == severity


@pytest.mark.parametrize("more", [{"kind": "pass"}, {"suppressions": [{"kind": "inSource"}]}])
def test_what_does_not_count(more: dict[str, Any]) -> None:
    assert from_sarif(foreign(**more), "x") == []


@pytest.mark.parametrize("uri", ["/etc/passwd", "../x.py", "file:///etc/passwd", "%2e%2e/x.py"])
def test_a_place_outside_the_repository_is_none(uri: str) -> None:
    assert from_sarif(foreign(**place(uri, startLine=1)), "x")[0].path is None


@pytest.mark.parametrize("log", [[], {}, {"version": "2.0.0", "runs": []}, {"version": "2.1.0", "runs": [{}]}, None])
def test_what_is_no_sarif_is_refused_in_words(log: Any) -> None:
    with pytest.raises(InvalidInput, match="SARIF"):
        from_sarif(log, "x")
