"""What a change may not make the repository depend on."""

from __future__ import annotations

import pytest

from tasks.guards import GuardContext, check_guards
from tasks.guards.dependencies import new_dependencies
from tests.unit.guards.helpers import added, change, deleted, edited

ANY = GuardContext()
PYPROJECT = """[build-system]
requires = ["setuptools"]
[project]
dependencies = ["attrs>=23"]
[project.optional-dependencies]
cli = ["rich"]
[dependency-groups]
dev = ["pytest", {include-group = "lint"}]
[tool.poetry.dependencies]
python = "^3.11"
click = "^8"
"""
PACKAGE = '{"dependencies": {"left-pad": "1"}}'
SETUP_CFG = "[options]\ninstall_requires =\n    attrs\n[options.extras_require]\nx =\n    rich\n"
SETUP_PY = 'setup(name="x", install_requires=["attrs"], extras_require={"x": ["rich"]}, packages=["a"])\n'


SCRIPT = '# /// script\n# requires-python = ">=3.11"\n# dependencies = [\n#   "attrs",\n# ]\n# ///\nimport attrs\n'
DOCKERFILE = """FROM python:3.12
COPY . /app
RUN pip install --no-cache-dir -r requirements.txt /app && \\
    pip install "attrs>=23"
"""
TOX = """[tox]
envlist = py311
[testenv]
deps =
    pytest
    lint: ruff
    -r requirements.txt
commands = pytest
"""
NOX = (
    'import nox\n\n@nox.session\ndef tests(session):\n    session.install("-e", ".", "pytest")\n    session.run("x")\n'
)


@pytest.mark.parametrize(
    ("path", "old", "new", "about"),
    [
        ("pyproject.toml", PYPROJECT, PYPROJECT.replace('"attrs>=23"', '"attrs>=23", "evil==1"'), "evil==1"),
        ("pyproject.toml", PYPROJECT, PYPROJECT.replace('"rich"', '"evil"'), "evil"),
        ("pyproject.toml", PYPROJECT, PYPROJECT.replace('"pytest"', '"pytest", "evil"'), "evil"),
        ("pyproject.toml", PYPROJECT, PYPROJECT.replace('"setuptools"', '"evil"'), "evil"),
        ("pyproject.toml", PYPROJECT, PYPROJECT.replace("click", "evil"), "evil"),
        ("sub/pyproject.toml", "", '[project]\ndependencies = ["evil"]\n', "evil"),
        ("requirements.txt", "attrs\n", "attrs\nevil==1 --hash=sha256:00  # why\n", "evil==1"),
        ("requirements/dev-requirements.in", "", "# evil\nevil\n", "evil"),
        ("requirements.txt", "", "--extra-index-url https://evil.example\n", "--extra-index-url https://evil.example"),
        ("requirements.txt", "", "evil @ https://evil.example/e.whl\n", "evil @ https://evil.example/e.whl"),
        ("setup.cfg", SETUP_CFG, SETUP_CFG.replace("rich", "evil"), "evil"),
        ("setup.py", SETUP_PY, SETUP_PY.replace('["rich"]', '["rich", "evil"]'), "evil"),
        ("package.json", PACKAGE, PACKAGE.replace('"left-pad": "1"', '"left-pad": "1", "evil": "2"'), "evil"),
        ("tools/once.py", SCRIPT, SCRIPT.replace('"attrs",', '"attrs",\n#   "evil>1",'), "evil>1"),
        ("new.py", "", SCRIPT.replace("attrs", "evil"), "evil"),
        ("Dockerfile", DOCKERFILE, DOCKERFILE.replace('"attrs>=23"', '"attrs>=23" evil==2'), "evil==2"),
        ("Dockerfile", DOCKERFILE, DOCKERFILE + 'RUN ["pip", "x"]\nRUN pip3 install -t /x evil\n', "evil"),
        ("deploy/api.Dockerfile", "", "RUN uv pip install evil\n", "evil"),
        ("Dockerfile", "", "RUN pip install -r evil.txt\n", "-r evil.txt"),
        ("Dockerfile", "", "RUN pip install -i https://evil.example .\n", "-i https://evil.example"),
        ("scripts/setup.sh", "", "set -e\npython -m pip install evil; echo\n", "evil"),
        ("tox.ini", TOX, TOX.replace("    pytest\n", "    pytest\n    evil\n"), "evil"),
        ("tox.ini", TOX, TOX.replace("lint: ruff", "lint: evil"), "evil"),
        ("noxfile.py", NOX, NOX.replace('"pytest")', '"pytest", "evil")'), "evil"),
        ("pyproject.toml", "", '[tool.tox.env_run_base]\ndeps = ["evil"]\n', "evil"),
        ("pyproject.toml", "", '[tool.hatch.envs.test]\ndependencies = ["evil"]\n', "evil"),
    ],
)
def test_a_new_one_is_stopped(path: str, old: str, new: str, about: str) -> None:
    (found,) = new_dependencies(change(edited(path, old, new)), ANY)
    assert (found.guard, found.path, found.about) == ("new-dependency", path, about)
    assert found in check_guards(change(edited(path, old, new)), ANY)


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("pyproject.toml", PYPROJECT, PYPROJECT.replace("attrs>=23", "Attrs[x]>=24")),
        ("pyproject.toml", PYPROJECT, PYPROJECT.replace('"rich"', "").replace('"attrs>=23"', '"attrs>=23", "rich"')),
        ("pyproject.toml", PYPROJECT, PYPROJECT + '[tool.ruff]\nselect = ["evil"]\n'),
        ("pyproject.toml", PYPROJECT, "[broken"),
        ("requirements.txt", "attrs\nrich\n", "attrs\n# evil\n"),
        ("setup.py", SETUP_PY, SETUP_PY.replace('["a"]', '["a", "evil"]')),
        ("package.json", PACKAGE, PACKAGE.replace("}}", '}, "scripts": {"evil": "x"}}')),
        ("app/requirements.py", "", "evil = 1\n"),
        ("app/a.py", "", "# /// notes\n# dependencies = ['evil']\n# ///\n"),
        (
            "Dockerfile",
            DOCKERFILE,
            DOCKERFILE + "RUN pip install -r requirements.txt --target /x . && apt-get install evil\n",
        ),
        ("tox.ini", TOX, TOX.replace("commands = pytest", "commands = evil")),
        ("noxfile.py", NOX, NOX.replace('"x"', '"evil"')),
        ("Cargo.toml", "[dependencies]\nserde = '1'\n", "[dependencies]\n"),
    ],
)
def test_what_brings_nobody_new_passes(path: str, old: str, new: str) -> None:
    assert new_dependencies(change(edited(path, old, new)), ANY) == []


def test_one_that_moves_to_another_file_passes() -> None:
    moved = change(
        deleted("requirements.txt", "attrs\n"), added("pyproject.toml", '[project]\ndependencies = ["attrs"]')
    )
    assert new_dependencies(moved, ANY) == []


def test_a_declaration_that_is_not_read_changes_only_when_it_is_named() -> None:
    grown = change(edited("Cargo.toml", "", "[dependencies]\nevil = '1'\n"))
    assert [each.guard for each in new_dependencies(grown, ANY)] == ["new-dependency"]
    assert new_dependencies(grown, GuardContext(files=("Cargo.toml",))) == []
