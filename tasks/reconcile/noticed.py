"""What reconcile tells: one line a thing, with what was done about it or what a person must decide."""

from __future__ import annotations

from ledger.models import Model
from ledger.rules.reconcile import Verdict
from shipline.errors import ShiplineError


class Noticed(Model):
    """One finding. ``did`` is empty when nothing was done (or only would be), ``decide`` when nobody need decide."""

    run_id: str
    what: str
    node: str | None = None
    did: str = ""
    decide: str = ""

    def __str__(self) -> str:
        words = f"{self.what}."
        words += f" Done: {self.did}." if self.did else ""
        return words + (f" To decide: {self.decide}." if self.decide else "")


class Undecided(ShiplineError):
    """Somebody changed GitHub by hand in a way that only a person can answer."""


def question(verdict: Verdict) -> Undecided:
    """The verdict as a sentence that asks a person."""
    decide = verdict.decide[:1].upper() + verdict.decide[1:]
    return Undecided(f"{verdict.what}.", f"{decide}.")
