"""``shipline app``: the GitHub App as which Shipline works."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from console.out import out
from shipline.errors import ConfigError

T = TypeVar("T")


def create(
    url: Annotated[str, typer.Option(help="Where GitHub reaches the gateway, such as https://shipline.example.com")],
    org: Annotated[str | None, typer.Option(help="The organization that is to own it; without, you.")] = None,
) -> None:
    """Make an App with just the permissions and webhooks that are needed: prints the page that does it."""
    from console.commands_control import whoami
    from tasks.github.founding import begin_app

    path = asyncio.run(_with_context(lambda: begin_app(by=whoami(), url=url, organization=org)))
    out.print("Open this within the hour; it leads to GitHub and back:")
    out.print(f"  {url.rstrip('/')}{path}", soft_wrap=True)


def install() -> None:
    """Install the App on repositories: prints where its owner does it."""
    from console.commands_control import whoami
    from tasks.github.installing import begin

    out.print((asyncio.run(_with_context(lambda: begin(by=whoami())))).url, soft_wrap=True)


def renew_secret() -> None:
    """Let GitHub sign webhooks with the first of SHIPLINE_WEBHOOK_SECRETS; the gateway accepts all of them."""
    from gateway.settings import load_gateway
    from tasks.github.founding import renew_secret as renew

    known = load_gateway().secrets()
    if len(known) < 2:
        raise ConfigError(
            "There is no old secret beside the new one, so deliveries would be lost meanwhile.",
            'Set SHIPLINE_WEBHOOK_SECRETS=["NEW", "OLD"] for the gateway and here, start the gateway again, then this.',
        )
    asyncio.run(_with_context(lambda: renew(known[0].decode())))
    out.print("GitHub signs with the new secret. Take the old one away when nothing is under way any more.")


async def _with_context(work: Callable[[], Awaitable[T]]) -> T:
    from tasks.context import close_context

    try:
        return await work()
    finally:
        await close_context()
