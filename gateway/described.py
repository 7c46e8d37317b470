"""The OpenAPI document: FastAPI's, with our errors as they are sent."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI

from gateway.problems import MEDIA, Problem

# What any endpoint may answer; an endpoint without a body or a path has some of them all the same (a wrong query).
ERRORS = (400, 401, 403, 404, 405, 409, 413, 422, 502, 503)
_REF = {"$ref": "#/components/schemas/Problem"}


def describe(app: FastAPI) -> None:
    """Let ``/openapi.json`` say of each endpoint which errors it answers, and how they look."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = plain()
            schemas = document["components"]["schemas"]
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            schemas["Problem"] = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            for operations in document["paths"].values():
                for operation in operations.values():
                    operation["responses"].update({str(status): _error(status) for status in ERRORS})
        return app.openapi_schema or {}

    app.openapi = described  # type: ignore[method-assign]


def _error(status: int) -> dict[str, Any]:
    return {"description": HTTPStatus(status).phrase, "content": {MEDIA: {"schema": _REF}}}
