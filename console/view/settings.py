"""A project's settings with what each decides, and who changed what."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from console.view.words import ago
from ledger.models import Revision

# The order of the form: name of the field, its label, what it decides.
FIELDS: tuple[tuple[str, str, str], ...] = (
    (
        "coverage_percent",
        "Least coverage in percent",
        "A change whose tests cover less becomes a defect. What the repository itself asks for goes first.",
    ),
    ("max_rounds", "Rounds of fixing", "How often an issue is tried again before it stops and asks you."),
    (
        "executor",
        "Where agents and checks work",
        "In Shipline's worker, or in the repository's GitHub Actions, which needs the workflow pack.",
    ),
    ("auto_merge_regression", "Carry a release to the branch regression", "By itself, once it is merged."),
    ("deployment_env", "Environment", "The name under which versions are deployed and rolled back."),
    ("licences_allow", "Licences that pass", "SPDX ids such as LGPL-*, or package:NAME, with commas between."),
    ("licences_deny", "Licences that block", "A dependency under one of these becomes a defect."),
    ("licences_ask", "Licences to ask about", "The merge is held until a person names it among those that pass."),
)


def history(found: Sequence[Revision], at: datetime) -> list[dict[str, str]]:
    """Changes, the newest first, a row a field."""
    return [
        {"When": ago(each.at, at), "Who": each.by, "What": name.replace("_", " "), "Before": old, "After": new}
        for each in reversed(found)
        for name, (old, new) in each.changes.items()
    ]
