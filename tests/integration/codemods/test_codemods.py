"""Codemods on real trees: what they change, and what they refuse before anything is changed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from shipline.errors import AgentError
from tasks.agents.codemod import Codemod
from tasks.codemods import understand
from tasks.git import IDENTITY, run_git
from tests.integration.agents.behaviour import job

TREE = {
    "tally/__init__.py": "from .month import parse\n",
    "tally/month.py": (
        '"""Months."""\n\n__all__ = ["Month", "parse"]\n\n\n'
        'class Month:\n    def parse(self):\n        return parse("x")\n'
        "\n\ndef parse(text):\n    return text\n"
    ),
    "tally/cli.py": (
        "import tally.month\nfrom tally import month as m\nfrom tally.month import Month, parse as read\n\n\n"
        "def main(argv):\n    parse = argv\n    m.parse(parse)\n    tally.month.parse(parse=1)\n    Month().parse()\n"
        "    return read(argv), getattr(m, 'parse')\n"
    ),
    "tests/test_month.py": "from tally.month import parse\n\n\ndef test_it():\n    assert parse('a') == 'a'\n",
    "other.py": "def parse():\n    return 1\n\n\nparse()\n",
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository with the files above."""
    for name, text in TREE.items():
        _write(tmp_path / name, text)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    return _tracked(tmp_path)


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def _tracked(root: Path) -> Path:
    subprocess.run(["git", "add", "--all"], cwd=root, check=True)
    return root


def _changed(root: Path) -> dict[str, str]:
    return {name: (root / name).read_text() for name, text in TREE.items() if (root / name).read_text() != text}


def test_a_name_is_renamed_wherever_it_means_that(tree: Path) -> None:
    told = understand("Implement: Rename `tally.month.parse` to read_month")(tree)
    assert _changed(tree) == {
        "tally/__init__.py": "from .month import read_month\n",
        "tally/month.py": TREE["tally/month.py"]
        .replace('"parse"', '"read_month"')
        .replace('return parse("x")', 'return read_month("x")')
        .replace("\ndef parse", "\ndef read_month"),
        "tally/cli.py": TREE["tally/cli.py"]
        .replace("parse as read", "read_month as read")
        .replace("m.parse(parse)", "m.read_month(parse)")
        .replace("tally.month.parse(parse=1)", "tally.month.read_month(parse=1)"),
        "tests/test_month.py": TREE["tests/test_month.py"]
        .replace("import parse", "import read_month")
        .replace("assert parse", "assert read_month"),
    }
    assert told == ["tally/cli.py mentions parse in a string; look whether it means this one."]


def test_a_package_below_src_and_an_own_module_are_found(tree: Path) -> None:
    _write(tree / "src" / "kit" / "__init__.py", "SIZE = 3\n")
    _write(tree / "src" / "kit" / "use.py", "from . import SIZE\n\nprint(SIZE)\n")
    _write(tree / "src" / "kit" / "deep" / "__init__.py", "from .. import SIZE\n\nLIMIT = SIZE\n")
    understand("rename kit.SIZE to LENGTH")(_tracked(tree))
    assert (tree / "src/kit/use.py").read_text() == "from . import LENGTH\n\nprint(LENGTH)\n"
    assert (tree / "src/kit/deep/__init__.py").read_text() == "from .. import LENGTH\n\nLIMIT = LENGTH\n"
    assert not _changed(tree)


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("rename parse to read", "does not say where"),
        ("rename tally.month.Month.parse to read", "No module of the repository is tally.month.Month"),
        ("rename tally.month.nothing to read", "does not define nothing"),
        ("rename tally.month.parse to Month", "Month is taken in tally/month.py"),
        ("rename tally.month.parse to parse", "has that name already"),
        ("sort imports in ../..", "leads out of the repository"),
        ("sort imports in docs", "no Python file"),
        ("bump requests to latest", "No codemod does"),
        ("bump requests to 2.32", "Nothing asks for"),
        ("Let people set a budget", "No codemod does"),
        ("rename tally.month.parse to read; rm -rf /", "No codemod does"),
    ],
)
def test_what_cannot_be_done_is_refused_and_nothing_changes(tree: Path, task: str, words: str) -> None:
    with pytest.raises(AgentError, match=words):
        understand(task)(tree)
    assert not _changed(tree)


def test_a_name_that_is_taken_where_it_is_used_is_refused(tree: Path) -> None:
    imports = TREE["tally/cli.py"].replace("parse as read", "parse")
    _write(tree / "tally/cli.py", imports)
    with pytest.raises(AgentError, match=r"main is taken in tally/cli\.py"):
        understand("rename tally.month.parse to main")(tree)
    assert _changed(tree) == {"tally/cli.py": imports}


def test_a_file_that_cannot_be_parsed_stops_all_of_it(tree: Path) -> None:
    _write(tree / "broken.py", "def parse(:\n")
    with pytest.raises(AgentError, match=r"broken\.py cannot be parsed"):
        understand("rename tally.month.parse to read")(_tracked(tree))
    assert not _changed(tree)


