"""Known vulnerabilities, from a database that answers as OSV does, and without one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ledger.models import Severity, Verdict
from tasks.quality import TargetEnvironment
from tasks.quality.vulnerable import vulnerabilities
from tests.services.osv import Osv
from tests.services.served import served


def known(id_: str, *aliases: str, severity: str = "", fixed: str = "") -> dict[str, Any]:
    """A vulnerability as OSV's schema writes it."""
    events = [{"introduced": "0"}, *([{"fixed": fixed}] if fixed else [])]
    told: dict[str, Any] = {
        "id": id_, "summary": f"About {id_}", "aliases": list(aliases),
        "affected": [{"ranges": [{"type": "SEMVER", "events": events}]}],
    }  # fmt: skip
    return {**told, "database_specific": {"severity": severity}} if severity else told


DATABASE = {
    ("npm", "left", "1.0.0"): [
        known("GHSA-1", "CVE-1", severity="HIGH", fixed="1.2.0"), known("CVE-1", "GHSA-1"), known("CVE-2"),
    ],
    ("npm", "tool", "2.0.0"): [known("GHSA-3", severity="CRITICAL", fixed="3.0.0")],
    ("npm", "deep", "1.0.0"): [known("GHSA-4", severity="LOW")],
}  # fmt: skip
LOCK = {
    "lockfileVersion": 3,
    "packages": {
        "": {"name": "x"},
        "node_modules/left": {"version": "1.0.0"},
        "node_modules/left/node_modules/deep": {"version": "1.0.0"},
        "node_modules/tool": {"version": "2.0.0", "dev": True},
        "node_modules/fine": {"version": "1.0.0"},
    },
}


@pytest.fixture
def locked(tmp_path: Path) -> Path:
    (tmp_path / "package-lock.json").write_text(json.dumps(LOCK))
    return tmp_path


async def test_what_is_known_blocks_or_is_told(
    locked: Path, environment: TargetEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Osv(DATABASE, page=2)
    with served(database.app) as url:
        monkeypatch.setenv("SHIPLINE_OSV_URL", f"{url}/")
        report = await vulnerabilities(locked, environment)
    assert (report.verdict, report.summary) == (Verdict.FAILED, "4 packages, 4 findings")
    (worst,) = report.critical
    assert worst.title == "left 1.0.0 has the known vulnerability GHSA-1 (high)"
    assert worst.evidence == "About GHSA-1\nTake 1.2.0 or later."
    told = {each.title.split()[-2 if each.title.endswith(")") else -1]: each for each in report.findings}
    assert {name: each.severity for name, each in told.items()} == {
        "GHSA-1": Severity.CRITICAL, "GHSA-3": Severity.MAJOR, "CVE-2": Severity.MAJOR, "GHSA-4": Severity.MINOR,
    }  # fmt: skip
    assert "not part of what is released" in told["GHSA-3"].evidence
    assert "No version that mends it is known" in told["CVE-2"].evidence
    assert {"ecosystem": "npm", "name": "fine"} in [each["package"] for each in database.asked]


async def test_without_a_database_it_is_absent_in_words(locked: Path, environment: TargetEnvironment) -> None:
    report = await vulnerabilities(locked, environment)
    assert (report.verdict, report.findings) == (Verdict.ABSENT, [])
    assert "No vulnerability database is configured (SHIPLINE_OSV_URL)" in report.summary


@pytest.mark.parametrize(("path", "why"), [("/nowhere", "answered 404"), (":1", "cannot be reached")])
async def test_a_database_that_gives_no_answer_blocks_nothing(
    locked: Path, environment: TargetEnvironment, monkeypatch: pytest.MonkeyPatch, path: str, why: str
) -> None:
    with served(Osv({}).app) as url:
        address = f"{url}{path}" if path.startswith("/") else "http://127.0.0.1:1"
        monkeypatch.setenv("SHIPLINE_OSV_URL", address)
        report = await vulnerabilities(locked, environment)
    assert (report.verdict, report.findings) == (Verdict.ABSENT, [])
    assert why in report.summary
