"""What a rerun of a console page takes on the server, without a browser: ``python -m benchmarks.reruns RUN TIMES``.

A process of its own, because Streamlit's ``AppTest`` wants the main thread. Prints two lists of seconds as JSON: the
run page's, and those of a page that asks nothing.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from streamlit.testing.v1 import AppTest

APP = Path(__file__).parents[1] / "console" / "web" / "app.py"


def reruns(page: str, query: dict[str, str], times: int) -> list[float]:
    """Each from the script's first line to its last, in a process that is warm."""
    shown = AppTest.from_file(str(APP), default_timeout=60)
    shown.query_params.update(query)
    shown.switch_page(f"page/{page}.py").run()
    taken: list[float] = []
    for _ in range(times):
        began = time.perf_counter()
        shown.run()
        taken.append(time.perf_counter() - began)
    if shown.exception:
        raise AssertionError(shown.exception[0].value)
    return taken


if __name__ == "__main__":
    run, times = sys.argv[1], int(sys.argv[2])
    print(json.dumps([reruns("run", {"run": run}, times), reruns("issue", {}, times)]))  # noqa: T201 (its answer)
