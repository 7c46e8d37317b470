"""What an agent that was recorded before criteria were asked for would say of them."""

from __future__ import annotations

from typing import Any

WHERE = ("# Done means\n", "## Its acceptance criteria\n\n")  # those of a defect are material


def met(prompt: str) -> list[dict[str, Any]]:
    """Each criterion of a prompt, as one who has seen it met says so."""
    found = [line for title in WHERE for line in _listed(prompt.partition(title)[2])]
    return [{"criterion": each, "met": True, "evidence": "its tests"} for each in found]


def _listed(text: str) -> list[str]:
    lines = text.partition("\n#")[0].splitlines()
    return [line.removeprefix("- ") for line in lines if line.startswith("- ")]
