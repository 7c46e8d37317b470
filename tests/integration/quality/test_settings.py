"""What the target's pyproject.toml asks of us."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipline.errors import InvalidInput
from tasks.quality import read_target_settings


def test_without_any(tmp_path: Path) -> None:
    settings = read_target_settings(tmp_path)
    assert (settings.test, settings.coverage_percent, settings.deploy) == ("python -m pytest", None, None)


def test_all_of_them(tmp_path: Path) -> None:
    text = '[tool.shipline]\ntest = "make test"\ncoverage_percent = 85\n'
    text += '[tool.shipline.deploy]\ncommand = "python -m app"\nhealth = "/healthz"\nsmoke = "python smoke.py"\n'
    (tmp_path / "pyproject.toml").write_text(text)
    settings = read_target_settings(tmp_path)
    assert (settings.test, settings.coverage_percent) == ("make test", 85)
    assert settings.deploy is not None
    assert settings.deploy.health == "/healthz"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("coverage_percent = 120", "coverage_percent: .*less than or equal to 100"),
        ("coverage = 80", "coverage: Extra inputs"),
        ('deploy = {health = "/x"}', "deploy.command: Field required"),
        ('deploy = {command = "x", health = "healthz"}', "deploy.health"),
    ],
)
def test_nonsense(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[tool.shipline]\n{text}\n")
    with pytest.raises(InvalidInput, match=said):
        read_target_settings(tmp_path)
