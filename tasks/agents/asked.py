"""What the agents of a run were asked, read back from the ledger."""

from __future__ import annotations

import re
from pathlib import Path

from ledger.models import AgentJob, AgentRun, AgentType, Effect, EffectStatus, Idea, Run
from ledger.store import Store
from tasks.agents.recording import ANSWER, fingerprint, place, read_recording


async def asked_in(store: Store, run: Run) -> list[tuple[Effect, AgentJob]]:
    """Every answered request of a run, with the effect that holds the answer."""
    idea = await store.get(Idea, run.idea_id)
    asked = {each.id: each for each in await store.find(AgentRun, {"runId": run.id})}
    found = []
    for effect in await store.find(Effect, {"runId": run.id, "status": EffectStatus.SUCCEEDED}, [("created_at", 1)]):
        about = asked.get(effect.id)
        if effect.kind.startswith("agent.") and about is not None:
            job = AgentJob(
                type=AgentType(about.agent_id), idea=idea.text, size=run.size, node_key=about.node_key,
                round=about.round, input=about.input,
            )  # fmt: skip
            found.append((effect, job))
    return found


async def stamp(store: Store, run_id: str, folder: Path) -> list[str]:
    """Note in each answer of a recording what it was asked in a run that it was replayed in.

    For recordings that were written by hand. Returns the places, below ``answers/``, that were stamped.
    """
    read_recording(folder)
    stamped = []
    for _, job in await asked_in(store, await store.get(Run, run_id)):
        file = folder / "answers" / place(job) / ANSWER
        if file.is_file():
            rest = re.sub(r"\Arequest: .*\n", "", file.read_text())
            file.write_text(f"request: {fingerprint(job)}\n{rest}")
            stamped.append(str(place(job)))
    return stamped
