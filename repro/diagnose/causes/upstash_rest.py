"""The queue over Upstash REST."""

from __future__ import annotations

from repro.diagnose.cause import Cause
from repro.diagnose.view import failed, is_of_the_queue, over

CAUSES: tuple[Cause, ...] = (
    Cause(
        id="up-401",
        layer="upstash-rest",
        title="Upstash refuses the REST token",
        summary="The endpoint was reached and answered 401: the token is missing, wrong, or another database's.",
        suspects=lambda view: view.where(is_of_the_queue, over("http"), failed("auth_failed")),
        ops=("http.response",),
        apart={"redis-wrongpass": "it is the REST token; the password over TCP is another secret"},
        fix=("Copy UPSTASH_REDIS_REST_TOKEN of the database that UPSTASH_REDIS_REST_URL names.",),
        links=("https://github.com/upstash/redis-js/issues/335",),
    ),
)
