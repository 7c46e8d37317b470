"""``POST /webhooks/github``: the signature over the raw body, then stored, then acknowledged; worked on after that."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from typing import Annotated, Any

from bson.errors import BSONError
from fastapi import APIRouter, Header, Request
from pymongo.errors import DocumentTooLarge

from gateway.problems import Denied
from ledger.inbox import keep
from ledger.models import Delivery, Model
from shipline.errors import ConfigError

router = APIRouter(tags=["GitHub"])
LARGEST = 25 * 1024 * 1024  # bytes: GitHub sends nothing above it
_ID = re.compile(r"^[A-Za-z0-9-]{8,64}$")
_EVENT = re.compile(r"^[a-z_]{1,50}$")


class Acknowledged(Model):
    """What GitHub is told. ``known`` is true when this delivery was here before."""

    delivery: str
    known: bool


def check(body: bytes, signature: str, secrets: list[bytes]) -> None:
    """Whether one of the secrets signed the body (SHA-256 alone, in constant time); Denied when none did."""
    if not secrets:
        raise ConfigError("No webhook secret is configured.", 'Set SHIPLINE_WEBHOOK_SECRETS=["…"].')
    given = signature.encode("ascii", "replace")
    good = [hmac.compare_digest(b"sha256=" + hmac.new(each, body, hashlib.sha256).hexdigest().encode(), given)
            for each in secrets]  # fmt: skip
    if not any(good):
        raise Denied(401, "The delivery is not signed with a secret of ours.", "X-Hub-Signature-256 is what counts.")


@router.post("/webhooks/github", status_code=202)
async def receive(
    request: Request,
    x_github_event: Annotated[str, Header()] = "",
    x_github_delivery: Annotated[str, Header()] = "",
    x_hub_signature_256: Annotated[str, Header()] = "",
) -> Acknowledged:
    """Take a delivery in. The same one twice counts once."""
    body = await _body(request)
    check(body, x_hub_signature_256, request.app.state.secrets)
    if not _ID.match(x_github_delivery) or not _EVENT.match(x_github_event):
        raise Denied(422, "X-GitHub-Delivery or X-GitHub-Event is missing or not as GitHub sends it.")
    delivery = Delivery(id=x_github_delivery, event=x_github_event, payload=_payload(body))
    try:
        new = await keep(request.app.state.store, delivery)
    except (BSONError, DocumentTooLarge, OverflowError, UnicodeEncodeError) as error:
        raise Denied(422, f"The payload cannot be stored: {type(error).__name__}.") from None
    if new:
        request.app.state.inbox.wake()
    return Acknowledged(delivery=delivery.id, known=not new)


async def _body(request: Request) -> bytes:
    found = bytearray()
    async for part in request.stream():
        found += part
        if len(found) > LARGEST:
            raise Denied(413, f"A delivery has at most {LARGEST // 1024 // 1024} MB.")
    return bytes(found)


def _payload(body: bytes) -> dict[str, Any]:
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        raise Denied(422, "The body is no JSON.", "Set the webhook's content type to application/json.") from None
    if not isinstance(payload, dict):
        raise Denied(422, "The body is no JSON object.")
    return payload
