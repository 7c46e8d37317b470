"""The verbs on one repository, each one or two requests. Effects are made of these; they keep no state."""

from __future__ import annotations

from tasks.github.branches import Branches
from tasks.github.issues import Issues
from tasks.github.pulls import Pulls
from tasks.github.releases import Releases


class Repo(Branches, Issues, Pulls, Releases):
    """One repository of a host, with every verb. ``name`` is ``owner/name``."""
