"""A delivering process that does not look before it makes an issue: what the crash grid must be able to catch."""

from __future__ import annotations

import sys

from flows.__main__ import main
from tasks.github.issues import Issues
from tasks.github.shapes import IssueRef


async def _sees_nothing(self: Issues, marker: str) -> IssueRef | None:
    return None


if __name__ == "__main__":
    Issues.find_issue = _sees_nothing  # type: ignore[method-assign]
    sys.exit(main())
