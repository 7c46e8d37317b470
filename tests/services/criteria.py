"""What an agent that was recorded before criteria were asked for would say of them."""

from __future__ import annotations

from typing import Any


def met(prompt: str) -> list[dict[str, Any]]:
    """Each criterion of a prompt, as one who has seen it met says so."""
    _, _, after = prompt.partition("# Done means\n")
    lines = after.partition("\n# ")[0].splitlines()
    found = [line.removeprefix("- ") for line in lines if line.startswith("- ")]
    return [{"criterion": each, "met": True, "evidence": "its tests"} for each in found]
