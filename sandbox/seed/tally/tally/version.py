"""Tally's version. It stands in pyproject.toml and nowhere else."""

import tomllib
from importlib import metadata
from pathlib import Path

PROJECT = Path(__file__).parent.parent / "pyproject.toml"


def read_version(project: Path = PROJECT) -> str:
    """The version of this checkout, else of the installed distribution."""
    if project.is_file():
        table = tomllib.loads(project.read_text("utf-8")).get("project", {})
        if table.get("name") == "tally":
            return str(table["version"])
    return metadata.version("tally")
