"""The known causes, by layer. The order is that in which they are tried: the most particular first."""

from __future__ import annotations

from collections.abc import Mapping

from repro.diagnose.cause import Cause
from repro.diagnose.causes import configuration, network, queue, serverless, transactions

CAUSES: tuple[Cause, ...] = (
    *serverless.CAUSES,
    *transactions.CAUSES,
    *configuration.CAUSES,
    *queue.CAUSES,
    *network.CAUSES,
)

BY_ID: Mapping[str, Cause] = {cause.id: cause for cause in CAUSES}
