"""Logs are JSON lines (``runId, nodeId, phase, ts, level, msg``), redacted, one file a process role."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from pathlib import Path

from shipline.redact import redact_text

_CONTEXT = ("runId", "nodeId", "phase")


class JsonLines(logging.Formatter):
    """A record as one line of JSON; context comes from ``extra={"runId": …}``."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, str] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "msg": redact_text(record.getMessage()),
        }
        line |= {name: str(getattr(record, name)) for name in _CONTEXT if hasattr(record, name)}
        if record.exc_info:
            line["error"] = redact_text(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


def log_to_file(path: Path, level: int = logging.INFO) -> None:
    """Send this process's log to ``path`` (made with its folder), and nothing to the terminal."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path, delay=True)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
