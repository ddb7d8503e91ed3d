"""The known causes, one module a layer. The order is that in which they are tried.

A failing probe is explained by the first cause that suspects it: within a layer the most particular comes first,
and what was not even dialled before what was refused.
"""

from __future__ import annotations

from collections.abc import Mapping

from repro.diagnose.cause import Cause
from repro.diagnose.causes import (
    commit_ambiguity,
    config,
    dns,
    outbox,
    pooler,
    proxy,
    redis_tcp,
    serverless_http,
    startup_auth,
    tcp,
    tls,
    transaction,
    upstash_rest,
    version_regression,
    websocket,
)

CAUSES: tuple[Cause, ...] = (
    *config.CAUSES,
    *proxy.CAUSES,
    *serverless_http.CAUSES,
    *version_regression.CAUSES,
    *dns.CAUSES,
    *tls.CAUSES,
    *tcp.CAUSES,
    *startup_auth.CAUSES,
    *pooler.CAUSES,
    *websocket.CAUSES,
    *commit_ambiguity.CAUSES,
    *transaction.CAUSES,
    *redis_tcp.CAUSES,
    *upstash_rest.CAUSES,
    *outbox.CAUSES,
)

BY_ID: Mapping[str, Cause] = {cause.id: cause for cause in CAUSES}
