"""Workflow runs and artifacts."""

from __future__ import annotations

import re
from typing import Any

from sandbox.hub import Hub
from sandbox.shapes.ids import node_id
from sandbox.shapes.repos import html_url, repo_url, repository
from sandbox.store import Row, now

_ENDED = re.compile(r"^\[(.+?)\] 🏁\s+Job (succeeded|failed)$", re.MULTILINE)  # how act says it


def workflow_run(hub: Hub, repo: Row, row: Row) -> dict[str, Any]:
    """A run of a workflow."""
    url, page = repo_url(hub, repo), html_url(hub, repo)
    here = f"{url}/actions/runs/{row['id']}"
    whole = repository(hub, repo)
    return {
        "id": row["id"], "node_id": node_id("WFR", row["id"]), "name": row["name"], "path": row["path"],
        "display_title": row["title"], "head_branch": repo["default_branch"], "head_sha": row["sha"],
        "run_number": row["id"], "run_attempt": 1, "event": row["event"], "status": row["status"],
        "conclusion": row["conclusion"], "workflow_id": 1, "check_suite_id": row["id"], "url": here,
        "html_url": f"{page}/actions/runs/{row['id']}", "pull_requests": [], "created_at": row["created_at"],
        "updated_at": row["updated_at"], "run_started_at": row["created_at"], "jobs_url": f"{here}/jobs",
        "logs_url": f"{here}/logs", "check_suite_url": f"{url}/check-suites/{row['id']}",
        "artifacts_url": f"{here}/artifacts", "cancel_url": f"{here}/cancel", "rerun_url": f"{here}/rerun",
        "workflow_url": f"{url}/actions/workflows/1", "head_commit": None, "repository": whole,
        "head_repository": whole,
    }  # fmt: skip


def artifact(hub: Hub, repo: Row, row: Row) -> dict[str, Any]:
    """What a run left."""
    here = f"{repo_url(hub, repo)}/actions/artifacts/{row['id']}"
    return {
        "id": row["id"], "node_id": node_id("A", row["id"]), "name": row["name"], "size_in_bytes": row["size"],
        "url": here, "archive_download_url": f"{here}/zip", "expired": row["expires_at"] < now(),
        "created_at": row["created_at"], "updated_at": row["created_at"], "expires_at": row["expires_at"],
        "digest": f"sha256:{row['digest']}",
        "workflow_run": {
            "id": row["run_id"], "repository_id": repo["id"], "head_repository_id": repo["id"],
            "head_branch": repo["default_branch"],
        },
    }  # fmt: skip


def workflow_jobs(hub: Hub, repo: Row, row: Row) -> list[dict[str, Any]]:
    """The jobs of a run that ended, as its log tells of them."""
    log = hub.root / "actions" / str(row["id"]) / "log.txt"
    said = log.read_text(errors="replace") if log.is_file() else ""
    url, page = repo_url(hub, repo), html_url(hub, repo)
    found = []
    for number, (name, word) in enumerate(_ENDED.findall(said), start=row["id"] * 1000):
        found.append({
            "id": number, "run_id": row["id"], "run_url": f"{url}/actions/runs/{row['id']}", "run_attempt": 1,
            "node_id": node_id("CR", number), "head_sha": row["sha"], "head_branch": repo["default_branch"],
            "url": f"{url}/actions/jobs/{number}", "html_url": f"{page}/actions/runs/{row['id']}/job/{number}",
            "status": "completed", "conclusion": "success" if word == "succeeded" else "failure",
            "created_at": row["created_at"], "started_at": row["created_at"], "completed_at": row["updated_at"],
            "name": name.strip().replace("/", " / "), "steps": [], "labels": ["ubuntu-latest"],
            "check_run_url": f"{url}/check-runs/{number}", "workflow_name": row["name"], "runner_id": 1,
            "runner_name": "act", "runner_group_id": 1, "runner_group_name": "sandbox",
        })  # fmt: skip
    return found


def check_suite(hub: Hub, repo: Row, row: Row) -> dict[str, Any]:
    """The suite of checks of a run."""
    url = repo_url(hub, repo)
    return {
        "id": row["id"], "node_id": node_id("CS", row["id"]), "head_branch": repo["default_branch"],
        "head_sha": row["sha"], "status": row["status"], "conclusion": row["conclusion"],
        "url": f"{url}/check-suites/{row['id']}", "before": None, "after": row["sha"], "pull_requests": [],
        "app": {"slug": "github-actions"}, "created_at": row["created_at"], "updated_at": row["updated_at"],
        "latest_check_runs_count": 1, "check_runs_url": f"{url}/check-suites/{row['id']}/check-runs",
    }  # fmt: skip
