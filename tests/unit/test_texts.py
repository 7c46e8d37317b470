"""What we write on GitHub."""

from __future__ import annotations

from ledger.models import CheckReport, Finding, Issue, IssueType, Requirement, Run, Severity, Spec, Verdict
from tasks.notes import insert_entry, requirement_rows
from tasks.texts import check_comment, commit_message, issue_body, marker, plan_message, spec_text


def _run() -> Run:
    return Run(id="r-1", idea_id="i", project_id="p", repo="o/r", correlation_id="c")


def _issue(**values: object) -> Issue:
    shared = {"id": "r-1/a", "run_id": "r-1", "project_id": "p", "repo": "o/r", "key": "a", "type": IssueType.TASK}
    return Issue.model_validate({**shared, "title": "Add keys", "number": 7, **values})


def test_an_issue_says_what_is_asked_and_whose_it_is() -> None:
    body = issue_body(_issue(acceptance_criteria=["it works"], requirements=["R1"], files=["a.py"]), _run())
    assert "- [ ] it works" in body
    assert "Requirements: R1" in body
    assert "`a.py`" in body
    assert body.endswith(marker("r-1", "a"))


def test_a_marker_is_hidden_and_its_own() -> None:
    assert marker("r-1", "a") == "<!-- shipline:r-1/a -->"
    assert marker("r-1", "a", "qa", "123") not in marker("r-1", "a.d1", "qa", "123")


def test_a_commit_can_be_found_by_its_trailers() -> None:
    text = commit_message(_issue(), "r-1", "2", "Adds the keys.")
    assert text.startswith("Add keys (#7)\n\nAdds the keys.\n\n")
    assert text.endswith("Shipline-Run: r-1\nShipline-Node: a\nShipline-Round: 2\n")


def test_a_plan_commit_holds_the_plan() -> None:
    text = plan_message(_issue(acceptance_criteria=["it works"], files=["a.py"]), "r-1")
    assert "- it works" in text
    assert "- a.py" in text
    assert "Shipline-Round: plan" in text


def test_qa_says_how_many_findings_block() -> None:
    finding = Finding(check="tests", severity=Severity.CRITICAL, title="t", evidence="e", fingerprint="f")
    report = CheckReport(check="tests", verdict=Verdict.FAILED, summary="1 of 3 | failed", findings=[finding])
    text = check_comment([report], "a" * 40)
    assert "1 finding(s) block the merge." in text
    assert "| tests | **failed** | 1 of 3 \\| failed |" in text


def test_a_spec_is_a_readable_document() -> None:
    spec = Spec(
        title="Keys", problem="No keys.", goals=["Keys"], requirements=[Requirement(id="R1", text="Have keys")],
        acceptance_criteria=["A key works"],
    )  # fmt: skip
    text = spec_text(spec)
    assert text.startswith("# Keys\n\nNo keys.\n")
    assert "- **R1** Have keys" in text
    assert "## Risks" not in text


def test_each_requirement_is_traced_to_issue_pull_request_and_test() -> None:
    spec = Spec(
        title="Keys", problem="p", goals=["g"], requirements=[Requirement(id="R1", text="Have keys")],
        acceptance_criteria=["c"],
    )  # fmt: skip
    done = _issue(requirements=["R1"], pr_number=9, merged_sha="a" * 40, tests=["tests/test_a.py::T::test_b"])
    assert requirement_rows(spec, [done]) == [
        "| **R1** Have keys | #7 | #9 | `aaaaaaa` | `tests/test_a.py::T::test_b` |"
    ]


def test_a_changelog_entry_goes_below_unreleased_and_above_the_rest() -> None:
    before = "# Changelog\n\n## [Unreleased]\n\n## [0.1.0]\n\nFirst.\n"
    assert insert_entry(before, "## [0.2.0]\n\nNew.\n") == (
        "# Changelog\n\n## [Unreleased]\n\n## [0.2.0]\n\nNew.\n\n## [0.1.0]\n\nFirst.\n"
    )
    assert insert_entry("# Changelog\n", "## [1.0.0]\n").endswith("\n\n## [1.0.0]\n")
