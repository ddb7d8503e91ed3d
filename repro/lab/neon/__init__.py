"""A stand-in for Neon's proxy in front of a real Postgres: SQL over HTTP, and Postgres inside a WebSocket.

What it promises is what the original drivers see: paths, headers, statuses, limits and error bodies follow
the open source of Neon's proxy (``neondatabase/neon``, ``proxy/src/serverless``). The gateway only ever
dials the one Postgres that it was given; hosts and ports that clients name are ignored.
"""
