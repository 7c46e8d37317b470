"""What the stand-ins for artifacts call: a folder up to the sandbox, or down from it. Standard library alone."""

from __future__ import annotations

import io
import os
import sys
import urllib.request
import zipfile
from pathlib import Path
from urllib.parse import quote


def _ask(method: str, name: str, query: str = "", body: bytes | None = None) -> bytes:
    url = f"{os.environ['SANDBOX_URL']}/_sandbox/runs/{os.environ['GITHUB_RUN_ID']}/artifacts/{quote(name)}{query}"
    headers = {"Authorization": f"Bearer {os.environ['SANDBOX_TOKEN']}", "Content-Type": "application/zip"}
    request = urllib.request.Request(url, data=body, method=method, headers=headers)  # noqa: S310 (the sandbox's)
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        return bytes(answer.read())


def upload(name: str, folder: str, days: str) -> None:
    """Pack a folder, or a file, and keep it."""
    packed, root = io.BytesIO(), Path(folder)
    files = sorted(each for each in root.rglob("*") if each.is_file()) if root.is_dir() else [root]
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        for file in files:
            made.write(file, file.relative_to(root if root.is_dir() else root.parent))
    _ask("PUT", name, f"?days={days}", packed.getvalue())


def download(name: str, folder: str) -> None:
    """Unpack what an earlier job kept."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(io.BytesIO(_ask("GET", name))) as packed:
        packed.extractall(folder)


if __name__ == "__main__":
    verb, *words = sys.argv[1:]
    if verb == "upload":
        upload(words[0], words[1], words[2])
    else:
        download(words[0], words[1])
