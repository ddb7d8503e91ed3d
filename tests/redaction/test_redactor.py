from __future__ import annotations

import base64
import html
import json
import re
import string
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.redaction import TOKEN, Names, Redactor, SecretFound
from repro.redaction.words import PUBLIC_WORDS

AWKWARD = [
    "with some spaces",
    "p@ss:word/1%2",
    "a+b=c&d?e#f",
    "quo\"te'quote",
    "back\\slash\\\\es",
    "\\'\"\\'\"\\'\"",
    "pässwörd-é-日本語",
    "emoji-\N{GRINNING FACE}-secret",
    "two\nlines\nhere",
    "tab\tand\r\nnewline",
    "%41%42%43%44%2525",
    "<b>&amp;</b>",
    " lead and trail ",
    "ends-with-quote'",
    '"begins-with-quote',
    "ends-with-back\\",
    "\\begins-with-back",
    "`ticks` | pipes",
    "plain-token-0123456789abcdef",
    "$1 ${HOME} `id`",
    "latin-\x85-\xa0-\xff-ctl",
    "not-utf-8-\udcff-bytes",
]


def in_base64(before: int, after: int) -> Callable[[str], str]:
    """Writes a secret as base64 with some bytes around it."""
    return lambda secret: base64.b64encode(
        b"u" * before + secret.encode("utf-8", "surrogateescape") + b"v" * after
    ).decode()


def in_one_byte_each(secret: str) -> bytes:
    """A secret in latin-1; in UTF-8 where it has other characters."""
    try:
        return secret.encode("latin-1")
    except UnicodeEncodeError:
        return secret.encode("utf-8", "surrogateescape")


def misread(secret: str, encoding: str) -> str:
    """UTF-8 read in an encoding of one byte for a character; what that leaves undefined as in latin-1."""
    read = (bytes([octet]) for octet in secret.encode("utf-8", "surrogateescape"))
    return "".join(each.decode(encoding, "ignore") or each.decode("latin-1") for each in read)


FORMS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "percent": lambda secret: quote(secret, safe="", errors="surrogateescape"),
    "percent lower": lambda secret: re.sub(
        "%..", lambda found: found[0].lower(), quote(secret, safe="", errors="surrogateescape")
    ),
    "percent partly": lambda secret: quote(secret, safe="/:@", errors="surrogateescape"),
    "percent twice": lambda secret: quote(quote(secret, safe="", errors="surrogateescape"), safe=""),
    "form": lambda secret: quote_plus(secret, errors="surrogateescape"),
    "json": json.dumps,
    "json raw": lambda secret: json.dumps(secret, ensure_ascii=False),
    "json twice": lambda secret: json.dumps(json.dumps(secret)),
    "json for a script": lambda secret: (
        json.dumps(secret).replace("<", "\\u003C").replace("&", "\\u0026").replace("/", "\\/")
    ),
    "repr": repr,
    "repr in json": lambda secret: json.dumps(repr(secret)),
    "bytes repr": lambda secret: repr(secret.encode("utf-8", "surrogateescape")),
    "sql": lambda secret: "'" + secret.replace("'", "''") + "'",
    "html": html.escape,
    "html in json": lambda secret: json.dumps(html.escape(secret)),
    "hex": lambda secret: secret.encode("utf-8", "surrogateescape").hex(),
    "hex upper": lambda secret: secret.encode("utf-8", "surrogateescape").hex(" ").upper(),
    "hex of latin-1": lambda secret: in_one_byte_each(secret).hex(),
    "base64 of latin-1": lambda secret: base64.b64encode(b"user:" + in_one_byte_each(secret)).decode(),
    "read as latin-1": lambda secret: misread(secret, "latin-1"),
    "read as cp1252": lambda secret: misread(secret, "cp1252"),
    "read as cp1252, in json": lambda secret: json.dumps(misread(secret, "cp1252")),
    "capitals": str.upper,
    "small letters": str.lower,
    "small letters in a URL": lambda secret: quote(secret.lower(), safe="", errors="surrogateescape"),
    "one line": lambda secret: " ".join(secret.split()),
    "markdown": lambda secret: re.sub(r"([*_`|\[\]<>])", r"\\\1", secret),
    **{f"base64 {before} {after}": in_base64(before, after) for before in range(4) for after in range(3)},
    "base64 of a URL": lambda secret: base64.urlsafe_b64encode(
        b"user:" + secret.encode("utf-8", "surrogateescape")
    ).decode(),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("secret", AWKWARD)
