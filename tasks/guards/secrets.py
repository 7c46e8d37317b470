"""Guard on secrets in added lines. Comments that allow-list a line are not honoured: an agent could write them too."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.filters import heuristic
from detect_secrets.plugins.base import BasePlugin, RegexBasedDetector
from detect_secrets.plugins.basic_auth import BasicAuthDetector
from detect_secrets.plugins.ip_public import IPPublicDetector
from detect_secrets.plugins.keyword import KeywordDetector

from shipline.redact import redact_text
from tasks.guards.change import Change, FileChange, GuardContext, Violation, is_test_file
from tasks.guards.paths import is_lock_file

_URL_PASSWORD = re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+@")
_LONGEST = 5000  # some of the patterns take very long on minified lines


def secrets(change: Change, _context: GuardContext) -> list[Violation]:
    """Secret-shaped words in added lines. In tests and documents an invented password is everyday and may stand."""
    found = []
    for file in change:
        if not is_lock_file(file.path):
            kinds = sorted({kind for line in file.added_lines() for kind in _kinds(line, file)})
            found += [Violation("secret", file.path, f"an added line holds what looks like: {kind}") for kind in kinds]
        if redact_text(file.path) != file.path:
            found.append(Violation("secret", redact_text(file.path), "the file is named like a token or a credential"))
    return found


def _kinds(line: str, file: FileChange) -> set[str]:
    line = line[:_LONGEST]
    kinds = {plugin.secret_type for plugin in _token_detectors() if _any(plugin, line)}
    relaxed = is_test_file(file.path) or file.path.lower().endswith((".md", ".rst"))
    if relaxed:
        line = _URL_PASSWORD.sub("", line)
    elif _passwords(line):
        kinds.add(KeywordDetector.secret_type)
    if not kinds and redact_text(line) != line:
        kinds.add("a token or a credential")
    return kinds


@cache
def _token_detectors() -> tuple[BasePlugin, ...]:
    """The detectors that know the shape of somebody's tokens, and not merely randomness or the name of a variable."""
    guessing = (IPPublicDetector, BasicAuthDetector)
    classes: Iterable[type[BasePlugin]] = get_mapping_from_secret_type_to_class().values()
    return tuple(each() for each in classes if issubclass(each, RegexBasedDetector) and each not in guessing)


def _any(plugin: BasePlugin, line: str) -> bool:
    return any(True for _ in plugin.analyze_string(line))


def _passwords(line: str) -> bool:
    """A quoted value given to something called password, secret or key; not a placeholder, not a call."""
    if heuristic.is_indirect_reference(line):
        return False
    return any(not _placeholder(value) for value in KeywordDetector().analyze_string(line))


def _placeholder(value: str) -> bool:
    tests = (
        heuristic.is_templated_secret,
        heuristic.is_prefixed_with_dollar_sign,
        heuristic.is_sequential_string,
        heuristic.is_potential_uuid,
        heuristic.is_not_alphanumeric_string,
    )
    return any(test(value) for test in tests)
