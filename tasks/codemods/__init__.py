"""Changes that need no thinking: rename a symbol, sort imports, bump a dependency. What is not safe is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from shipline.errors import AgentError
from tasks.codemods.bumping import bump
from tasks.codemods.renaming import rename
from tasks.codemods.sorting import sort_imports

_DOTTED = r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*"
Change = Callable[[Path], list[str]]  # changes files below a folder; what is worth telling beside that

FORMS = ("rename PACKAGE.MODULE.NAME to NEW_NAME", "sort imports", "sort imports in PATH", "bump PACKAGE to VERSION")


def understand(task: str) -> Change:
    """The change that a task asks for. Raises AgentError, with the forms there are, when it asks for none of them."""
    said = " ".join(task.replace("`", "").split()).rstrip(".")
    said = re.sub(r"(?i)^implement: *", "", said)
    if found := re.fullmatch(rf"(?i)rename ({_DOTTED}) to ([A-Za-z_]\w*)", said):
        old, new = found[1], found[2]
        return lambda root: rename(root, old, new)
    if found := re.fullmatch(r"(?i)sort imports(?: in (\S+))?", said):
        below = found[1] or "."
        return lambda root: sort_imports(root, below)
    if found := re.fullmatch(r"(?i)(?:bump|update|upgrade) ([A-Za-z0-9][A-Za-z0-9._-]*) to v?([0-9]\S*)", said):
        package, version = found[1], found[2]
        return lambda root: bump(root, package, version)
    raise AgentError(
        f"No codemod does {said[:100]!r}.", f"Write the issue's title as one of: {'; '.join(FORMS)}. Else use an agent."
    )
