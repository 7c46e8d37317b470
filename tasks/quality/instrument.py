"""What we add to a repository's own pytest and coverage settings so that its tests tell us what they did."""

from __future__ import annotations

from pathlib import Path

from tasks.quality.configuration import configuration, read_texts
from tasks.quality.environment import TargetEnvironment

# What is measured where the repository does not say: its code, not its tests.
_NOT_MEASURED = (
    *("tests/*", "*/tests/*", "test_*.py", "*/test_*.py", "*_test.py", "conftest.py", "*/conftest.py"),
    *("setup.py", "docs/*"),
)


def source_path(workspace: Path) -> dict[str, str]:
    """PYTHONPATH for a ``src`` layout, whose package is not importable from the root; nothing for others."""
    source = workspace / "src"
    return {"PYTHONPATH": str(source)} if source.is_dir() and not (source / "__init__.py").exists() else {}


def coverage_arguments(workspace: Path) -> list[str]:
    """Arguments of ``coverage run`` for what the repository's own settings leave open."""
    found = configuration(read_texts(workspace)).coverage
    run = (found or {}).get("run", {})
    arguments = []
    if not any(run.get(key) for key in ("source", "source_pkgs", "source_dirs", "include")):
        arguments.append(f"--source={'src' if source_path(workspace) else '.'}")
    if not run.get("omit"):
        arguments.append(f"--omit={','.join(_NOT_MEASURED)}")
    return arguments


def pytest_arguments(
    workspace: Path, environment: TargetEnvironment, results: Path, folder: Path, timeout: float
) -> list[str]:
    """Arguments of pytest: results for us, no files in the workspace, and the whole failure in words."""
    arguments = [
        *(
            "-q",
            "--color=no",
            "--tb=auto",
            "-p",
            "no:cacheprovider",
            f"--rootdir={workspace}",
            f"--confcutdir={workspace}",
        ),
        *(f"--junitxml={results}", "-o", "junit_family=xunit1"),
        *("-o", f"faulthandler_timeout={timeout / 2:.1f}"),  # where a test hangs, said before we end it
    ]
    if configuration(read_texts(workspace)).pytest is None:
        # Else pytest takes the settings of whatever folder the workspace happens to lie in.
        empty = folder / "pytest.ini"
        empty.write_text("[pytest]\n")
        arguments.append(f"--config-file={empty}")
    installed = {path.name.split("-")[0] for path in environment.site_packages.glob("*.dist-info")}
    if "pytest_cov" in installed:
        arguments.append("--no-cov")  # two coverages in one process measure nothing
    if "pytest_xdist" in installed:
        arguments.append("-n0")  # we measure the process that we start
    return arguments
