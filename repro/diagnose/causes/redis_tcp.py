"""The queue over Redis TCP."""

from __future__ import annotations

from repro.diagnose.cause import Cause
from repro.diagnose.view import failed, is_of_the_queue, over, says

CAUSES: tuple[Cause, ...] = (
    Cause(
        id="redis-wrongpass",
        layer="redis-tcp",
        title="The queue refuses the password",
        summary="The server was reached and answered the login with WRONGPASS.",
        suspects=lambda view: view.where(
            is_of_the_queue,
            over("tcp"),
            failed("auth_failed"),
            says("WRONGPASS", "invalid username-password"),
        ),
        ops=("redis.reply",),
        apart={"up-401": "it is the login over TCP; the REST token is another secret"},
        fix=(
            "Copy the TCP password of this database into UPSTASH_REDIS_URL; percent-encode what a URL cannot hold.",
        ),
    ),
)
