"""Node's drivers in the probe kit: a script in ``probes/node`` carries out the steps.

The production transaction, the stages and every judgement stay the kit's: the script knows only how its
driver begins, executes and commits. Events come from a preload in the Node process.
"""

from repro.probe.node.probes import NODE_FOLDER, NODE_MISSING, database, push

__all__ = ["NODE_FOLDER", "NODE_MISSING", "database", "push"]
