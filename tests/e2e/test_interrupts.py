"""Ctrl-C at any moment of the demo: nothing is left running, nothing listens, and the next start works."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.e2e.conftest import ROOT, environment, processes_of, shipline

pytestmark = [pytest.mark.timeout(400), pytest.mark.slow, pytest.mark.long]

# `SHIPLINE_TEST_INTERRUPTS=20` is the whole exercise; the suite does a seeded sample of it.
MOMENTS = int(os.environ.get("SHIPLINE_TEST_INTERRUPTS", "3"))
SEED = 20261123


def test_ctrl_c_at_random_moments_leaves_nothing(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    for number in range(MOMENTS):
        # One in each part of the time line: before the first process, while the stack starts, while leaves run.
        after = chance.uniform(*[(0.05, 1.5), (1.5, 10), (10, 30)][number % 3])
        _interrupted(tmp_path, after)
        assert _left(tmp_path) == [], f"after Ctrl-C at {after:.2f} s"

    said = shipline(tmp_path, "demo", "--size", "small")
    assert said.code == 0, said.err
    assert said.last_json["outcome"] == "succeeded"
    assert _left(tmp_path) == []


def _interrupted(home: Path, after: float) -> None:
    demo = subprocess.Popen(
        [sys.executable, "-m", "console", "demo"], cwd=ROOT, env=environment(home), stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, start_new_session=True, text=True,
    )  # fmt: skip
    try:
        _, err = demo.communicate(timeout=after)
    except subprocess.TimeoutExpired:
        os.killpg(demo.pid, signal.SIGINT)
        _, err = demo.communicate(timeout=30)
    assert demo.returncode in (130, -signal.SIGINT), err
    if after > 1.5:  # before that it is the interpreter that is interrupted, not Shipline
        assert "Traceback" not in err, err


def _left(home: Path) -> list[psutil.Process]:
    left = processes_of(home)
    for _ in range(20):
        if not left:
            break
        time.sleep(0.1)
        left = processes_of(home)
    return left
