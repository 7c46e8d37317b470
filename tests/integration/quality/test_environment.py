"""The target's own environment: made offline, kept, shared, and apart from ours."""

from __future__ import annotations

import asyncio
import time
import zipfile
from pathlib import Path

import pytest

from ledger.models import Severity, Verdict
from shipline.errors import InvalidInput
from tasks.confine import run_confined
from tasks.quality import EnvironmentFailed, TargetEnvironment, target_environment
from tasks.quality.dependencies import declared_dependencies
from tasks.quality.licences import licences
from tasks.quality.reports import tail
from tests.integration.quality.conftest import Repository, git, left_in

WHEEL = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def wheel(folder: Path, name: str, *metadata: str) -> str:
    """Make a wheel of one module; the requirement that installs it without any index."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", "WORD = 'hello'\n")
        archive.writestr(f"{info}/WHEEL", WHEEL)
        about = "\n".join([f"Name: {name}", "Version: 1.0", *metadata])
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\n{about}\n")
        archive.writestr(f"{info}/RECORD", "")
    return f"{name} @ {path.as_uri()}"


async def says(environment: TargetEnvironment, code: str) -> str:
    """What Python says in the environment."""
    done = await run_confined([str(environment.python), "-c", code], cwd=environment.folder, timeout=20)
    return tail(done.words)


async def test_it_holds_our_test_tools_and_nothing_else_of_ours(environment: TargetEnvironment) -> None:
    assert await says(environment, "import pytest, coverage; print('ok')") == "ok"
    assert "No module named 'pydantic'" in await says(environment, "import pydantic")
    assert "No module named 'tasks'" in await says(environment, "import tasks")


async def test_it_is_made_once(cache: Path, environment: TargetEnvironment, tmp_path: Path) -> None:
    started = time.monotonic()
    assert (await target_environment(tmp_path, cache)).python == environment.python
    assert time.monotonic() - started < 0.5


async def test_two_builders_make_one(tmp_path: Path) -> None:
    first, second = await asyncio.gather(*(target_environment(tmp_path, tmp_path / "cache") for _ in range(2)))
    assert first == second
    assert await says(first, "import pytest; print(pytest.__name__)") == "pytest"


async def test_one_that_was_cut_short_is_made_anew(tmp_path: Path) -> None:
    made = await target_environment(tmp_path, tmp_path / "cache")
    (made.folder / ".shipline-complete").unlink()
    made.python.unlink()
    again = await target_environment(tmp_path, tmp_path / "cache")
    assert again.python == made.python
    assert again.python.exists()


async def test_declared_dependencies_are_installed(repository: Repository, tmp_path: Path, cache: Path) -> None:
    files = {
        "pyproject.toml": f'[project]\nname = "x"\nversion = "1"\ndependencies = ["{wheel(tmp_path, "runs")}"]\n'
        f'[project.optional-dependencies]\ntest = ["{wheel(tmp_path, "tests_it")}"]\ndocs = ["never-asked-for"]\n',
        "requirements.txt": f"-e .\n# a comment\n-r more.txt\n{wheel(tmp_path, 'listed')}\n",
        "more.txt": f"{wheel(tmp_path, 'linked')}\n",
    }
    root = repository(files)
    made = await target_environment(root, cache)
    assert await says(made, "import runs, tests_it, listed, linked; print(runs.WORD)") == "hello"
    assert left_in(root) == ""


def test_other_declarations_ask_for_another_environment(repository: Repository) -> None:
    root = repository({"requirements.txt": "-r pins.txt\none\n", "pins.txt": "-c more.txt\n", "more.txt": "two==1\n"})
    seen = [declared_dependencies(root).fingerprint]
    for name, text in (("more.txt", "two==2\n"), ("requirements.txt", "three\n"), ("requirements-dev.txt", "four\n")):
        (root / name).write_text(text)
        seen.append(declared_dependencies(root).fingerprint)
    assert len({tuple(each) for each in seen}) == 4


async def test_what_cannot_be_installed_is_told(repository: Repository, tmp_path: Path, cache: Path) -> None:
    root = repository({"requirements.txt": f"gone @ {(tmp_path / 'gone-1.0-py3-none-any.whl').as_uri()}\n"})
    with pytest.raises(EnvironmentFailed, match=r"dependencies could not be installed: .*gone-1\.0") as raised:
        await target_environment(root, cache)
    assert "PIP_INDEX_URL" in raised.value.hint


async def test_a_broken_pyproject_is_the_repositorys_fault(repository: Repository, cache: Path) -> None:
    with pytest.raises(InvalidInput, match=r"pyproject\.toml cannot be read"):
        await target_environment(repository({"pyproject.toml": "[project\n"}), cache)


async def test_licences_of_nothing(environment: TargetEnvironment, tmp_path: Path) -> None:
    report = await licences(tmp_path, environment)
    assert (report.verdict, report.summary) == (Verdict.PASSED, "no third-party dependencies")


async def test_licences(repository: Repository, tmp_path: Path, cache: Path) -> None:
    made = {
        "gplv3": wheel(
            tmp_path, "gplv3", "Classifier: License :: OSI Approved :: GNU General Public License v3 (GPLv3)"
        ),
        "affero": wheel(tmp_path, "affero", "License-Expression: AGPL-3.0-only"),
        "lesser": wheel(tmp_path, "lesser", "License: LGPL-3.0"),
        "either": wheel(tmp_path, "either", "License-Expression: GPL-2.0-or-later OR MIT"),
        "good": wheel(tmp_path, "good", "License: MIT", "Requires-Dist: nested"),
        "nested": wheel(tmp_path, "nested", "License: GNU General Public License v2"),
        "silent": wheel(tmp_path, "silent", "License: UNKNOWN"),
        "checker": wheel(tmp_path, "checker", "License: GPL-2.0-or-later"),
    }
    released = ", ".join(f'"{entry}"' for name, entry in made.items() if name not in ("checker", "nested"))
    others = f'"{made["checker"]}", "{made["nested"]}"'
    text = f'[project]\nname = "x"\nversion = "1"\ndependencies = [{released}]\n[dependency-groups]\ndev = [{others}]\n'
    root = repository({"pyproject.toml": text})
    report = await licences(root, await target_environment(root, cache))
    found = {each.title.split(" ")[0]: each.severity for each in report.findings}
    assert found == {
        "gplv3": Severity.CRITICAL,
        "affero": Severity.CRITICAL,
        "nested": Severity.CRITICAL,
        "lesser": Severity.MAJOR,
        "silent": Severity.MAJOR,
        "checker": Severity.MINOR,
    }
    assert report.metrics == {"distributions": 8}
    assert report.verdict is Verdict.FAILED
    assert git(root, "status", "--porcelain") == ""
