"""Types: the repository's own checker, judged by what the change touches."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ledger.models import Severity, Verdict
from tasks.quality import TargetEnvironment
from tasks.quality.changed import Changed
from tasks.quality.typed import configured, types
from tests.integration.quality.conftest import APP, Repository, left_in

CHANGED = Changed({"app.py": frozenset({2})})
MYPY = "app.py:2: error: No such thing  [attr-defined]\nold.py:1:4: error: Not so  [misc]\napp.py:2: note: See there"


def told_by_pyright(root: Path) -> str:
    place = {"start": {"line": 1, "character": 0}}
    errors = [{"file": f"{root}/app.py", "severity": "error", "message": "No such thing", "range": place}]
    return json.dumps({"generalDiagnostics": [*errors, {**errors[0], "severity": "warning"}]})


@pytest.fixture
def with_tool(environment: TargetEnvironment, tmp_path: Path) -> TargetEnvironment:
    """The bare environment with stand-ins of both checkers, which print what ``said.txt`` holds."""
    folder = tmp_path / "environment"
    shutil.copytree(environment.folder, folder, symlinks=True)
    made = TargetEnvironment(folder / "bin" / "python")
    for tool in ("mypy", "pyright"):
        (made.site_packages / tool).mkdir()
        program = "import sys\nsaid = open('said.txt').read()\nprint(said)\nsys.exit(1 if said else 0)\n"
        (made.site_packages / tool / "__main__.py").write_text(program)
    return made


async def test_mypys_errors_block_where_the_change_is(repository: Repository, with_tool: TargetEnvironment) -> None:
    root = repository({"app.py": APP, "old.py": "x = 1\n", "mypy.ini": "[mypy]\n", "said.txt": MYPY})
    report = await types(root, with_tool, CHANGED)
    assert (report.verdict, report.summary) == (Verdict.FAILED, "mypy: 2 errors")
    assert [(each.path, each.line, each.severity) for each in report.findings] == [
        ("app.py", 2, Severity.CRITICAL), ("old.py", 1, Severity.MAJOR),
    ]  # fmt: skip
    assert report.findings[0].title == "mypy: No such thing  [attr-defined]"
    assert report.findings[0].evidence == "return a + b"
    unknown = await types(root, with_tool, Changed(why="no base"))
    assert len(unknown.critical) == 2
    (root / "said.txt").write_text("")
    assert (await types(root, with_tool, CHANGED)).summary == "mypy found nothing"
    (root / "said.txt").write_text("mypy: error: unrecognized arguments")
    (broken,) = (await types(root, with_tool, CHANGED)).critical
    assert "unrecognized arguments" in broken.evidence
    (root / "said.txt").write_text(MYPY)
    assert left_in(root) == ""


async def test_pyrights_errors_and_not_its_warnings(repository: Repository, with_tool: TargetEnvironment) -> None:
    root = repository({"app.py": APP, "pyrightconfig.json": "{}", "said.txt": ""})
    (root / "said.txt").write_text(told_by_pyright(root))
    (finding,) = (await types(root, with_tool, CHANGED)).findings
    assert (finding.path, finding.line, finding.title) == ("app.py", 2, "pyright: No such thing")


@pytest.mark.parametrize(
    ("name", "text", "tool"),
    [
        ("pyproject.toml", "[tool.mypy]\n", "mypy"),
        ("setup.cfg", "[mypy]\nstrict = true\n", "mypy"),
        (".mypy.ini", "", "mypy"),
        ("pyproject.toml", "[tool.pyright]\n", "pyright"),
        ("setup.cfg", "[metadata]\n", None),
    ],
)
def test_who_is_configured(tmp_path: Path, name: str, text: str, tool: str | None) -> None:
    (tmp_path / name).write_text(text)
    assert configured(tmp_path) == tool
