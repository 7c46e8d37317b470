"""``shipline workflows``: GitHub Actions as the place where steps run."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from console.out import out

if TYPE_CHECKING:
    from tasks.actions.installing import Installed


def install(repo: Annotated[str, typer.Argument(help="The repository, as owner/name.")]) -> None:
    """Open a pull request with the workflow pack, for runs whose executor is `actions`."""
    found = asyncio.run(_install(repo))
    if found.number is None:
        out.print(f"{repo} has the pack as it is ({found.files} files).")
        return
    out.print(f"#{found.number} brings the pack ({found.files} files): {found.url}", soft_wrap=True)
    out.print("Merge it. Its text says which secret and variables the repository needs.")


async def _install(repo: str) -> Installed:
    from tasks.actions.installing import install_pack
    from tasks.context import close_context

    try:
        return await install_pack(repo)
    finally:
        await close_context()
