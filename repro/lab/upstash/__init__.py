"""A stand-in for the Upstash Redis REST API in front of a real Valkey or Redis.

Paths, headers, statuses and body shapes follow https://upstash.com/docs/redis/features/restapi; what the
original clients send was measured.
"""
