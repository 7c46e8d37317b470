"""Hypothesis keeps its memory where pytest does not look for tests: a ``.hypothesis`` folder would stop collection."""

from __future__ import annotations

from pathlib import Path

from hypothesis.configuration import set_hypothesis_home_dir

set_hypothesis_home_dir(Path(__file__).parents[3] / ".pytest_cache" / "hypothesis")
