"""A trace in the forms that other tools read: text, NODE_DEBUG, OONI, OpenTelemetry, pcapng. Does no I/O."""
