"""Foreign hosts and users: tokens in their place, and what stays readable."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.redaction import ANY_TOKEN, Names, Redactor
from repro.redaction.names import SERVICES, is_readable
from repro.report.filing.slots import SERVICES as SERVICES_OF_REPORTS

HOST = "db-1.corp.acme.io"
NEON = "ep-cool-darkness-123456-pooler.us-east-2.aws.neon.tech"
ADDRESS, ADDRESS_6 = "8.8.4.4", "2600:1f18::a:1"


def replaced(text: str, *hosts: str, users: tuple[str, ...] = ()) -> str:
    """The text with each name in angle brackets after its kind, instead of a token."""
    return Names(hosts, users).replaced(text, lambda kind, name: f"<{kind} {name}>")


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "db.localhost", "127.0.0.1", "[::1]", "::1", "0.0.0.0", "::", "LOCALHOST."),
        *(
            "10.1.2.3",
            "172.16.0.9",
            "192.168.1.1",
            "169.254.0.1",
            "fe80::1%eth0",
            "fd00::1",
            "::ffff:10.0.0.1",
        ),
        *("db.test", "nowhere.invalid", "db.example", "db.example.com", "host.docker.internal", "api.0.0.1"),
        *("", "/var/run/postgresql", "@socket", "db", "postgres", "redis", "203.0.113.7", "2001:db8::1"),
    ],
)
def test_what_everybody_has_stays_readable(host: str) -> None:
    assert is_readable(host)
    assert replaced(f"dial {host} now", host) == f"dial {host} now"


@pytest.mark.parametrize(
    "host", [HOST, NEON, ADDRESS, ADDRESS_6, "::ffff:8.8.8.8", "build-box-7", "mine.local"]
)
def test_what_is_somebodys_own_does_not(host: str) -> None:
    assert not is_readable(host)
    told = Redactor([], names=Names([host])).value(f"dial {host} now")
    assert host not in told
    assert ANY_TOKEN.search(told)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"to {HOST}:5432 failed", f"to <host {HOST}>:5432 failed"),
        (HOST.upper(), f"<host {HOST}>"),
        (f"{HOST}.", f"<host {HOST}>."),
        (f"x%40{HOST}%3A5432", f"x%40<host {HOST}>%3A5432"),
        ("https://api.corp.acme.io/sql", "https://api.<host corp.acme.io>/sql"),
        ("certificate of *.corp.acme.io", "certificate of *.<host corp.acme.io>"),
        ("other.acme.io", "other.acme.io"),
    ],
)
def test_a_host_is_one_token_and_its_domain_another(text: str, told: str) -> None:
    assert replaced(text, HOST) == told


@pytest.mark.parametrize(
    ("host", "told"),
    [
        (NEON, "<host ep-cool-darkness-123456>-pooler.us-east-2.aws.neon.tech"),
        (NEON.replace("-pooler", ""), "<host ep-cool-darkness-123456>.us-east-2.aws.neon.tech"),
        ("api.us-east-2.aws.neon.tech", "api.us-east-2.aws.neon.tech"),
        ("eu1-tidy-cat-31234.upstash.io", "<host eu1-tidy-cat-31234>.upstash.io"),
        ("shop.c9akcx.eu-west-1.rds.amazonaws.com", "<host shop>.<host c9akcx>.eu-west-1.rds.amazonaws.com"),
        ("db.abcdefghijklmnop.supabase.co", "db.<host abcdefghijklmnop>.supabase.co"),
        ("aws-0-eu-west-1.pooler.supabase.com", "aws-0-eu-west-1.pooler.supabase.com"),
    ],
)  # fmt: skip
def test_the_service_its_region_and_its_pooler_stay_readable(host: str, told: str) -> None:
    assert replaced(f"postgresql://{host}/x", host) == f"postgresql://{told}/x"


def test_a_label_of_a_service_is_found_alone_where_it_is_long() -> None:
    assert (
        replaced("no endpoint ep-cool-darkness-123456", NEON) == "no endpoint <host ep-cool-darkness-123456>"
    )
    assert replaced("a shop of shop.neon.tech", "shop.neon.tech") == "a shop of <host shop>.neon.tech"


def test_the_services_that_reports_name_are_told_by_what_stays() -> None:
    assert {each.removeprefix(".") for each in SERVICES_OF_REPORTS} <= set(SERVICES)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"{ADDRESS}:443", f"<ipv4 {ADDRESS}>:443"),
        (f"('{ADDRESS}', 5432)", f"('<ipv4 {ADDRESS}>', 5432)"),
        ("18.8.4.4 8.8.4.40 8.8.4.4.1", "18.8.4.4 8.8.4.40 8.8.4.4.1"),
        (f"::ffff:{ADDRESS}", f"::ffff:<ipv4 {ADDRESS}>"),
        ("api.8.4.4, version 8.4.4", "api.<host 8.4.4>, version 8.4.4"),
        (f"[{ADDRESS_6}]:443", f"<ipv6 {ADDRESS_6}>:443"),
        (f"to {ADDRESS_6.upper()}: refused", f"to <ipv6 {ADDRESS_6}>: refused"),
        ("2600:1f18:0000:0000:0000:0000:000a:0001", f"<ipv6 {ADDRESS_6}>"),
        (f"{ADDRESS_6}2", f"{ADDRESS_6}2"),
    ],
)
def test_an_address_tells_its_family_alone(text: str, told: str) -> None:
    assert replaced(text, ADDRESS, ADDRESS_6) == told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('for user "sarah_k"', 'for user "<user sarah_k>"'),
        ("postgresql://sarah_k:x@localhost", "postgresql://<user sarah_k>:x@localhost"),
        ("sarah_kane", "sarah_kane"),
        ("a%40b.io", "<user a@b.io>"),
        ("for a@b.io", "for <user a@b.io>"),
    ],
)
def test_a_user_is_a_token_where_it_stands_alone(text: str, told: str) -> None:
    assert replaced(text, users=("sarah_k", "a@b.io")) == told


@pytest.mark.parametrize("user", ["postgres", "default", "neondb_owner", "app", "Admin", "12345", ""])
def test_a_user_that_many_have_is_none(user: str) -> None:
    assert replaced(f"for {user}.", users=(user,)) == f"for {user}."


def test_no_names_change_nothing() -> None:
    assert not Names(["localhost"], ["app"])
    assert replaced("a text", "localhost") == "a text"


def test_in_data_the_values_have_tokens_and_the_tools_own_words_stay() -> None:
    redactor = Redactor([], salt=b"salt", names=Names([HOST, "hook"], ["drizzle"]))
    data = redactor.value(
        {
            "name": "node.drizzle-pg",
            "src": "hook",
            "probes": ["node.drizzle-pg"],
            "drizzle": [f"{HOST} drizzle"],
        }
    )
    (told,) = data.pop("drizzle")
    assert data == {"name": "node.drizzle-pg", "src": "hook", "probes": ["node.drizzle-pg"]}
    assert re.fullmatch(r"\[host:[0-9a-f]{6}\] \[user:[0-9a-f]{6}\]", told)
    assert sum(redactor.manifest().values()) == 2


def test_a_text_that_was_made_of_such_data_keeps_its_words() -> None:
    redactor = Redactor([], names=Names([], ["content"]))
    assert redactor.text("p::after { content: '' }") == "p::after { content: '' }"


def test_the_same_name_has_the_same_token_and_no_other_kind_has_it() -> None:
    redactor = Redactor([], salt=b"salt", names=Names([HOST], ["acme"]))
    first, second, user = redactor.value([HOST, f"{HOST.upper()}", "acme"])
    assert first == second
    assert first[-7:] != user[-7:]


@pytest.mark.parametrize(
    "text",
    [
        f"postgresql://sarah_k:hunter2@{HOST}:5432/x?a=b@c",
        f"redis://:hunter2@{HOST}",
        f"https://{HOST}/x",
        f"postgresql://sarah_k@{HOST}:5432/x",
        f"postgresql://[{ADDRESS_6}]:5432/x",
    ],
)
def test_redacting_twice_changes_nothing(text: str) -> None:
    redactor = Redactor([], salt=b"salt", names=Names([HOST, ADDRESS_6], ["sarah_k"]))
    once = redactor.value(text)
    assert redactor.value(once) == once
    assert redactor.text(once) == once
    assert "hunter2" not in once
    assert HOST not in once


def test_a_password_behind_the_token_of_a_user_is_one() -> None:
    assert "hunter2" not in Redactor([]).text("postgresql://[user:0a1b2c]:hunter2@localhost/x")


@given(st.text(max_size=80), st.text(alphabet="abc.-:[]%0189/@", max_size=20), st.text(max_size=12))
def test_any_text_host_and_user_can_be_given(text: str, host: str, user: str) -> None:
    redactor = Redactor([], salt=b"salt", names=Names([host], [user]))
    once = redactor.value(text)
    assert redactor.value(once) == once
    assert Names([host], [user]).replaced("[host:abcdef]", lambda *_: "x") == "[host:abcdef]"


@given(st.from_regex(r"[a-z0-9]{3,10}(-[a-z0-9]{1,5})?\.[a-z]{2,8}\.(io|dev|net)", fullmatch=True))
def test_no_host_is_left(host: str) -> None:
    redactor = Redactor([], names=Names([host]))
    told = redactor.value(f"https://{host}:443/x dial tcp: lookup {host}: no such host; *.{host}")
    if not is_readable(host) and not host.endswith(tuple(SERVICES)):
        assert host not in told
        assert len(ANY_TOKEN.findall(told)) == 3


def test_a_redactor_learns_names_and_keeps_its_tokens() -> None:
    first = Redactor(["s3cret-s3cret"], names=Names([HOST]))
    second = first.with_names(Names((), ["meier"]))
    told = second.value(f"meier at {HOST} with s3cret-s3cret")
    assert not re.search("meier|acme|s3cret", told)
    assert first.value("meier") == "meier"
    assert first.value(HOST) == second.value(HOST)
