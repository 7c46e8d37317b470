"""The workflow pack's files, as they are put into a repository."""

from __future__ import annotations

from pathlib import Path

PACK = Path(__file__).with_name("pack")
FOLDER = ".github"


def pack_files(*, by_workspace: bool = False) -> dict[str, str]:
    """Path in the repository → text.

    Parts of the pack name each other as ``$/…``, the repository that the workflow is from. With ``by_workspace`` they
    do it as ``./…``, which a GitHub Enterprise Server that does not know the other form takes.
    """
    found = {}
    for file in sorted(PACK.rglob("*.yml")):
        text = file.read_text()
        path = f"{FOLDER}/{file.relative_to(PACK).as_posix()}"
        found[path] = text.replace("uses: $/", "uses: ./") if by_workspace else text
    return found
