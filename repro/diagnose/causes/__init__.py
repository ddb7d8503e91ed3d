"""The known causes, one module a layer. The order is that in which they are tried.

A failing probe is explained by the first cause that suspects it: within a layer the most particular comes first,
and what was not even dialled before what was refused.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from repro import plugins
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
from repro.diagnose.view import View
from repro.document import Outcome


def _third_party() -> Iterator[Cause]:
    """The causes of other packages, which are more particular than ours."""
    for _, found in plugins.loaded(plugins.CAUSES):
        given = found if isinstance(found, (list, tuple)) else [found]
        yield from (_guarded(each) for each in given if isinstance(each, Cause))


def _guarded(cause: Cause) -> Cause:
    """The cause, which suspects nothing where its code fails: what is somebody else's ends no run."""

    def suspects(view: View) -> Sequence[Outcome]:
        try:
            return cause.suspects(view)
        except Exception as error:  # noqa: BLE001 - whatever a package of somebody else's raises
            warnings.warn(
                f"the cause {cause.id} of another package fails: {type(error).__name__} {error}",
                RuntimeWarning,
                stacklevel=2,
            )
            return ()

    return replace(cause, suspects=suspects)


OWN: tuple[Cause, ...] = (
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

CAUSES: tuple[Cause, ...] = (*_third_party(), *OWN)

BY_ID: Mapping[str, Cause] = {cause.id: cause for cause in CAUSES}
