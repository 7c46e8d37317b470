"""A local agent for tests: it speaks the Agent Client Protocol on its standard streams and does as a file tells it.

``python acp_agent.py CONTROL``: ``CONTROL/acts`` says what it does, ``CONTROL/log`` gets a line for all it is asked.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any, cast

import acp
from acp.schema import AgentCapabilities, SessionCapabilities, SessionResumeCapabilities, ToolCallLocation, Usage

CONTROL = Path(sys.argv[1]) if len(sys.argv) > 1 else Path()


def log(line: str) -> None:
    """Note it."""
    with (CONTROL / "log").open("a") as out:
        out.write(f"{line}\n")


class Scripted:
    """Writes a file, or nothing, or hangs, floods, fails."""

    def __init__(self) -> None:
        self._client: Any = None
        self._cwd = Path()
        self._signed_in = not (CONTROL / "locked").is_file()
        self._told_to_stop = asyncio.Event()

    def on_connect(self, conn: Any) -> None:
        self._client = conn

    async def initialize(self, protocol_version: int, **_: Any) -> acp.InitializeResponse:
        how = (CONTROL / "takes-up").read_text() if (CONTROL / "takes-up").is_file() else "resume"
        sessions = SessionCapabilities(resume=SessionResumeCapabilities()) if how == "resume" else None
        return acp.InitializeResponse(
            protocol_version=int((CONTROL / "version").read_text()) if (CONTROL / "version").is_file() else 1,
            agent_capabilities=AgentCapabilities(load_session=how == "load", session_capabilities=sessions),
            auth_methods=_ways() if (CONTROL / "locked").is_file() else [],
        )

    async def authenticate(self, method_id: str, **_: Any) -> Any:
        log(f"authenticate {method_id}")
        self._signed_in = True

    async def new_session(self, cwd: str, **_: Any) -> acp.NewSessionResponse:
        if not self._signed_in:
            raise acp.RequestError.auth_required()
        self._cwd = Path(cwd)
        log("new")
        return acp.NewSessionResponse(session_id=f"s-{os.getpid()}")

    async def load_session(self, cwd: str, session_id: str, **_: Any) -> Any:
        self._cwd = Path(cwd)
        log(f"load {session_id}")
        return acp.LoadSessionResponse()

    async def resume_session(self, session_id: str, cwd: str, **_: Any) -> Any:
        from acp.schema import ResumeSessionResponse

        self._cwd = Path(cwd)
        log(f"resume {session_id}")
        return ResumeSessionResponse()

    async def cancel(self, session_id: str, **_: Any) -> None:
        log("cancel")
        self._told_to_stop.set()

    async def prompt(self, session_id: str, prompt: Any, **_: Any) -> acp.PromptResponse:
        text = prompt[0].text
        log(f"prompt {text.splitlines()[-1]}")
        acts = (CONTROL / "acts").read_text()
        await self._say(session_id, "I look around. ")
        if acts == "hangs":
            await asyncio.create_subprocess_exec("sleep", "600", start_new_session=True)
            await self._told_to_stop.wait()
            used = Usage(total_tokens=77, input_tokens=70, output_tokens=7)
            return acp.PromptResponse(stop_reason="cancelled", usage=used)
        if acts == "deaf":
            await asyncio.sleep(600)
        if acts == "dies":
            os._exit(3)
        if acts == "fails":
            raise acp.RequestError.internal_error({"reason": "That is no good"})
        if acts == "refuses":
            return acp.PromptResponse(
                stop_reason="refusal", usage=Usage(total_tokens=33, input_tokens=30, output_tokens=3)
            )
        if acts == "floods":
            for _number in range(300):
                await self._say(session_id, "blah " * 2000)
        if acts.startswith("asks "):
            await self._ask(session_id, *acts.removeprefix("asks ").split())
        call = acp.start_tool_call("c1", "write made.txt", kind="edit")
        await self._client.session_update(session_id=session_id, update=call)
        if acts == "nothing":
            await self._say(session_id, "Changed nothing")
        else:
            (self._cwd / "made.txt").write_text("made\n")
            (self._cwd / ".git" / "hooks" / "pre-commit").write_text("#!/bin/sh\nexit 1\n")
            await self._say(session_id, "Wrote the file\n\nIt says `made`.")
        usage = None if acts == "untold" else Usage(total_tokens=120, input_tokens=100, output_tokens=20)
        return acp.PromptResponse(stop_reason="end_turn", usage=usage)

    async def _say(self, session_id: str, text: str) -> None:
        await self._client.session_update(session_id=session_id, update=acp.update_agent_message_text(text))

    async def _ask(self, session_id: str, kind: str, path: str) -> None:
        from acp.schema import PermissionOption, ToolCallUpdate

        options = [
            PermissionOption(option_id=each, name=each, kind=each)
            for each in ("allow_always", "allow_once", "reject_once")
        ]
        call = ToolCallUpdate(
            tool_call_id="c0", kind=kind, title=f"{kind} {path}", locations=[ToolCallLocation(path=path)]
        )
        answer = await self._client.request_permission(session_id=session_id, tool_call=call, options=options)
        log(f"answer {getattr(answer.outcome, 'option_id', answer.outcome.outcome)}")


def _ways() -> list[Any]:
    from acp.schema import AuthEnvVar, AuthMethodAgent, EnvVarAuthMethod, TerminalAuthMethod

    return [
        TerminalAuthMethod(id="tty", name="At a terminal", type="terminal"),
        EnvVarAuthMethod(id="key", name="A key", vars=[AuthEnvVar(name="THEIR_KEY")], type="env_var"),
        *([AuthMethodAgent(id="agent_login", name="It knows")] if (CONTROL / "locked").read_text() == "agent" else []),
    ]


if __name__ == "__main__":
    asyncio.run(acp.run_agent(cast(acp.Agent, Scripted()), use_unstable_protocol=True))
