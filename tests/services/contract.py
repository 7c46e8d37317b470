"""Cursor's published contract, where it lies beside the project: what is sent and answered is held against it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

FILE = Path(__file__).parents[3] / "shared" / "contracts" / "cursor-cloud-agents-v1.openapi.yml"


@cache
def _document() -> dict[str, Any]:
    return dict(yaml.safe_load(FILE.read_text()))


def known() -> bool:
    """Whether the contract is there."""
    return FILE.is_file()


def faults(schema: str, value: Any) -> list[str]:
    """Where a value does not fit a schema of the contract, in words."""
    components = _document()["components"]
    validator = Draft202012Validator({"$ref": f"#/components/schemas/{schema}", "components": components})
    return [f"{schema} {each.json_path}: {each.message}" for each in validator.iter_errors(value)]


def error_codes() -> list[str]:
    """Every code that the contract names."""
    words = _document()["components"]["schemas"]["Error"]["properties"]["error"]["properties"]["code"]["description"]
    return [part for part in words.split("`")[1::2] if part]
