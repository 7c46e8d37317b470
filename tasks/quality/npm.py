"""What package.json names is installed by npm, without running any script of a package."""

from __future__ import annotations

import os
from pathlib import Path

from tasks.confine import Completed, run_confined
from tasks.quality.environment import COMPLETE, only_one
from tasks.quality.recipes import package

_SECONDS = 600.0
_NAMED = ("dependencies", "devDependencies", "optionalDependencies")
# CI: what would watch for changes for ever ends instead.
NPM = {"CI": "true", "npm_config_update_notifier": "false", "NO_COLOR": "1"}
_VARIABLES = ("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


async def install(workspace: Path, cache: Path) -> Completed | None:
    """Install what is not there yet; how it ended when it failed, None when all is well."""
    if not any(package(workspace).get(each) for each in _NAMED):
        return None
    cache.mkdir(parents=True, exist_ok=True)
    async with only_one(cache / "install.lock"):  # tests and linter of one repository ask at the same time
        if (workspace / "node_modules").is_dir():
            return None
        (cache / COMPLETE).touch()
        return await _install(workspace, cache)


async def _install(workspace: Path, cache: Path) -> Completed | None:
    verb = "ci" if (workspace / "package-lock.json").is_file() else "install"
    env = {name: value for name, value in os.environ.items() if name.lower().startswith("npm_config_")}
    env |= {name: os.environ[name] for name in _VARIABLES if name in os.environ}
    if "npm_config_userconfig" not in env and (own := Path.home() / ".npmrc").is_file():
        env["npm_config_userconfig"] = str(own)
    done = await run_confined(
        ["npm", verb, "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", f"--cache={cache}"],
        cwd=workspace, env={**env, **NPM}, timeout=_SECONDS,
    )  # fmt: skip
    return None if done.returncode == 0 and not done.timed_out else done
