"""What the console's pages show of a run, as Streamlit runs them: all of it as text."""

from __future__ import annotations

from pathlib import Path

from streamlit.testing.v1 import AppTest

from console import bridge as bridges

APP = str(Path(__file__).parents[3] / "console" / "web" / "app.py")


def run_pages(run: str, issue: str) -> dict[str, str]:
    """The pages that show what was said in a run and of an issue of it; by their addresses."""
    asked: list[tuple[str, dict[str, str]]] = [
        *(("run", {"run": run, "tab": tab}) for tab in ("Issues", "Agents", "Log")),
        ("issue", {"run": run, "issue": issue}), ("code", {"run": run, "issue": issue}),
    ]  # fmt: skip
    bridges.bridge.cache_clear()
    try:
        return {f"{name} {query}": _shown(name, query) for name, query in asked}
    finally:
        bridges.bridge().close()
        bridges.bridge.cache_clear()


def _shown(name: str, query: dict[str, str]) -> str:
    page = AppTest.from_file(APP, default_timeout=60)
    page.query_params.update(query)
    page.switch_page(f"page/{name}.py").run()
    assert not page.exception, (name, page.exception)
    return "\n".join(str(getattr(each, "proto", "")) for part in (page.main, page.sidebar) for each in part)
