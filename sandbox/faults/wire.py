"""The connections themselves: an answer that never comes, or breaks off, is made where TCP is."""

from __future__ import annotations

import asyncio
import socket
import struct

from starlette.types import Receive, Scope
from uvicorn.protocols.http.auto import AutoHTTPProtocol

_RESET_AT_ONCE = struct.pack("ii", 1, 0)


class Wire:
    """The open connections by the client's address, and a protocol for uvicorn that keeps the list."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, int], asyncio.Transport] = {}
        opened = self._open

        class Listed(AutoHTTPProtocol):  # type: ignore[misc, valid-type]  # uvicorn picks the class as it starts
            """uvicorn's own protocol, with its connection in the list while it lasts."""

            def connection_made(self, transport: asyncio.Transport) -> None:
                """Somebody came."""
                self._shipline_peer = transport.get_extra_info("peername")
                opened[self._shipline_peer] = transport
                super().connection_made(transport)

            def connection_lost(self, error: Exception | None) -> None:
                """They are gone."""
                opened.pop(self._shipline_peer, None)
                super().connection_lost(error)

        self.protocol: type[asyncio.Protocol] = Listed

    async def reset(self, scope: Scope, receive: Receive) -> None:
        """Break the connection off the hard way: the client is told that it was reset."""
        transport = self._transport(scope)
        if transport is not None:
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_ONCE)
            transport.abort()
        await gone(receive)

    async def drop(self, scope: Scope, receive: Receive) -> None:
        """Close the connection; what was written before still arrives."""
        transport = self._transport(scope)
        if transport is not None:
            transport.close()
        await gone(receive)

    def _transport(self, scope: Scope) -> asyncio.Transport | None:
        return self._open.get(tuple(scope["client"]))


async def gone(receive: Receive) -> None:
    """Wait until the connection is closed; uvicorn would answer 500 to who comes back before."""
    while (await receive())["type"] != "http.disconnect":
        pass
