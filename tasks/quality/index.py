"""What the package index says of a package, without running any of its code."""

from __future__ import annotations

import sys
import tempfile
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path
from typing import Any, Protocol

from packaging.requirements import InvalidRequirement, Requirement

from tasks.confine import run_confined
from tasks.quality.dependencies import pip_variables

_SECONDS = 120.0


class Metadata(Protocol):
    """What a distribution says of itself, as ``importlib.metadata`` and ``email`` give it."""

    def get_all(self, name: str, /) -> list[Any] | None:
        """Every value of a field."""
        ...


async def licence_at_index(requirement: str, workspace: Path) -> str:
    """In words: the licence of the version that pip would take, or why it could not be learned.

    The wheel is fetched and read, not installed: pip's own report leaves ``License-Expression`` out before pip 25.
    """
    try:
        Requirement(requirement)  # an option is none, and pip is not to see it
    except InvalidRequirement:
        return "its licence is not known here"
    with tempfile.TemporaryDirectory(prefix="shipline-") as folder:
        await run_confined(
            [
                *(sys.executable, "-I", "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--quiet"),
                *("--no-input", "--disable-pip-version-check", "--dest", folder, "--", requirement),
            ],
            cwd=workspace, env=pip_variables(), timeout=_SECONDS,
        )  # fmt: skip
        fetched = next(Path(folder).glob("*.whl"), None)
        try:
            about = _about(fetched) if fetched else None
        except (OSError, zipfile.BadZipFile, StopIteration, UnicodeDecodeError):
            about = None
    if about is None:
        return "the package index did not tell its licence"
    said = licence_in(about)
    return f"its licence is {said}" if said else "it says nothing of its licence"


def licence_in(about: Metadata) -> str:
    """The SPDX expression, else classifiers, else the first line of the text; nothing when there is none."""
    expression, text = (_first(about, key) for key in ("License-Expression", "License"))
    if expression:
        return expression
    classifiers = [str(each) for each in about.get_all("Classifier") or [] if str(each).startswith("License ::")]
    named = [each.rsplit(" :: ", 1)[1] for each in classifiers if each.count("::") > 1]
    if named:
        return ", ".join(named)
    return "" if not text or text.upper() == "UNKNOWN" else text.splitlines()[0][:120]


def _first(about: Metadata, key: str) -> str:
    values = about.get_all(key)
    return str(values[0]).strip() if values else ""


def _about(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        name = next(each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
        with archive.open(name) as file:
            return Parser().parsestr(file.read(1_000_000).decode())
