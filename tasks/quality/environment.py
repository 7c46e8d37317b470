"""The target repository's own virtual environment: what it declares, and our test tools, apart from Shipline's own."""

from __future__ import annotations

import asyncio
import fcntl
import shutil
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from shipline.errors import ShiplineError
from shipline.ids import digest
from tasks.confine import Completed, run_confined
from tasks.quality.dependencies import Declared, declared_dependencies, pip_variables
from tasks.quality.reports import tail

# pytest, coverage, and what pytest needs.
TOOLS = ("pytest", "pluggy", "iniconfig", "packaging", "pygments", "coverage")
_INSTALL_SECONDS = 900.0
_BUILD_SECONDS = 120.0
COMPLETE = ".shipline-complete"  # its time is that of the last use, for retention


class EnvironmentFailed(ShiplineError):
    """The target repository's environment could not be made; the message holds the installer's own words."""


@dataclass(frozen=True)
class TargetEnvironment:
    """A virtual environment in which the target's code runs. ``declared`` is what the repository asked for."""

    python: Path
    declared: Declared = field(default_factory=Declared)

    @property
    def folder(self) -> Path:
        """The virtual environment itself."""
        return self.python.parent.parent

    @property
    def site_packages(self) -> Path:
        """Where its distributions are."""
        return _site_packages(self.folder)


async def target_environment(workspace: Path, cache: Path) -> TargetEnvironment:
    """The environment of the repository in ``workspace``, made on first use and kept in ``cache``.

    The same declarations give the same environment, so all nodes of a run share one. Only one process makes it;
    the others wait. A build that was cut short has no mark and is made anew.
    """
    tools = _tools()
    declared = declared_dependencies(workspace)
    versions = [f"{each.name}=={each.version}" for each in tools]
    folder = (cache / digest(sys.version, *versions, *declared.fingerprint)).absolute()
    environment = TargetEnvironment(folder / "bin" / "python", declared)
    if (folder / COMPLETE).exists():
        (folder / COMPLETE).touch()  # retention removes what nobody has used for long
        return environment
    cache.mkdir(parents=True, exist_ok=True)
    async with only_one(folder.with_suffix(".lock")):
        if not (folder / COMPLETE).exists():
            # In place, under its final name: scripts of installed packages hold the path of their interpreter.
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            await _build(workspace, environment, tools)
            (folder / COMPLETE).touch()
    return environment


def _tools() -> list[Distribution]:
    try:
        return [distribution(name) for name in TOOLS]
    except PackageNotFoundError as error:
        raise EnvironmentFailed(f"{error.name} is not installed.", "Install all of Shipline's dependencies.") from error


async def _build(workspace: Path, environment: TargetEnvironment, tools: Sequence[Distribution]) -> None:
    folder = environment.folder
    made = await run_confined(
        [sys.executable, "-I", "-m", "venv", "--without-pip", str(folder)], cwd=folder.parent, timeout=_BUILD_SECONDS
    )
    _require(made, "The repository's virtual environment could not be made", "Is Python's venv module installed?")
    await asyncio.to_thread(_seed, environment.site_packages, tools)
    if environment.declared.anything:
        await _install(workspace, environment)
    # pytest starts twice as fast compiled, and a confined test run may not write what it compiles.
    await run_confined(
        [str(environment.python), "-I", "-m", "compileall", "-q", str(environment.site_packages)],
        cwd=folder,
        timeout=_BUILD_SECONDS,
    )


async def _install(workspace: Path, environment: TargetEnvironment) -> None:
    requirements = environment.folder / "shipline-requirements.txt"
    requirements.write_text(environment.declared.requirements_text(workspace))
    done = await run_confined(
        [
            *(sys.executable, "-I", "-m", "pip", "--python", str(environment.python), "install"),
            *("--quiet", "--no-input", "--disable-pip-version-check", "--no-compile", "-r", str(requirements)),
        ],
        cwd=workspace,
        env=pip_variables(),
        timeout=_INSTALL_SECONDS,
    )
    _require(
        done,
        "The repository's dependencies could not be installed",
        "Correct its dependencies, or give pip an index that has them (PIP_INDEX_URL).",
    )


def _require(done: Completed, what: str, hint: str) -> None:
    if done.timed_out:
        raise EnvironmentFailed(f"{what}: it did not end within {done.seconds:.0f} s.", hint)
    if done.returncode != 0:
        raise EnvironmentFailed(f"{what}: {tail(done.words) or f'exit code {done.returncode}'}", hint)


def _seed(target: Path, tools: Sequence[Distribution]) -> None:
    """Copy our own tools, without the network; their scripts are left out (``python -m`` is all we use)."""
    for tool in tools:
        for file in tool.files or []:
            source = Path(str(file.locate()))
            if ".." not in file.parts and source.is_file():
                copy = target / Path(*file.parts)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, copy)  # with its time, by which Python knows that compiled code is fresh


def _site_packages(folder: Path) -> Path:
    return folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"


@asynccontextmanager
async def only_one(lock: Path) -> AsyncIterator[None]:
    """Hold ``lock`` across processes; the system frees it when its holder dies."""
    with lock.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                await asyncio.sleep(0.05)
        yield
