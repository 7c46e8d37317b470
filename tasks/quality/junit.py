"""Read what pytest wrote about its tests (JUnit XML of the family xunit1, which names the file of each test)."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ledger.models import Finding, Severity
from shipline.ids import digest

_LARGEST = 20_000_000
_EVIDENCE_LINES = 40
_EVIDENCE_CHARACTERS = 3000
# Where Python says that it could not read a file: ``E     File "/…/test_x.py", line 3``.
_IN_FILE = re.compile(r'File "(?P<path>[^"]+)", line (?P<line>\d+)')


class UnreadableResults(ValueError):
    """The file is not what pytest writes."""


@dataclass(frozen=True)
class Case:
    """One test: ``outcome`` is passed, failed or skipped; ``message`` and ``text`` are pytest's words on a failure."""

    id: str
    outcome: str
    path: str | None = None
    line: int | None = None
    message: str = ""
    text: str = ""
    collected: bool = True


def read_junit(path: Path) -> list[Case]:
    """The tests of a results file. UnreadableResults when it is missing, huge or no JUnit XML."""
    if not path.is_file():
        raise UnreadableResults("pytest wrote no results")
    if path.stat().st_size > _LARGEST:
        raise UnreadableResults(f"the results are larger than {_LARGEST // 1_000_000} MB")
    text = path.read_text(encoding="utf-8", errors="replace")
    if "<!DOCTYPE" in text[:2000]:
        raise UnreadableResults("the results declare a document type, which pytest never does")
    try:
        root = ET.fromstring(text)  # noqa: S314 - as above
    except ET.ParseError as error:
        raise UnreadableResults(f"the results are no XML: {error}") from error
    return _merged([_case(element) for element in root.iter("testcase")])


def failure_finding(case: Case, workspace: Path) -> Finding:
    """The finding of a test that fails, or of a file whose tests could not be collected."""
    path, line = _place(case, workspace)
    title = f"{case.id} fails" if case.collected else f"{path or case.id} cannot be loaded"
    return Finding(
        check="tests",
        severity=Severity.CRITICAL,
        title=title,
        evidence=_evidence(case),
        path=path,
        line=line,
        fingerprint=digest("tests", case.id),
    )


def _case(element: ET.Element) -> Case:
    classname, name = element.get("classname", ""), element.get("name", "")
    file, line = element.get("file"), element.get("line")
    bad = next((each for each in element if each.tag in ("failure", "error")), None)
    outcome = "failed" if bad is not None else "skipped" if element.find("skipped") is not None else "passed"
    return Case(
        id=_test_id(file, classname, name),
        outcome=outcome,
        path=file,
        line=int(line) + 1 if line is not None and line.isdigit() else None,  # pytest counts from nought
        message=bad.get("message", "") if bad is not None else "",
        text=(bad.text or "") if bad is not None else "",
        collected=bool(classname),
    )


def _test_id(file: str | None, classname: str, name: str) -> str:
    """``tests/test_x.py::TestY::test_z``, as pytest takes it on its command line."""
    if not classname:
        return name
    if file is None:
        return f"{classname}::{name}"
    module = PurePosixPath(file).with_suffix("").as_posix().replace("/", ".")
    classes = classname.removeprefix(module).strip(".")
    return "::".join([file, *(classes.split(".") if classes else []), name])


def _merged(cases: list[Case]) -> list[Case]:
    """One entry a test: pytest writes a second one for an error in its teardown, and the worse counts."""
    found: dict[str, Case] = {}
    for case in cases:
        if case.id not in found or case.outcome == "failed":
            found[case.id] = case
    return list(found.values())


def _place(case: Case, workspace: Path) -> tuple[str | None, int | None]:
    """The file and line of the test, or those of the syntax error that kept it from being one."""
    if case.path is not None and case.line is not None:
        return case.path, case.line
    root = workspace.resolve()
    for match in reversed(list(_IN_FILE.finditer(case.text))):
        found = Path(match["path"])
        if found.is_relative_to(root):
            return found.relative_to(root).as_posix(), int(match["line"])
    guessed = f"{case.id.replace('.', '/')}.py"
    return (guessed if (root / guessed).is_file() else case.path), None


def _evidence(case: Case) -> str:
    """The last failing statement, what pytest says of it, and where: the end of the traceback."""
    lines = case.text.strip().splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith((">", "E "))]
    statement = [number for number in starts if lines[number].startswith(">")]
    first = statement[-1] if statement else starts[0] if starts else 0
    quoted = "\n".join(lines[first : first + _EVIDENCE_LINES])[:_EVIDENCE_CHARACTERS]
    return quoted or case.message[:_EVIDENCE_CHARACTERS] or "It failed and said nothing."
