"""Our side of the Agent Client Protocol: what an agent may do is decided here, what it says is kept within bounds."""

from __future__ import annotations

from asyncio import Future
from pathlib import Path
from typing import Any

from acp import PromptResponse, RequestPermissionResponse
from acp.schema import (
    AgentMessageChunk,
    AllowedOutcome,
    DeniedOutcome,
    PermissionOption,
    TextContentBlock,
    ToolCallStart,
    ToolCallUpdate,
    Usage,
)

from tasks.agents.ports import AgentEvent

MOST_WORDS = 100_000  # characters of an agent's last message that are kept
MOST_EVENTS = 2_000
# What an agent may do in its own tree without a person. Not ``fetch``: what it finds elsewhere is nobody's review.
ALLOWED = frozenset({"read", "edit", "delete", "move", "search", "execute", "think"})


class Listener:
    """An ``acp.Client`` without files and terminals of ours: the agent has its own, in its tree."""

    def __init__(self, tree: Path) -> None:
        self._tree = tree.resolve()
        self.words = ""
        self.events: list[AgentEvent] = []
        self.refused: list[str] = []
        self.used: Usage | None = None
        self._worked = False

    async def request_permission(
        self,
        session_id: str,  # noqa: ARG002 (the protocol)
        tool_call: ToolCallUpdate,
        options: list[PermissionOption],
        **_: Any,
    ) -> RequestPermissionResponse:
        """Yes once for what is allowed, no for the rest."""
        reason = self._reason(tool_call)
        if reason:
            self.refused.append(reason)
            self._note(f"not allowed: {reason}")
        chosen = _choose(options, ("reject_once", "reject_always") if reason else ("allow_once", "allow_always"))
        if chosen is None:
            return RequestPermissionResponse(outcome=DeniedOutcome(outcome="cancelled"))
        return RequestPermissionResponse(outcome=AllowedOutcome(option_id=chosen.option_id, outcome="selected"))

    async def session_update(self, session_id: str, update: Any, **_: Any) -> None:  # noqa: ARG002
        """Something the agent says or does."""
        if isinstance(update, AgentMessageChunk):
            if isinstance(update.content, TextContentBlock):
                self.words = ("" if self._worked else self.words) + update.content.text
                self.words, self._worked = self.words[-MOST_WORDS:], False
                self._note(update.content.text[:500])
            return
        if isinstance(update, ToolCallStart):
            self._worked = True  # what it says after it has worked is its last word so far
        self._note(str(getattr(update, "title", None) or getattr(update, "session_update", "")))

    def answered(self, prompt: Future[PromptResponse]) -> None:
        """The end of a prompt, when it has one: what the agent says that it used counts, however it ended."""
        if not prompt.cancelled() and prompt.exception() is None:
            self.used = prompt.result().usage

    async def ext_method(self, method: str, params: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        """A vendor's own question. It is answered, since some wait for it, and with nothing."""
        self._note(f"asks {method}")
        return {}

    async def ext_notification(self, method: str, params: dict[str, Any]) -> None:
        """A vendor's own news."""

    def on_connect(self, conn: Any) -> None:
        """Nothing to be done."""

    def _reason(self, call: ToolCallUpdate) -> str:
        """Why a call is not allowed; nothing when it is."""
        if call.kind is not None and call.kind not in ALLOWED:
            return f"{call.kind} ({call.title or call.tool_call_id})"
        for each in call.locations or []:
            path = (self._tree / each.path).resolve()
            if not path.is_relative_to(self._tree):
                return f"{each.path} lies outside the tree"
        return ""

    def _note(self, text: str) -> None:
        if text.strip() and len(self.events) < MOST_EVENTS:
            self.events.append(AgentEvent(id=str(len(self.events) + 1), text=text))


def _choose(options: list[PermissionOption], kinds: tuple[str, ...]) -> PermissionOption | None:
    return next((each for kind in kinds for each in options if each.kind == kind), None)
