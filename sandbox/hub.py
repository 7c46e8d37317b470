"""The one object behind all routes: the store, the repositories, who may come in, and what is worked on now."""

from __future__ import annotations

import asyncio
import shutil
from collections import defaultdict
from collections.abc import Collection
from pathlib import Path
from typing import Any

from sandbox.apps import Apps
from sandbox.plumbing.git import Git, Processes
from sandbox.store import Row, Store, now

FEATURES = ("sub-issues", "dependencies")  # what an older GitHub Enterprise Server may lack
_FACTS_KEPT = 4096


class Hub:
    """A GitHub: base URL, state, identities."""

    def __init__(
        self, root: Path, url: str, tokens: dict[str, str], apps: Apps | None = None, without: Collection[str] = ()
    ) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.root = root
        self.url = url
        self.tokens = tokens  # token → login
        self.apps = apps or Apps()
        self.without = frozenset(without)  # of FEATURES, what it does not have
        self.store = Store(root / "sandbox.sqlite3")
        self.processes = Processes()
        self._locks: dict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._accounts: dict[str, Row] = {}
        self._facts: dict[tuple[Any, ...], Any] = {}
        for login in tokens.values():
            self.account(login, create="User")
        for app in self.apps.known.values():
            self.account(app.login, create="Bot")

    def close(self) -> None:
        """End what runs and close the store."""
        self.processes.kill_all()
        self.store.close()

    # Accounts

    def account(self, login: str, create: str | None = None) -> Row:
        """A user or organization by login; made as ``create`` (``User``, ``Organization``) where it is missing."""
        known = self._accounts.get(login.lower())
        if known is None:
            known = self.store.one("SELECT * FROM accounts WHERE login = ?", login)
            if known is None:
                if create is None:
                    raise KeyError(login)
                known = self.store.insert("accounts", login=login, type=create, created_at=now())
            self._accounts[login.lower()] = known
        return known

    # Repositories

    def find(self, owner: str, name: str) -> Row | None:
        """A repository's row by its name, whatever the case."""
        return self.store.one("SELECT * FROM repos WHERE owner = ? AND name = ?", owner, name)

    def git(self, repo: Row) -> Git:
        """The bare repository of a row."""
        return Git(self.path(repo["owner"], repo["name"]), self.processes)

    def path(self, owner: str, name: str) -> Path:
        """Where a repository lies on disk."""
        return self.root / "repos" / owner.lower() / f"{name.lower()}.git"

    def lock(self, repo: Row) -> asyncio.Lock:
        """Held by whoever changes the repository's refs or decides on them."""
        return self._locks[repo["id"]]

    def forget(self, repo: Row) -> None:
        """Delete a repository and all that belongs to it."""
        self.store.run("DELETE FROM repos WHERE id = ?", repo["id"])
        shutil.rmtree(self.path(repo["owner"], repo["name"]), ignore_errors=True)

    # Facts about commits never change, so they are asked of git once.

    def known(self, *key: Any) -> Any:
        """A fact found earlier, or None."""
        return self._facts.get(key)

    def remember(self, value: Any, *key: Any) -> None:
        """Keep a fact about objects that are named by their hash."""
        if len(self._facts) >= _FACTS_KEPT:
            self._facts.clear()
        self._facts[key] = value
