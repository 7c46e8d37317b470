"""A local agent that does what was recorded, in the tree that it is started in: ``python acp_recorded.py``."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any, cast

sys.path.insert(0, str(Path(__file__).parents[2]))

import acp
from acp.schema import Usage

from agents_catalog.catalog import recordings_folder
from ledger.models import AgentInput, AgentJob, AgentType, Size
from tasks.agents.recorded import RecordedCoder
from tests.e2e.conftest import IDEA
from tests.services.criteria import met

TOOK = 321  # tokens that it says it used


async def think(coder: RecordedCoder, key: str, place: Path, prompt: str) -> tuple[str, tuple[int, int]]:
    """Do in ``place`` what was recorded for the small tree's piece of work ``run/node/round/kind``.

    Returns an agent's last words, and the tokens that it once used.
    """
    _, node, round_, kind = key.split("/")[:4]
    conflict = kind == "agent.conflict"
    role = AgentType.DEVELOPER_IMPLEMENTER if conflict else AgentType(kind.removeprefix("agent."))
    job = AgentJob(
        type=role, idea=IDEA, size=Size.SMALL, node_key=node, round=round_,
        input=AgentInput(repo="demo/tally", objective=""),
    )  # fmt: skip
    result = await coder.result(await coder.start(job, key, place))
    said = result.output.answer
    if said and role is AgentType.CODE_REVIEWER:
        said |= {"criteria": met(prompt)}
    answer = f"\n\n```json\n{json.dumps(said)}\n```" if said else ""
    words = f"{result.output.changeset_summary or 'Done'}\n\n{result.output.notes}{answer}"
    return words, (result.usage.input_tokens, result.usage.output_tokens)


class Replaying:
    """One session, one prompt."""

    def __init__(self) -> None:
        self._client: Any = None

    def on_connect(self, conn: Any) -> None:
        self._client = conn

    async def initialize(self, protocol_version: int, **_: Any) -> acp.InitializeResponse:
        return acp.InitializeResponse(protocol_version=protocol_version)

    async def new_session(self, **_: Any) -> acp.NewSessionResponse:
        return acp.NewSessionResponse(session_id="only")

    async def prompt(self, session_id: str, prompt: Any, **_: Any) -> acp.PromptResponse:
        asked = "\n".join(str(getattr(each, "text", "")) for each in prompt)
        words, _tokens = await think(RecordedCoder(recordings_folder()), os.environ["SHIPLINE_WORK"], Path.cwd(), asked)
        await self._client.session_update(session_id=session_id, update=acp.update_agent_message_text(words))
        usage = Usage(total_tokens=TOOK + 1, input_tokens=TOOK, output_tokens=1)
        return acp.PromptResponse(stop_reason="end_turn", usage=usage)


if __name__ == "__main__":
    asyncio.run(acp.run_agent(cast(acp.Agent, Replaying())))
