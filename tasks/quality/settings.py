"""What the target repository asks of us: ``[tool.shipline]`` in its pyproject.toml."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from shipline.errors import InvalidInput

DEFAULT_TEST = "python -m pytest"
TestName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,30}$")]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DeploySettings(_Table):
    """How a release runs. ``{host}`` and ``{port}`` in ``command`` are filled in; ``health`` is a path.

    ``smoke`` is a command that must succeed against the running release.
    """

    command: str = Field(min_length=1)
    health: str = Field(default="/", pattern=r"^/\S*$")
    smoke: str | None = None


class LicenceSettings(_Table):
    """Licences by SPDX id (``MPL-*`` for many), or ``package:NAME``: they pass, they block, or a person is asked."""

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    ask: tuple[str, ...] = ()


class TargetSettings(_Table):
    """``test`` runs the tests, ``tests`` several kinds of them by name, ``lint`` and ``types`` what else is to succeed.

    ``coverage_percent`` and ``change_coverage_percent`` are the repository's own gates, of the whole and of a change;
    with ``require_tests`` it does not pass without tests. ``sarif`` are commands that print SARIF. No ``deploy``,
    nothing to deploy.
    """

    test: str = Field(default=DEFAULT_TEST, min_length=1)
    tests: dict[TestName, Annotated[str, Field(min_length=1)]] = Field(default_factory=dict)
    lint: str | None = Field(default=None, min_length=1)
    types: str | None = Field(default=None, min_length=1)
    sarif: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    require_tests: bool = False
    coverage_percent: float | None = Field(default=None, ge=0, le=100)
    change_coverage_percent: float | None = Field(default=None, ge=0, le=100)
    licences: LicenceSettings = Field(default_factory=LicenceSettings)
    deploy: DeploySettings | None = None


def read_target_settings(workspace: Path) -> TargetSettings:
    """The settings of the repository in ``workspace``; the defaults when it has none. InvalidInput on nonsense."""
    table = read_pyproject(workspace).get("tool", {}).get("shipline", {})
    try:
        return TargetSettings.model_validate(table)
    except ValidationError as error:
        said = "; ".join(
            f"{'.'.join(str(part) for part in each['loc']) or 'tool.shipline'}: {each['msg']}"
            for each in error.errors()
        )
        raise InvalidInput(
            f"[tool.shipline] in the repository's pyproject.toml is wrong: {said}.",
            f"It knows {', '.join(TargetSettings.model_fields)}; docs/quality.md says what each does.",
        ) from error


def read_pyproject(workspace: Path) -> dict[str, Any]:
    """The repository's pyproject.toml (empty when there is none). InvalidInput when it cannot be read."""
    path = workspace / "pyproject.toml"
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"The repository's pyproject.toml cannot be read: {error}.", "Correct it.") from error


def has_ruff_settings(workspace: Path) -> bool:
    """Whether the repository says how ruff is to judge it."""
    if any((workspace / name).is_file() for name in ("ruff.toml", ".ruff.toml")):
        return True
    return "ruff" in read_pyproject(workspace).get("tool", {})
