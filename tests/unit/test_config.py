"""The environment wins over the running stack's file, which wins over the defaults."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from shipline.config import STACK_FILE, load_settings
from shipline.errors import ConfigError


def _stack(home: Path, pid: int) -> None:
    found = {"pid": pid, "mongodb_uri": "mongodb://127.0.0.1:1", "github_token": "sandbox-token", "stranger": 1}
    (home / STACK_FILE).write_text(json.dumps(found))


def test_without_anything_the_defaults_hold(home: Path) -> None:
    settings = load_settings()
    assert settings.home == home
    assert settings.planner == settings.coder == "recorded"
    with pytest.raises(ConfigError, match="shipline up"):
        settings.require_mongodb()
    with pytest.raises(ConfigError, match="PREFECT_API_URL"):
        settings.require_prefect()
    with pytest.raises(ConfigError, match="SHIPLINE_GITHUB_TOKEN"):
        settings.require_token()


def test_a_running_stack_is_found(home: Path) -> None:
    _stack(home, os.getpid())
    settings = load_settings()
    assert settings.require_mongodb() == "mongodb://127.0.0.1:1"
    assert settings.require_token() == "sandbox-token"


def test_the_file_of_a_dead_stack_is_ignored(home: Path) -> None:
    _stack(home, 2**22 + 1)
    assert load_settings().mongodb_uri is None


def test_the_environment_wins(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _stack(home, os.getpid())
    monkeypatch.setenv("SHIPLINE_MONGODB_URI", "mongodb://elsewhere")
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:4200/api")
    settings = load_settings()
    assert settings.mongodb_uri == "mongodb://elsewhere"
    assert settings.require_prefect() == "http://127.0.0.1:4200/api"


def test_a_value_that_does_not_fit_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHIPLINE_MAX_PARALLEL", "many")
    with pytest.raises(ConfigError, match="SHIPLINE_MAX_PARALLEL"):
        load_settings()
