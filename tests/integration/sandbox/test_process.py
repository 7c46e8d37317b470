"""The sandbox as a process: its start, its end, and what outlives it."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

from githubkit import GitHub

from tests.integration.sandbox.support import ROOT, TOKEN, Repo, Server, bare, commit_file, git, read, with_token

HALF_A_PUSH = f"""POST /demo/tally.git/git-receive-pack HTTP/1.1\r
Host: localhost\r
Authorization: Bearer {TOKEN}\r
Content-Length: 100\r
\r
half""".encode()


async def test_state_outlives_the_process(tmp_path: Path, seed: Path) -> None:
    first = Server(tmp_path / "data", seed)
    async with GitHub(TOKEN, base_url=first.url, http_cache=False, timeout=30, auto_retry=False) as client:
        repo = Repo(client, first.url, "tally", "demo")
        issue = await repo.issue("Kept", labels=["kept"])
        pull = await repo.pull("feature")
        first.process.kill()
        first.process.communicate()
        # What reaches the repository without the sandbox knowing is what a push leaves behind that it died under.
        bare_repo = tmp_path / "data" / "repos" / "demo" / "tally.git"
        git(tmp_path, "clone", "--quiet", "--branch", "feature", str(bare_repo), "work")
        sha = commit_file(tmp_path / "work", "late.txt", "late\n")
        git(tmp_path / "work", "push", "--quiet", "origin", "feature")
        second = Server(tmp_path / "data", seed, port=first.port)
        kept = await read(repo.rest.issues.async_get(**repo.at, issue_number=issue.number))
        assert (kept.id, kept.title, kept.labels[0].name) == (issue.id, "Kept", "kept")
        assert (await repo.get_pull(pull.number)).head.sha == sha
        assert (await repo.issue("Next")).number == 3
        assert len(await read(repo.rest.repos.async_list_commits(**repo.at))) == 1
    assert second.stop() == ""


def test_a_taken_port_is_said_in_one_sentence(server: Server, tmp_path: Path) -> None:
    words = ["--data", str(tmp_path), "--port", str(server.port), "--token", "x"]
    done = subprocess.run(
        [sys.executable, "-m", "sandbox", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert (done.stdout, done.stderr.count("\n")) == ("", 1)
    assert str(server.port) in done.stderr


def test_a_seed_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    words = ["--data", str(tmp_path), "--port", "0", "--token", "x", "--seed", "demo/tally=/absent"]
    done = subprocess.run(
        [sys.executable, "-m", "sandbox", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "no such folder" in done.stderr


async def test_it_ends_at_once_and_without_noise(tmp_path: Path, seed: Path) -> None:
    running = Server(tmp_path / "data", seed)
    url = with_token(f"{running.url}/demo/tally.git")
    git(tmp_path, "clone", "--quiet", url, "work")
    with socket.create_connection(("127.0.0.1", running.port)) as half_sent:
        half_sent.sendall(HALF_A_PUSH)
        await _ends_at_once(running)


async def _ends_at_once(running: Server) -> None:
    assert (await bare(running.url, "GET", "/user")).status_code == 200
    assert running.stop() == ""  # which waits for ten seconds and no longer
    assert running.process.returncode == 0


async def test_an_hourly_limit(tmp_path: Path, seed: Path) -> None:
    running = Server(tmp_path / "data", seed, "--hourly-limit", "2")
    try:
        left = [(await bare(running.url, "GET", "/user")).headers["x-ratelimit-remaining"] for _ in range(2)]
        assert left == ["1", "0"]
        over = await bare(running.url, "GET", "/user")
        assert over.status_code == 403
        assert over.json()["message"].startswith("API rate limit exceeded")
        assert (over.headers["x-ratelimit-remaining"], over.headers["x-ratelimit-used"]) == ("0", "2")
        assert (await bare(running.url, "GET", "/rate_limit")).json()["resources"]["core"]["remaining"] == 0
    finally:
        running.stop()