def test_an_awkward_secret_survives_in_no_form(secret: str, form: str) -> None:
    redactor = Redactor([secret], salt=b"salt")
    written = FORMS[form](secret)

    redacted = redactor.text(f"before={written} after")

    assert TOKEN.search(redacted), redacted
    assert redacted.startswith("before=")
    assert redacted.endswith(" after")
    redactor.check(redacted.encode("utf-8", "surrogatepass"), "text")
    with pytest.raises(SecretFound):
        redactor.check(f"before={written} after".encode("utf-8", "surrogateescape"), "text")


SECRETS = st.text(
    alphabet=st.one_of(
        st.sampled_from(string.ascii_letters + string.digits), st.sampled_from(" @:/%+\"'\\=&<>\n-_é日|`$*")
    ),
    min_size=8,
    max_size=24,
).filter(
    lambda secret: (
        len(secret.strip()) >= 8 and len(set(secret)) > 3 and secret.strip().casefold() not in PUBLIC_WORDS
    )
)


BESIDE = st.text(alphabet="~^;,.(){}[]", max_size=8)
"""Characters that no secret here has."""


@settings(deadline=None, max_examples=150)
@given(secret=SECRETS, form=st.sampled_from(sorted(FORMS)))
def test_no_secret_survives(secret: str, form: str) -> None:
    redactor = Redactor([secret], salt=b"salt")
    written = FORMS[form](secret)

    redacted = redactor.text(f"<<{written}>>")

    assert secret not in redacted
    redactor.check(redacted.encode(), "text")
    assert redacted.startswith("<<")
    assert redacted.endswith(">>")


@settings(deadline=None, max_examples=100)
@given(
    secret=SECRETS,
    before=BESIDE,
    after=BESIDE,
)
def test_a_documents_other_values_stay_and_it_stays_json(secret: str, before: str, after: str) -> None:
    redactor = Redactor([secret], salt=b"salt")
    body = json.dumps({"text": before + secret + after, "other": [before, 1, None]})

    redacted = json.loads(redactor.text(body))

    assert redacted["other"] == [before, 1, None]
    assert secret not in json.dumps(redacted, ensure_ascii=False)


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=200))
def test_a_text_without_secrets_keeps_every_character(text: str) -> None:
    redactor = Redactor(["zq7-Kp2m-zq7-Kp2m"])
    plain = re.sub(r"[:=']", "", text)

    assert redactor.text(plain) == plain


@settings(deadline=None, max_examples=100)
@given(secret=SECRETS, form=st.sampled_from(sorted(FORMS)))
def test_redacting_twice_changes_nothing(secret: str, form: str) -> None:
    redactor = Redactor([secret], salt=b"salt")
    once = redactor.text(f"x {FORMS[form](secret)} y")

    assert redactor.text(once) == once


def test_the_same_secret_has_the_same_token_and_another_secret_another() -> None:
    redactor = Redactor(["first-secret", "second-secret"])

    one, again, other = redactor.text("first-secret first-secret second-secret").split()

    assert one == again
    assert one != other


def test_the_salt_decides_the_token() -> None:
    texts = {Redactor(["first-secret"], salt=salt).text("first-secret") for salt in (b"a", b"a", b"b")}

    assert len(texts) == 2


def test_the_manifest_counts_each_token() -> None:
    redactor = Redactor(["first-secret", "second-secret"], salt=b"s")
    token = redactor.text("first-secret")

    redactor.value({"a": ["first-secret", "second-secret"]})

    assert redactor.manifest()[token] == 2
    assert sum(redactor.manifest().values()) == 3


def test_a_longer_secret_goes_before_the_one_inside_it() -> None:
    redactor = Redactor(["inner-secret", "an-inner-secret-wrapped"], salt=b"s")

    assert TOKEN.fullmatch(redactor.text("an-inner-secret-wrapped"))


def test_values_are_redacted_in_keys_lists_and_depth_and_numbers_stay() -> None:
    redactor = Redactor(["sesame-open"], salt=b"s")

    redacted = redactor.value({"sesame-open": [{"x": ("sesame-open", 7, 1.5, True, None)}]})

    token = redactor.text("sesame-open")
    assert redacted == {token: [{"x": [token, 7, 1.5, True, None]}]}


