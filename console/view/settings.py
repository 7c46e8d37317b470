"""A project's settings with what each decides, and who changed what."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from console.view.words import ago
from ledger.models import EffectiveSettings, Revision
from ledger.rules.settings import FIELDS as NAMES

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
    ("require_approval", "A person approves the merge", "Into integration, before anything is released."),
    ("approve_every_merge", "A person approves every merge", "Also those of issues below the epic."),
    (
        "recheck_integration",
        "Check again after the merge",
        "Run the checks on integration's new head even when that very tree was tested.",
    ),
    ("deployment_strategy", "When a release is deployed", "By itself as soon as it is out, or when you say so."),
    (
        "deployment_target",
        "Where a release runs",
        "As a process of this machine, as a container of a Docker engine, or by the repository's own workflow.",
    ),
    ("deployment_env", "Environment", "The name under which versions are deployed and rolled back."),
    ("licences_allow", "Licences that pass", "SPDX ids such as LGPL-*, or package:NAME, with commas between."),
    ("licences_deny", "Licences that block", "A dependency under one of these becomes a defect."),
    ("licences_ask", "Licences to ask about", "The merge is held until a person names it among those that pass."),
)


def origins(known: EffectiveSettings) -> list[dict[str, str]]:
    """Each value as it holds, with the level it comes from."""
    shown = [(name, str(getattr(known, name))) for name in NAMES]
    for kind, limit in known.budget.model_dump().items():
        shown.append((f"budget.{kind}", "no limit" if limit is None else f"{limit:g}"))
    return [
        {"Setting": name.replace("_", " "), "Value": value, "From": f"from: {known.sources[name]}"}
        for name, value in shown
    ]


def changed(known: EffectiveSettings, answers: Mapping[str, object], back: Collection[str]) -> dict[str, object]:
    """What a person changed in the form; ``back`` is left to the level behind."""
    differs = {name: value for name, value in answers.items() if value != getattr(known, name)}
    return differs | dict.fromkeys(back)


def history(found: Sequence[Revision], at: datetime) -> list[dict[str, str]]:
    """Changes, the newest first, a row a field."""
    return [
        {"When": ago(each.at, at), "Who": each.by, "What": name.replace("_", " "), "Before": old, "After": new}
        for each in reversed(found)
        for name, (old, new) in each.changes.items()
    ]
