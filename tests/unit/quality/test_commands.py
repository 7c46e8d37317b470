"""What a repository is tested, linted and typed with, read from its files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tasks.quality.commands import commands
from tasks.quality.recipes import command_of

TEST = "def test_x(): ...\n"


def write(root: Path, **files: str) -> Path:
    """Write files by names in which ``__`` is a slash and ``_DOT_`` a dot."""
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def said(root: Path) -> list[tuple[str, str]]:
    return [(each.check, each.words) for each in commands(root).tests]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("pytest {posargs}", "python -m pytest"),
        ("\t@python3 -m pytest -q tests --cov=app --cov-report term", "python -m pytest -q tests term"),
        ("poetry run pytest -x", "python -m pytest -x"),
        ("$(PYTHON) -m pytest", "python -m pytest"),
        ("coverage run -m pytest -q", "python -m pytest -q"),
        ("{envpython} -m unittest discover", "python -m unittest discover"),
        ("go test ./...", "go test ./..."),
        ("cargo test --all", "cargo test --all"),
        ("pytest; rm -rf x", ""),
        ("pytest $(pwd)", ""),
        ("echo pytest", ""),
        ("go build", ""),
    ],
)
def test_a_line_of_a_recipe(line: str, words: str) -> None:
    assert " ".join(command_of(line)) == words


def test_flat_tests_are_one_report(tmp_path: Path) -> None:
    write(tmp_path, tests__test_a_DOT_py=TEST)
    assert said(tmp_path) == [("tests", "python -m pytest")]
    write(tmp_path, pyproject_DOT_toml='[tool.shipline]\ntest = "python -m pytest"\n')
    assert said(tmp_path) == [("tests", "python -m pytest")]


def test_folders_tell_the_kinds_apart(tmp_path: Path) -> None:
    write(tmp_path, tests__unit__test_a_DOT_py=TEST, tests__e2e__deep__test_b_DOT_py=TEST)
    assert said(tmp_path) == [
        ("tests-unit", "python -m pytest tests/unit"), ("tests-e2e", "python -m pytest tests/e2e"),
    ]  # fmt: skip
    write(tmp_path, tests__test_rest_DOT_py=TEST, node_modules__test_not_DOT_py=TEST)
    assert said(tmp_path)[-1] == ("tests", "python -m pytest --ignore=tests/unit --ignore=tests/e2e")


def test_what_the_repository_names_goes_first(tmp_path: Path) -> None:
    write(tmp_path, tests__unit__test_a_DOT_py=TEST, Makefile="test:\n\tpytest -q tests\n")
    assert said(tmp_path) == [("tests", "python -m pytest -q tests")]
    write(tmp_path, tox_DOT_ini="[testenv]\ncommands =\n  pip list\n  pytest -x {posargs}\n")
    assert said(tmp_path) == [("tests", "python -m pytest -x")]
    own = '[tool.shipline.tests]\nunit = "python -m pytest tests/unit"\nslow = "make slow"\n'
    write(tmp_path, pyproject_DOT_toml=own)
    assert said(tmp_path) == [("tests-unit", "python -m pytest tests/unit"), ("tests-slow", "make slow")]


def test_scripts_of_a_package(tmp_path: Path) -> None:
    scripts = {"test": "node --test", "lint": "eslint .", "typecheck": "tsc --noEmit"}
    write(tmp_path, package_DOT_json=json.dumps({"scripts": scripts}))
    found = commands(tmp_path)
    assert said(tmp_path) == [("tests", "npm run --silent test")]
    assert found.lint is not None and found.lint.words == "npm run --silent lint"
    assert found.types is not None and found.types.words == "npm run --silent typecheck"
    write(tmp_path, package_DOT_json=json.dumps({"scripts": {**scripts, "test:unit": "a", "test:e2e": "b"}}))
    assert [check for check, _ in said(tmp_path)] == ["tests-unit", "tests-e2e", "tests"]
    every = {"test": "npm run test:unit && npm run test:e2e", "test:unit": "a", "test:e2e": "b"}
    write(tmp_path, package_DOT_json=json.dumps({"scripts": every}))
    assert [check for check, _ in said(tmp_path)] == ["tests-unit", "tests-e2e"]
    write(tmp_path, tests__test_a_DOT_py=TEST)
    assert [check for check, _ in said(tmp_path)] == ["tests", "tests-npm-unit", "tests-npm-e2e"]


def test_npms_own_placeholder_is_no_test(tmp_path: Path) -> None:
    placeholder = 'echo "Error: no test specified" && exit 1'
    write(tmp_path, package_DOT_json=json.dumps({"scripts": {"test": placeholder}}))
    assert said(tmp_path) == [("tests", "python -m pytest")]


def test_another_language_by_its_makefile_or_its_ci(tmp_path: Path) -> None:
    ci = "jobs:\n  a:\n    steps:\n      - run: |\n          go vet\n          go test ./...\n"
    write(tmp_path, _DOT_github__workflows__ci_DOT_yml=ci, main_DOT_go="package main\n")
    (found,) = commands(tmp_path).tests
    assert (found.words, found.source) == ("go test ./...", ".github/workflows/ci.yml")
    write(tmp_path, Makefile="lint:\n\tgolint\n\ntest: build\n\t./run-them\n")
    # What the Makefile's recipe is made of is make's business.
    assert [each.words for each in commands(tmp_path).tests] in (["go test ./..."], ["make test"])
    lint = commands(tmp_path).lint
    assert lint is not None and lint.words == "make lint"


@pytest.mark.parametrize("text", ["[tool.shipline.tests]\n'no name' = 'x'\n", "[tool.shipline]\nlint = ''\n"])
def test_nonsense_is_refused_in_words(tmp_path: Path, text: str) -> None:
    from shipline.errors import InvalidInput

    write(tmp_path, pyproject_DOT_toml=text)
    with pytest.raises(InvalidInput, match=r"\[tool.shipline\]"):
        commands(tmp_path)