def test_what_a_sensitive_key_names_is_redacted_whatever_it_is() -> None:
    redactor = Redactor(())

    redacted = redactor.value(
        {"password": "test", "rest_token": "abc", "tokens": 3, "token": None, "name": "test"}
    )

    assert TOKEN.fullmatch(redacted["password"])
    assert TOKEN.fullmatch(redacted["rest_token"])
    assert {key: redacted[key] for key in ("tokens", "token", "name")} == {
        "tokens": 3,
        "token": None,
        "name": "test",
    }


@pytest.mark.parametrize("word", ["postgres", "test", "password", "Postgres", "localhost"])
def test_a_common_word_is_never_searched_for(word: str) -> None:
    redactor = Redactor([word])

    assert redactor.text(f"the {word} is here") == f"the {word} is here"
    redactor.check(word.encode(), "text")


def test_a_public_word_of_the_target_is_never_searched_for() -> None:
    redactor = Redactor(["orders-app"], public_words=["orders-app"])

    assert redactor.text("user orders-app") == "user orders-app"


@pytest.mark.parametrize(
    ("text", "redacted"),
    [("login with s3cret failed", True), ("s3cretary and xs3cret", False), ("port 54321", False)],
)
def test_a_short_secret_is_replaced_where_it_stands_alone(text: str, redacted: bool) -> None:
    redactor = Redactor(["s3cret", "54321"])

    assert (redactor.text(text) != text) is redacted
    redactor.check(text.encode(), "text")


@pytest.mark.parametrize("secrets", [[], [""], ["   "], ["abc"]])
def test_nothing_to_search_for_leaves_text_alone(secrets: list[str]) -> None:
    redactor = Redactor(secrets)

    assert redactor.text("abc plain text") == "abc plain text"
    redactor.check(b"abc", "text")


UNKNOWN = [
    ("postgresql://app:hunter2@db.test:5432/app", "hunter2", "postgresql://app:", "@db.test:5432/app"),
    ("postgres://app:hun/ter@2@db.test/app", "hun/ter@2", "postgres://app:", "@db.test/app"),
    ("postgresql+psycopg://app:hunter2@[::1]/a", "hunter2", "postgresql+psycopg://app:", "@[::1]/a"),
    ("rediss://:hunter2@cache.test:6379", "hunter2", "rediss://:", "@cache.test:6379"),
    ("http://me:hunter2@proxy.test:3128", "hunter2", "http://me:", "@proxy.test:3128"),
    ("GET /get/x?_token=AXyzhunter2&y=1 200", "AXyzhunter2", "GET /get/x?_token=", "&y=1 200"),
    ("host=x password=hunter2 user=y", "hunter2", "host=x password=", " user=y"),
    ("password='hun ter\\'2' user=y", "hun ter\\'2", "password='", "' user=y"),
    ("UPSTASH_REDIS_REST_TOKEN=AXhunter2", "AXhunter2", "UPSTASH_REDIS_REST_TOKEN=", ""),
    ('{"password": "hunter2"}', "hunter2", '{"password": "', '"}'),
    ("Authorization: Bearer AXhunter2==", "AXhunter2", "Authorization: Bearer ", ""),
    ("authorization: Basic dXNlcjpodW50ZXIy", "dXNlcjpodW50ZXIy", "authorization: Basic ", ""),
    ("sent Bearer AXhun_ter2 to it", "AXhun_ter2", "sent Bearer ", " to it"),
    ("Neon-Connection-String: postgresql://app@db.test/x", "db.test", "Neon-Connection-String: ", ""),
    ("ALTER USER app PASSWORD 'hunter2'", "hunter2", "ALTER USER app PASSWORD '", "'"),
]


@pytest.mark.parametrize(("text", "secret", "before", "after"), UNKNOWN)
def test_what_looks_like_a_secret_goes_too(text: str, secret: str, before: str, after: str) -> None:
    redactor = Redactor(())

    redacted = redactor.text(text)

    assert secret not in redacted
    assert redacted.startswith(before)
    assert redacted.endswith(after)
    assert redactor.text(redacted) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "http://localhost:4873/@scope/package",
        "https://[::1]:443/sql",
        "postgresql://localhost:5432/app",
        "password authentication failed for user app",
        "bearer tokens are refused, bearer authentication is off",
        "the fencing token=$3 and password=%s",
        "wss://localhost/v2?address=localhost:5432",
        "write to me@example.test: thanks",
    ],
)
def test_innocent_text_stays(text: str) -> None:
    assert Redactor(()).text(text) == text


