"""Integration goes red by the merge itself: it is taken back by pull request, mended in the same run, merged anew."""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import signal
from collections.abc import AsyncIterator
from typing import Any

import psutil
import pytest
import yaml

from ledger.failpoints import SIGNAL, VARIABLE
from ledger.issues import read_tree
from ledger.models import Effect, EffectStatus, Event, Outcome, Run
from ledger.store import Store
from tests.crash.scenario import HERE, Ground, ground

pytestmark = [pytest.mark.timeout(600), pytest.mark.slow]

MERGES = 8  # pull requests of the scenario; the epic's is the last
# Good where it was written, and not with the words that the run adds: no merge conflict, and yet the two do not fit.
BY_HAND = """from pebble.words import WORDS


def test_the_words_are_in_order():
    assert list(WORDS) == sorted(WORDS)
"""
IN_ORDER = """\"\"\"The words that the phrase book knows.\"\"\"

WORDS = {
    "bye": "ade",
    "hello": "hallo",
    "yes": "ja",
}
"""


@pytest.fixture(scope="module")
async def at(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ground]:
    """A stack of its own, with a recording that also knows how to mend what nobody has planned."""
    recordings = tmp_path_factory.mktemp("recordings")
    shutil.copytree(HERE / "recordings", recordings, dirs_exist_ok=True)
    defect = recordings / "pebble" / "answers" / "epic.d1"
    shutil.copytree(recordings / "pebble" / "answers" / "service.d1", defect)
    shutil.rmtree(defect / "1.developer-implementer" / "files")
    mended = defect / "1.developer-implementer" / "files" / "pebble" / "words.py"
    mended.parent.mkdir(parents=True)
    mended.write_text(IN_ORDER)
    answer = defect / "1.developer-implementer" / "answer.yaml"
    answer.write_text(yaml.safe_dump(yaml.safe_load(answer.read_text()) | {"summary": "The words in order"}))
    async with ground(tmp_path_factory.mktemp("after-home")) as made:
        await made.store()  # opened while this process is configured for it
        yield Ground(made.home, made.addresses, {**made.environment, "SHIPLINE_RECORDINGS": str(recordings)})


async def test_a_red_merge_is_reverted_mended_and_merged_whoever_dies(at: Ground) -> None:
    run = await at.new_run()
    stopped = await at.start(run.id, **{VARIABLE: f"pull.merge:send:{MERGES}", SIGNAL: "SIGSTOP"})
    await _until(lambda: _is_stopped(stopped.pid))
    async with at.github() as github:  # between the last look at integration and the merge
        content = base64.b64encode(BY_HAND.encode()).decode()
        body = {"message": "By hand", "content": content, "branch": "integration"}
        (await github.put(f"/repos/{run.repo}/contents/tests/test_by_hand.py", json=body)).raise_for_status()
    os.kill(stopped.pid, signal.SIGCONT)
    store = await at.store()
    await _until(lambda: _pushed_a_revert(store, run.id))
    os.killpg(stopped.pid, signal.SIGKILL)
    await stopped.wait()
    assert await at.deliver(run.id) == 0

    ended = await store.get(Run, run.id)
    assert (ended.outcome, ended.state) == (Outcome.SUCCEEDED, "DONE")
    root = (await read_tree(store, run.id)).root
    (first,), second = root.earlier_prs, int(root.pr_number or 0)
    pulls = await _pulls(at, run.repo)
    (revert,) = [each for each in pulls.values() if each["head"]["ref"].startswith("revert/")]
    assert revert["base"]["ref"] == "integration"
    assert all(pulls[number]["merged_at"] for number in (first, revert["number"], second))
    assert first < revert["number"] < second
    defect = (await read_tree(store, run.id))["epic.d1"]
    assert defect.status == "DONE"
    assert "test_the_words_are_in_order" in defect.title
    words = await _file(at, run.repo, "pebble/words.py")
    assert words == IN_ORDER
    assert await _file(at, run.repo, "tests/test_by_hand.py") == BY_HAND
    said = [each.msg for each in await store.find(Event, {"runId": run.id}, [("seq", 1)])]
    assert any(each.startswith("epic is open again: its merge as ") for each in said)
    assert any("is the very tree that QA passed" in each for each in said)  # of the second merge


async def _is_stopped(pid: int) -> bool:
    return psutil.Process(pid).status() == psutil.STATUS_STOPPED


async def _pushed_a_revert(store: Store, run_id: str) -> bool:
    wanted = {"runId": run_id, "_id": {"$regex": "/push/revert-"}, "status": EffectStatus.SUCCEEDED}
    return await store.find_one(Effect, wanted) is not None


async def _until(holds: Any) -> None:
    async with asyncio.timeout(240):
        while not await holds():  # noqa: ASYNC110 (another process, and the ledger)
            await asyncio.sleep(0.05)


async def _pulls(at: Ground, repo: str) -> dict[int, dict[str, Any]]:
    async with at.github() as github:
        found = (await github.get(f"/repos/{repo}/pulls", params={"state": "all", "per_page": 100})).json()
    return {each["number"]: each for each in found}


async def _file(at: Ground, repo: str, path: str) -> str:
    async with at.github() as github:
        found = (await github.get(f"/repos/{repo}/contents/{path}", params={"ref": "integration"})).json()
    return base64.b64decode(found["content"]).decode()
