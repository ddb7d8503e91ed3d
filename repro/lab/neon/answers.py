"""The HTTP responses of the gateway: content type, CORS, and a request id on every one."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from repro.lab.neon.errors import SqlEndpointError

_REQUEST_HEADERS = (
    "Authorization, Neon-Connection-String, Neon-Raw-Text-Output, Neon-Array-Mode, Neon-Pool-Opt-In, "
    "Neon-Batch-Read-Only, Neon-Batch-Isolation-Level"
)
_ANY_ORIGIN = {"Access-Control-Allow-Origin": "*"}


def json_answer(body: str, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A response of the SQL endpoint, its body JSON already."""
    return _response(body, status, {**_ANY_ORIGIN, **(headers or {})})


def error_answer(error: SqlEndpointError) -> Response:
    """The response that reports an error of the SQL endpoint."""
    return json_answer(json.dumps(error.body), status=error.status)


def preflight() -> Response:
    """The answer to a browser that asks whether it may post (CORS)."""
    headers = {
        "Allow": "OPTIONS, POST",
        "Access-Control-Allow-Headers": _REQUEST_HEADERS,
        "Access-Control-Max-Age": "86400",
    }
    return _response("", 200, {**_ANY_ORIGIN, **headers})


def not_supported() -> Response:
    """What Neon's proxy answers where it serves nothing: 400, and the body is a JSON *string*."""
    return _response(json.dumps("query is not supported"), 400, {})


class NotSupported:
    """`not_supported` as an ASGI app, for every method (a function would be given only GET)."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await not_supported()(scope, receive, send)


def _response(body: str, status: int, headers: Mapping[str, str]) -> Response:
    media_type = "application/json" if body else None
    request_id = {"neon-request-id": str(uuid.uuid4())}
    return Response(body, status, {**headers, **request_id}, media_type)