def test_the_error_names_the_place_and_never_the_secret() -> None:
    redactor = Redactor(["open-sesame"])

    with pytest.raises(SecretFound, match=r"report\.md") as caught:
        redactor.check(b"\xff\xfe open-sesame", "report.md")

    assert "sesame" not in str(caught.value)


def test_searching_looks_at_each_character_a_bounded_number_of_times() -> None:
    """Texts that make an ambiguous pattern walk back and forth without end."""
    redactor = Redactor(
        ["\\" * 12 + "x", "%25%25%25%25", " + + + + + + + + +", "'\"'\"'\"'\"'\"", "&amp;&amp;&amp;"]
    )

    for unit in ("\\", "%25", "+ ", "'\"", "&amp;", "a-", "a", "x://", "password='"):
        redactor.text(unit * 20_000)


@pytest.mark.parametrize(
    ("data", "changes"),
    [
        ({"cause": "auth-wrong-password"}, False),
        (
            {"probes": ["node.wrong-pg"], "name": "node.wrong-pg", "events": "trace/node.wrong-pg.jsonl"},
            False,
        ),
        ({"message": "auth-wrong-password"}, True),
        ({"name": "wrong"}, True),
        ({"name": "it was wrong"}, True),
    ],
)
def test_a_short_secret_is_none_within_a_word_of_this_tool(data: dict[str, object], *, changes: bool) -> None:
    assert (Redactor(["wrong"]).value(data) != data) is changes


def test_a_long_secret_is_one_everywhere() -> None:
    redactor = Redactor(["wrong-password", "wrong"])
    assert TOKEN.search(redactor.value({"cause": "auth-wrong-password"})["cause"])


def test_what_was_found_to_hold_nothing_is_looked_at_again_for_other_names() -> None:
    document = {"message": "db.acme-corp.net refused", "host": "db.acme-corp.net"}
    plain = Redactor(["a-long-secret"])
    assert plain.value(document) == document

    named = plain.with_names(Names(["db.acme-corp.net"]))

    assert "acme-corp" not in str(named.value(document))
    assert plain.value(document) == document


def test_a_text_that_is_innocent_as_a_word_of_ours_is_none_as_a_value() -> None:
    redactor = Redactor(["verdict-pass"], names=Names(["db.acme-corp.net"]))
    document = {"name": "db.acme-corp.net", "host": "db.acme-corp.net"}

    for _ in range(2):
        found = redactor.value(document)
        assert found["name"] == "db.acme-corp.net"
        assert found["host"] != "db.acme-corp.net"


@pytest.mark.parametrize(
    ("secret", "text"), [("Sesame", "sesame"), ("sesame7", "SESAME7"), ("Strasse", "straße")]
)
def test_a_short_secret_in_another_case_is_a_word_like_others(secret: str, text: str) -> None:
    assert Redactor([secret]).text(f"a {text} b") == f"a {text} b"


@pytest.mark.parametrize("secret", ["hunt", "hunter2", "pässw", "a>b?c~"])
@pytest.mark.parametrize(
    "written",
    [
        lambda data: base64.b64encode(data).decode(),
        lambda data: base64.urlsafe_b64encode(data).decode().rstrip("="),
        lambda data: base64.b64encode(data).decode().replace("=", "%3D"),
        lambda data: data.hex(),
        lambda data: data.hex(":").upper(),
        lambda data: "0x" + data.hex(),
        lambda data: "\\x" + data.hex(),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_a_short_secret_in_base64_or_hex_is_found_as_a_whole_word(
    secret: str, written: Callable[[bytes], str], encoding: str
) -> None:
    text = written(secret.encode(encoding))
    redactor = Redactor([secret], salt=b"salt")
    assert TOKEN.fullmatch(redactor.text(text))
    assert redactor.knows(f'a="{text}", b')
    assert not redactor.knows(f"a{text}b")
    assert not redactor.knows(f"9{text}9")