def test_imports_are_sorted_as_the_repository_says(tree: Path) -> None:
    _write(tree / "pyproject.toml", "[tool.ruff.lint.isort]\nforce-sort-within-sections = true\n")
    _write(tree / "a.py", "import sys\nfrom os import path\nimport os\n\nprint(sys, path, os)\n")
    _write(tree / "untracked" / "b.py", "import sys\nimport os\n\nprint(sys, os)\n")
    _tracked(tree)
    subprocess.run(["git", "rm", "-q", "--cached", "untracked/b.py"], cwd=tree, check=True)
    understand("sort imports in a.py")(tree)
    assert (tree / "a.py").read_text() == "import os\nfrom os import path\nimport sys\n\nprint(sys, path, os)\n"
    understand("Sort imports.")(tree)
    assert (tree / "untracked" / "b.py").read_text().startswith("import sys\nimport os")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("requests", "requests>=2.32.4"),
        ("requests==2.31.0", "requests==2.32.4"),
        ("requests >=2.0, <3", "requests>=2.32.4,<3"),
        ("Requests[socks]~=2.31; python_version > '3.8'", "Requests[socks]~=2.32.4; python_version > '3.8'"),
        ("requests>2,!=2.30", "requests>=2.32.4,!=2.30"),
        ("requests-mock==1.0", "requests-mock==1.0"),
    ],
)  # fmt: skip
def test_a_dependency_is_bumped_where_it_is_declared(tree: Path, before: str, after: str) -> None:
    toml = f"# requests==1 stays\n[project]\nname = 'x'\ndependencies = [\n  \"{before}\",  # why\n]\n"
    _write(tree / "pyproject.toml", toml)
    _write(tree / "requirements-dev.txt", f"-r other.txt\n{before}  # requests\npytest\n")
    _tracked(tree)
    if before == after:
        with pytest.raises(AgentError, match="Nothing asks"):
            understand("bump requests to 2.32.4")(tree)
        return
    understand("bump requests to 2.32.4")(tree)
    assert (tree / "requirements-dev.txt").read_text() == f"-r other.txt\n{after}  # requests\npytest\n"
    assert (tree / "pyproject.toml").read_text() == toml.replace(f'"{before}"', f'"{after}"')


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("requests<2", "excludes 2.32.4"),
        ("requests==3.0", "asks for a newer one"),
        ("requests @ https://example.com/r.whl", "an address"),
        ("requests==2.31.0 --hash=sha256:00", "pinned with hashes"),
    ],
)
def test_a_bump_that_is_not_safe_is_refused(tree: Path, line: str, words: str) -> None:
    _write(tree / "requirements.txt", f"{line}\n")
    with pytest.raises(AgentError, match=words):
        understand("bump requests to 2.32.4")(_tracked(tree))
    assert (tree / "requirements.txt").read_text() == f"{line}\n"


def test_what_a_lock_pins_is_bumped_by_the_tool_that_wrote_it(tree: Path) -> None:
    _write(tree / "requirements.txt", "requests\n")
    _write(tree / "uv.lock", '[[package]]\nname = "requests"\nversion = "2.31.0"\n')
    with pytest.raises(AgentError, match=r"uv\.lock pins requests"):
        understand("bump requests to 2.32.4")(_tracked(tree))
    assert (tree / "requirements.txt").read_text() == "requests\n"


def test_a_link_out_of_the_tree_is_left_alone(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    _write(outside / "theirs.py", "from tally.month import parse\n")
    (tree / "link.py").symlink_to(outside / "theirs.py")
    (tree / "linked").symlink_to(outside)
    understand("rename tally.month.parse to read_month")(_tracked(tree))
    assert (outside / "theirs.py").read_text() == "from tally.month import parse\n"


async def test_as_a_coding_agent_it_works_once_and_again_on_fresh_files(tree: Path) -> None:
    await run_git("commit", "-qm", "Begin", cwd=tree, env=IDENTITY)
    agent, asked = Codemod(), job("task/1", "demo/tally")
    named = asked.input.model_copy(update={"objective": "Implement: Rename tally.month.parse to read_month"})
    asked = asked.model_copy(update={"input": named})
    refs = [await agent.start(asked, "r/rename", tree) for _ in range(2)]
    assert refs[0] == refs[1]
    result = await agent.result(refs[0])
    assert result.output.changeset_summary == "Rename tally.month.parse to read_month"
    assert "tally/cli.py mentions parse" in result.output.notes
    assert result.usage.input_tokens == 0
    await run_git("reset", "-q", "--hard", cwd=tree)
    await agent.start(asked, "r/rename", tree)  # a retry, on a clone of its own
    assert "read_month" in (tree / "tally/month.py").read_text()
    with pytest.raises(AgentError, match="No codemod does"):
        await agent.start(job("task/1"), "r/other", tree)
