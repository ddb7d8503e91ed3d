"""What real drivers and real servers say is understood, and nothing secret of it is shown."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Callable
from urllib.parse import urlsplit

import psycopg
import pytest
import redis

from repro.lab.process import Lab
from repro.wire import Conversation, Message, Sender
from tests.wire.streams import Segment, decode, rechunk

SECRET = "Xs3cr3tZebra9Q"


def recorded(url: str, use: Callable[[str, int], None]) -> list[Segment]:
    """What both sides said while a client used a server through a relay."""
    target = urlsplit(url)
    segments: list[Segment] = []

    def pump(source: socket.socket, sink: socket.socket, sender: Sender) -> None:
        while data := source.recv(65536):
            segments.append((sender, data))
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)

    def serve() -> None:
        client, _ = listener.accept()
        with client, socket.create_connection((target.hostname, target.port)) as server:
            back = threading.Thread(target=pump, args=(server, client, "server"))
            back.start()
            pump(client, server, "client")
            back.join()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        relay = threading.Thread(target=serve)
        relay.start()
        use("127.0.0.1", listener.getsockname()[1])
        relay.join(20)
    assert not relay.is_alive()
    return segments


def understood(segments: list[Segment], protocol: str) -> list[Message]:
    """The messages, which are the same for any chunking and make up all that was said."""
    conversation = Conversation()
    messages = decode(conversation, segments)
    assert conversation.protocol == protocol
    assert decode(Conversation(), rechunk(segments, random.Random(5))) == messages
    assert sum(message.length for message in messages) == sum(len(data) for _, data in segments)
    assert SECRET not in repr(messages)
    return messages


@pytest.fixture(scope="module")
def postgres_messages(lab: Lab) -> list[Message]:
    url = urlsplit(lab.environment["DATABASE_URL"])

    def use(host: str, port: int) -> None:
        with psycopg.connect(
            host=host,
            port=port,
            user=url.username,
            password=url.password,
            dbname=url.path[1:],
            sslmode="disable",
            channel_binding="disable",
        ) as connection:
            connection.execute("SELECT %s::text, 'Xs3cr3tZebra9Q', $$Xs3cr3tZebra9Q$$, 12345", [SECRET])
            with connection.cursor().copy("COPY (SELECT repeat('x', 9000)) TO STDOUT") as copy:
                list(copy)
            with pytest.raises(psycopg.errors.InvalidTextRepresentation):
                connection.execute("SELECT 'Xs3cr3tZebra9Q'::int")

    return understood(recorded(lab.environment["DATABASE_URL"], use), "postgres")


def test_psycopg_and_postgres_in_clear(postgres_messages: list[Message]) -> None:
    names = [message.fields["pg.name"] for message in postgres_messages]
    sql = [message.fields["pg.sql"] for message in postgres_messages if "pg.sql" in message.fields]
    (error,) = [message for message in postgres_messages if message.failure]

    assert {
        "StartupMessage",
        "SASLInitialResponse",
        "AuthenticationOk",
        "Bind",
        "CopyData",
        "Terminate",
    } <= set(names)
    assert "SELECT $1::text, ?, ?, ?" in sql
    assert error.fields["pg.sqlstate"] == "22P02"
    assert error.fields["pg.message"] == "invalid input syntax for type integer: ?"


def test_redis_py_and_valkey(lab: Lab) -> None:
    url = urlsplit(lab.plain["UPSTASH_REDIS_URL"])

    def use(host: str, port: int) -> None:
        with redis.Redis(host=host, port=port, username=url.username, password=url.password) as client:
            client.set("wire-test", SECRET * 1000, ex=1)
            assert client.get("wire-test") == SECRET.encode() * 1000
            with pytest.raises(redis.ResponseError):
                client.lpush("wire-test", SECRET)
            client.delete("wire-test")

    messages = understood(recorded(lab.plain["UPSTASH_REDIS_URL"], use), "redis")

    commands = [message.fields["redis.cmd"] for message in messages if message.op == "redis.cmd"]
    assert commands[-4:] == ["SET", "GET", "LPUSH", "DEL"]
    assert "WRONGTYPE" in {message.fields.get("redis.error") for message in messages}
