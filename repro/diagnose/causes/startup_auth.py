"""The login at the database."""

from __future__ import annotations

from repro.diagnose.cause import Cause
from repro.diagnose.view import is_of_the_database, sqlstate

CAUSES: tuple[Cause, ...] = (
    Cause(
        id="auth-wrong-password",
        layer="startup-auth",
        title="The database refuses the password, or has no such role",
        summary="The server was reached and answered the login with SQLSTATE 28P01.",
        suspects=lambda view: view.where(sqlstate("28P01"), is_of_the_database),
        ops=("pg.msg",),
        fix=(
            "Correct user and password; percent-encode what a URL cannot hold.",
            "Look which server answered: on localhost another one may listen on the other address family.",
        ),
    ),
)
