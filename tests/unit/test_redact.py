"""Secrets do not pass the write port."""

from __future__ import annotations

import pytest

from shipline import redact

SECRETS = [
    "ghp_0123456789abcdefghijABCDEFGHIJ",
    "ghs_123456_eyJhbGciOi.eyJpc3MiOiIx.sig-natureWithDashes_and.dots",
    "github_pat_11ABCDEFG0123456789_abcdefghij",
    "nvapi-abcdefghij0123456789ABCDEFGHIJ",
    "AKIAIOSFODNN7EXAMPLE",
    "eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.dBjftJeZ4CVP",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_masked_wherever_it_stands(secret: str) -> None:
    document = {"msg": f"before {secret} after", "data": [{"deep": secret}], "n": 3}

    clean = redact.redact(document)

    assert secret not in str(clean)
    assert clean["msg"] == f"before {redact.MASK} after"
    assert clean["n"] == 3


def test_a_password_in_an_address_is_masked() -> None:
    assert redact.redact_text("https://me:hunter2secret@github.com/a/b") == f"https://{redact.MASK}@github.com/a/b"


def test_a_remembered_value_is_masked_whatever_it_looks_like(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redact, "_known", set())
    redact.remember("just-some-words")
    redact.remember("short")

    assert redact.redact_text("it is just-some-words, and short") == f"it is {redact.MASK}, and short"


def test_ordinary_text_is_left_alone() -> None:
    text = "Merge task/12-add-keys into feature/3 as 3f2a9c1 (see https://example.org/a?b=c)"
    assert redact.redact_text(text) == text
