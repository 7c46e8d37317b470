"""Viewers of a console page without a browser: they speak Streamlit's protocol, as its page does.

Twenty Chromium pages on a small machine measure Chromium. These ask for the same reruns, at the same moments, and read
every answer, so the server has the same work; what they leave out is drawing. A page says which parts it runs again
and how often (``AutoRerun``); the viewer does that, as Streamlit's frontend does. It keeps no cache of messages, so the
server sends all of them whole.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg


class Viewer:
    """One tab; ``async with`` it. ``wrong`` holds exceptions on the page and a lost connection."""

    def __init__(self, console: str, page: str, query: str) -> None:
        self._address = console.replace("http", "ws", 1) + "/_stcore/stream"
        self._page, self._query, self._script = page, query, ""
        self._awaited: dict[bytes, asyncio.Future[None]] = {}
        self._timers: dict[str, asyncio.Task[None]] = {}
        self.wrong: list[str] = []

    async def __aenter__(self) -> Self:
        self._socket = await websockets.connect(self._address, max_size=None)
        self._reader = asyncio.create_task(self._read())
        await self._rerun()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in (*self._timers.values(), self._reader):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await self._socket.close()

    async def sees(self, text: str) -> None:
        """Wait until the server has sent this text."""
        waits = self._awaited.setdefault(text.encode(), asyncio.get_running_loop().create_future())
        await waits

    async def _rerun(self, fragment: str = "") -> None:
        asked = BackMsg()
        state = asked.rerun_script
        state.query_string, state.page_script_hash = self._query, self._script
        if fragment:
            state.fragment_id, state.is_auto_rerun = fragment, True
        elif not self._script:
            state.page_name = self._page
        await self._socket.send(asked.SerializeToString())

    async def _read(self) -> None:
        with suppress(asyncio.CancelledError):
            try:
                async for raw in self._socket:
                    assert isinstance(raw, bytes)
                    self._take(raw)
            except websockets.ConnectionClosed as closed:
                self.wrong.append(f"the connection was lost: {closed}")

    def _take(self, raw: bytes) -> None:
        for text in [each for each in self._awaited if each in raw]:
            self._awaited.pop(text).set_result(None)
        said = ForwardMsg.FromString(raw)
        kind = said.WhichOneof("type")
        if kind == "new_session":
            self._script = said.new_session.page_script_hash
        elif kind == "auto_rerun":
            fragment = said.auto_rerun.fragment_id
            if fragment not in self._timers:
                self._timers[fragment] = asyncio.create_task(self._again(fragment, said.auto_rerun.interval))
        elif kind == "delta" and said.delta.new_element.WhichOneof("type") == "exception":
            self.wrong.append(said.delta.new_element.exception.message)

    async def _again(self, fragment: str, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            await self._rerun(fragment)
