"""Node ids, the opaque names of GraphQL: the kind's prefix and the id, as on GitHub."""

from __future__ import annotations

import base64
import binascii


def node_id(prefix: str, value: int | str) -> str:
    """``PR_kw…`` for a pull request, ``I_kw…`` for an issue, and so on."""
    return f"{prefix}_kw{base64.urlsafe_b64encode(str(value).encode()).decode().rstrip('=')}"


def read_node_id(text: str) -> tuple[str, str]:
    """The prefix and the value of a node id; ValueError when it is none."""
    prefix, mark, code = text.partition("_kw")
    if not mark:
        raise ValueError(text)
    try:
        return prefix, base64.urlsafe_b64decode(code + "=" * (-len(code) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ValueError(text) from error
