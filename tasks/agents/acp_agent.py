"""Any agent that speaks the Agent Client Protocol, as a child process in a tree of its own.

It ends with our process: what it had done then stays in its tree, and whoever asks for it again resumes its session, or
loads it, or begins a new one in the same tree and says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import acp
import psutil
from acp.exceptions import RequestError
from acp.schema import ClientCapabilities, Implementation, PromptResponse

from ledger.models import AgentJob, AgentOutput, AgentResult, Usage
from shipline.config import load_settings
from shipline.errors import AgentError, ConfigError
from shipline.redact import redact_text
from tasks import fence
from tasks.agents.acp_client import Listener
from tasks.agents.acp_signing_in import let_in
from tasks.agents.answering import answer_in, split_words
from tasks.agents.local_place import FOLDER, Place, forget_old, place_of
from tasks.agents.material import tokens
from tasks.agents.ports import AgentEvent, AgentFailed, AgentRef
from tasks.agents.settings import CoderSettings, coder_settings
from tasks.confine import SUPERVISOR, end_tree, scrubbed_environment, sweep_home
from tasks.git import run_git

GRACE = 5.0  # seconds that a cancelled agent has to end by itself
MOST_ERRORS = 4_000  # bytes of what it says on standard error
LIMIT = 50_000_000  # bytes of one message; a longer one ends the connection
NOT_TOLD = "The agent does not tell what it used; tokens are estimated from what was said."
AGAIN = "It was cut off and started once more; its session could not be taken up again."
CUT_OFF = "What it used before it was cut off is estimated."
GO_ON = "You were cut off. What you had changed is still there. Look at it, and finish the task."


@dataclass
class _Live:
    """An agent that this process started."""

    task: asyncio.Task[AgentResult]
    listener: Listener
    place: Place
    settings: CoderSettings


@dataclass
class _Session:
    """A connection with what came of opening it."""

    link: Any
    listener: Listener
    process: asyncio.subprocess.Process
    errors: bytearray
    id: str = ""
    prompt: str = ""
    asked: asyncio.Future[PromptResponse] | None = None
    gate: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)
    warnings: list[str] = field(default_factory=list)


class AcpAgent:
    """The coding port over ``SHIPLINE_ACP_COMMAND``."""

    def __init__(self) -> None:
        self._live: dict[str, _Live] = {}
        self._workspaces: dict[str, Path] = {}

    def knows(self, idea: str) -> bool:  # noqa: ARG002 (the port)
        """It thinks, so it knows any."""
        return True

    async def start(self, job: AgentJob, key: str, workspace: Path) -> AgentRef:
        """Begin in a copy of the workspace. Begun before on the same files, it goes on where it was."""
        settings, home = coder_settings(), load_settings().home
        argv = settings.require_acp_command()
        await asyncio.to_thread(forget_old, home, load_settings().keep_logs_days)
        place = place_of(home, key)
        ref = AgentRef(id=place.folder.name)
        self._workspaces[ref.id] = workspace
        base = await _standing(workspace)
        if place.state().get("base") != base or place.state().get("stopped"):
            await asyncio.to_thread(place.fill, workspace, base)
            self._live.pop(ref.id, None)
        if ref.id not in self._live and place.finished() is None:
            listener = Listener(place.tree)
            work = asyncio.create_task(_work(place, job, key, argv, settings, listener))
            work.add_done_callback(_heard)
            self._live[ref.id] = _Live(work, listener, place, settings)
        return ref

    async def follow_up(self, ref: AgentRef, text: str) -> None:
        """Not offered: a run asks a new agent in a new round."""
        raise AgentError(f"{ref.id} is a local agent and cannot be told {text[:40]!r}.", "Retry the issue instead.")

    async def events(self, ref: AgentRef, after: str | None = None) -> AsyncIterator[AgentEvent]:
        """What it said, as far as this process heard it."""
        live = self._live.get(ref.id)
        for each in live.listener.events[int(after or 0) :] if live else []:
            yield each

    async def result(self, ref: AgentRef) -> AgentResult:
        """Wait for its end, and take its files into the workspace."""
        place = _known(ref)
        live = self._live.get(ref.id)
        if live is not None:
            found = await _its(live)
        else:
            kept = place.finished()
            if kept is None:
                raise AgentError(f"The local agent {ref.id} is not there any more.", "Retry the issue.")
            found = kept
        workspace = self._workspaces.get(ref.id)
        if workspace is not None:
            await asyncio.to_thread(place.take, workspace)
        return found

    async def artifacts(self, ref: AgentRef) -> list[str]:  # noqa: ARG002
        """Nothing besides the change."""
        return []

    async def usage(self, ref: AgentRef) -> Usage:
        """What it used; nothing is known before it has ended."""
        found = _known(ref).finished()
        return found.usage if found else Usage()

    async def cancel(self, ref: AgentRef) -> None:
        """Stop it, in whichever process it was started; stopped already is fine."""
        place = _known(ref)
        if not place.folder.is_dir():
            return
        place.note(stopped=True)
        live = self._live.get(ref.id)
        if live is not None and not live.task.done():
            live.task.cancel()  # which ends its process
            await asyncio.wait({live.task})
        elif (process := place.process()) is not None:
            await asyncio.to_thread(_end, process)


async def _work(
    place: Place, job: AgentJob, key: str, argv: list[str], settings: CoderSettings, listener: Listener
) -> AgentResult:
    session = await _spawn(place, key, argv, settings, listener)
    try:
        try:
            async with asyncio.timeout(settings.agent_seconds):
                await _open(session, place, job, settings)
                place.note(session=session.id, starts=int(place.state().get("starts", 0)) + 1)
                place.asked(tokens(session.prompt))
                asked = session.link.prompt(session_id=session.id, prompt=[acp.text_block(session.prompt)])
                session.asked = asyncio.ensure_future(asked)
                session.asked.add_done_callback(listener.answered)
                said = await asyncio.shield(session.asked)
        except TimeoutError:
            await _ask_to_end(session)
            raise _failed(
                place,
                listener,
                settings,
                f"The local agent did not end within {settings.agent_seconds / 60:.1f} minutes.",
                "It was stopped. Retry, or make the issue smaller; SHIPLINE_AGENT_SECONDS is the limit.",
            ) from None
        except (RequestError, ConnectionError, EOFError, ValueError) as error:
            words = f"The local agent failed: {_why(session, error)}."
            raise _failed(place, listener, settings, words, "Retry the issue.") from error
        result = _result(said, session, place, settings)
    except AgentError:
        place.note(stopped=True)  # so that a retry begins on fresh files
        raise
    except asyncio.CancelledError:
        await _ask_to_end(session)
        raise
    finally:
        with contextlib.suppress(Exception):  # a connection that is broken already need not be closed
            await session.link.close()
        end_tree(session.process)
        sweep_home(str(place.folder / "home"))
        await session.process.wait()
        await session.gate.aclose()
    place.finish(result)
    return result


async def _spawn(place: Place, key: str, argv: list[str], settings: CoderSettings, listener: Listener) -> _Session:
    home = place.folder / "home"
    home.mkdir(exist_ok=True)
    given = {name: os.environ[name] for name in settings.acp_env if name in os.environ}
    given["SHIPLINE_WORK"] = key  # so that an agent's own logs can say what they are about
    gate, warnings = contextlib.AsyncExitStack(), []
    if settings.acp_fence != "off" and await asyncio.to_thread(fence.usable):
        around = fence.Fence(
            (place.tree, home, *settings.paths(writable=True)),
            settings.paths(writable=False),
            hosts=frozenset(settings.acp_hosts),
            socket=place.folder / "net",
        )
        argv = around.around(argv)
        await gate.enter_async_context(around.gate())
    elif settings.acp_fence == "required":
        raise ConfigError("There is no bwrap that works here.", "Install bubblewrap, or set SHIPLINE_ACP_FENCE=auto.")
    else:
        warnings.append(fence.OFF if settings.acp_fence == "off" else fence.NONE)
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(SUPERVISOR), str(os.getpid()), *argv),
            cwd=place.tree, env={**scrubbed_environment(str(home)), **given}, limit=LIMIT, start_new_session=True,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
    except OSError as error:
        await gate.aclose()
        raise ConfigError(f"{argv[0]} cannot be started: {error.strerror}.", "Correct SHIPLINE_ACP_COMMAND.") from error
    with contextlib.suppress(psutil.Error):
        place.note(pid=process.pid, born=psutil.Process(process.pid).create_time())
    errors = bytearray()
    task = asyncio.create_task(_drain(process.stderr, errors))
    task.add_done_callback(_heard)
    link = acp.connect_to_agent(listener, process.stdin, process.stdout)  # type: ignore[arg-type]
    return _Session(link, listener, process, errors, gate=gate, warnings=warnings)


async def _open(session: _Session, place: Place, job: AgentJob, settings: CoderSettings) -> None:
    """Come to an open session: the one there was, or a new one."""
    known = str(place.state().get("session") or "")
    about = await session.link.initialize(
        protocol_version=acp.PROTOCOL_VERSION, client_capabilities=ClientCapabilities(),
        client_info=Implementation(name="shipline", title="Shipline", version="1"),
    )  # fmt: skip
    if about.protocol_version != acp.PROTOCOL_VERSION:
        raise AgentError(
            f"The agent speaks version {about.protocol_version} of the protocol, and we speak {acp.PROTOCOL_VERSION}.",
            "Use a version of the agent that speaks ours.",
        )
    able, cwd = about.agent_capabilities, str(place.tree)
    resumes = bool(able and able.session_capabilities and able.session_capabilities.resume)
    loads = bool(able and able.load_session)
    way_in = partial(let_in, session.link, about, settings)
    calls = [*([session.link.resume_session] if resumes else []), *([session.link.load_session] if loads else [])]
    for call in calls if known else []:
        with contextlib.suppress(RequestError):  # it does not know it any more: the next way, or a new one
            await way_in(partial(call, session_id=known, cwd=cwd, mcp_servers=[]))
            session.id, session.prompt = known, GO_ON
            return
    session.id = (await way_in(partial(session.link.new_session, cwd=cwd, mcp_servers=[]))).session_id
    session.prompt = job.context
    if known:
        session.warnings.append(AGAIN)
        session.prompt = f"{job.context}\n\n{GO_ON}"


def _result(said: PromptResponse, session: _Session, place: Place, settings: CoderSettings) -> AgentResult:
    words = redact_text(session.listener.words)
    usage, estimated = _used(place, session.listener, settings)
    if said.stop_reason != "end_turn":
        last = words.strip()[-300:].rstrip(".") or "it said nothing"
        told = f"The local agent stopped ({said.stop_reason}): {last}."
        raise AgentFailed(told, "Retry the issue.", usage=usage, account=place.account)
    refused = (f"It was not allowed {each}." for each in session.listener.refused[:10])
    subject, notes = split_words(words)
    output = AgentOutput(changeset_summary=subject, notes=notes, answer=answer_in(words))
    warnings = [*session.warnings, *refused, *estimated]
    return AgentResult(output=output, usage=usage, account=place.account, warnings=warnings)


def _used(place: Place, listener: Listener, settings: CoderSettings) -> tuple[Usage, list[str]]:
    """What it used since it was begun on these files, and what of that is an estimate."""
    last, before = place.prompts[-1:], place.prompts[:-1]
    took, gave = sum(before), 0
    warnings = [CUT_OFF] if before else []
    if listener.used is not None:
        took, gave = took + listener.used.input_tokens, listener.used.output_tokens
    else:
        took, gave = took + sum(last), tokens(redact_text(listener.words))
        warnings.append(NOT_TOLD)
    usd = (took * settings.coder_usd_in + gave * settings.coder_usd_out) / 1_000_000
    return Usage(input_tokens=took, output_tokens=gave, usd=usd), warnings


def _failed(place: Place, listener: Listener, settings: CoderSettings, words: str, hint: str) -> AgentFailed:
    return AgentFailed(words, hint, usage=_used(place, listener, settings)[0], account=place.account)


async def _ask_to_end(session: _Session) -> None:
    """Tell it to stop, and give it a moment to say how it stands; it is ended by force after that."""
    if session.asked is None or session.asked.done():
        return
    with contextlib.suppress(Exception):
        async with asyncio.timeout(GRACE):
            await session.link.cancel(session_id=session.id)
            await asyncio.wait({session.asked})


async def _drain(stream: asyncio.StreamReader | None, kept: bytearray) -> None:
    while stream is not None and (chunk := await stream.read(65536)):
        kept += chunk
        del kept[:-MOST_ERRORS]


async def _standing(workspace: Path) -> str:
    """What the workspace begins from: its commit, what is merged into it, and the files as they lie there."""
    head = (await run_git("rev-parse", "HEAD", cwd=workspace)).strip()
    merging = workspace / ".git" / "MERGE_HEAD"
    return " ".join([head, merging.read_text().strip() if merging.is_file() else ""]).strip()


def _why(session: _Session, error: Exception) -> str:
    said = redact_text(session.errors.decode(errors="replace")).strip().splitlines()
    told = error.data if isinstance(error, RequestError) and error.data else error
    return " ".join(f"{told or type(error).__name__} {said[-1] if said else ''}".split())[:500].rstrip(".")


def _end(process: psutil.Process) -> None:
    """End the supervisor of an agent of another process of ours; it ends all of its own."""
    with contextlib.suppress(psutil.Error):
        process.terminate()
        process.wait(GRACE)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _known(ref: AgentRef) -> Place:
    return Place(load_settings().home / FOLDER / ref.id)


async def _its(live: _Live) -> AgentResult:
    """Its end. Shielded: who no longer waits (a pause) leaves it working."""
    try:
        return await asyncio.shield(live.task)
    except asyncio.CancelledError:
        if live.task.cancelled():
            words = "The local agent was cancelled."
            raise _failed(live.place, live.listener, live.settings, words, "Retry the issue.") from None
        raise


def _heard(task: asyncio.Future[Any]) -> None:
    """Whoever waits is told; where nobody waits any more it is no fault of the loop."""
    if not task.cancelled():
        task.exception()
