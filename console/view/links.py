"""Addresses of pages outside: GitHub's and Prefect's. Only we make them; a link that somebody wrote is never one."""

from __future__ import annotations

from urllib.parse import quote, urlsplit


def github_pages(api_url: str) -> str:
    """Where a person reads what the API serves; empty for the sandbox, which has no pages."""
    parts = urlsplit(api_url.rstrip("/"))
    if parts.hostname in ("127.0.0.1", "localhost", "::1", None):
        return ""
    if parts.hostname == "api.github.com":
        return "https://github.com"
    return f"{parts.scheme}://{parts.netloc}"


def of_issue(pages: str, repo: str, number: int | None) -> str:
    """An issue's page; empty when there is none."""
    return f"{pages}/{quote(repo)}/issues/{number}" if pages and number else ""


def of_pull(pages: str, repo: str, number: int | None) -> str:
    """A pull request's page; empty when there is none."""
    return f"{pages}/{quote(repo)}/pull/{number}" if pages and number else ""


def of_release(pages: str, repo: str, tag: str) -> str:
    """A release's page."""
    return f"{pages}/{quote(repo)}/releases/tag/{quote(tag, safe='')}" if pages else ""


def of_deployment(url: str | None) -> str:
    """Where a deployment answers; empty when what its target said is no address of the web."""
    parts = urlsplit(url or "")
    return url or "" if parts.scheme in ("http", "https") and parts.hostname else ""


def prefect_pages(api_url: str | None) -> str:
    """Prefect's own console; empty when no server is configured."""
    return (api_url or "").rstrip("/").removesuffix("/api")


def of_flow_runs(pages: str, run_id: str) -> str:
    """Prefect's list of a run's flow runs, which all bear its id as a tag."""
    return f"{pages}/runs?tags={quote(run_id)}" if pages else ""
