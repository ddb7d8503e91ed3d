"""Every secret that a probe can come to hold, for whoever writes anything of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote, unquote_plus

from repro.persistence.dsn import MalformedUrl, Url, parse_url
from repro.redaction import Names, Redactor

SECRET_VARIABLES = ("PGPASSWORD", "REDISCLI_AUTH", "UPSTASH_REDIS_REST_TOKEN")
"""Variables that are a secret as a whole."""

URL_VARIABLES = (
    *("DATABASE_URL", "POSTGRES_URL", "POSTGRES_URL_NON_POOLING"),
    *("UPSTASH_REDIS_URL", "UPSTASH_REDIS_REST_URL", "NEON_FETCH_ENDPOINT", "NEON_WS_PROXY"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"),
)
"""Variables that hold a URL, perhaps with a password; drivers read some of them by themselves."""

_SECRET_PARAMETER = re.compile(r"password|passwd|secret|token|key", re.IGNORECASE)

_DELIMITERS = re.compile(r"[\[\]@/:#?&\s]")
"""Where another parser of URLs may cut a password; it then quotes the part."""


def redactor_for(
    variables: Mapping[str, str], environ: Mapping[str, str], salt: str, names: Names | None = None
) -> Redactor:
    """A redactor that knows the secrets of a probe, and the words that are none although one may equal them.

    Args:
        variables: the target's settings, under their environment names.
        environ: the probe's environment.
        salt: the run's, in hexadecimal.
        names: foreign hosts and users that are replaced in data too; None where they may be told.
    """
    public = [word for url in _urls(variables, environ) for word in (url.user, url.host, url.path) if word]
    return Redactor(
        known_secrets(variables, environ), salt=bytes.fromhex(salt), public_words=public, names=names
    )


def known_secrets(variables: Mapping[str, str], environ: Mapping[str, str]) -> list[str]:
    """The target's secrets, and those that drivers read from the environment by themselves; each once.

    Args:
        variables: the target's settings, under their environment names.
        environ: the probe's environment.
    """
    found = [each[name] for each in (variables, environ) for name in SECRET_VARIABLES if each.get(name)]
    for text in _texts(variables, environ):
        found += _of_parameters(text)
    for url in _urls(variables, environ):
        found += filter(None, (url.password, url.written_password))
        if url.scheme.startswith("http") and url.password is None and url.user:
            found.append(url.user)  # a token in the place of a user
    parts = [part for secret in found for part in _DELIMITERS.split(secret)]
    return [secret for secret in dict.fromkeys([*found, *parts]) if secret]


def _texts(variables: Mapping[str, str], environ: Mapping[str, str]) -> Iterator[str]:
    for name in URL_VARIABLES:
        yield from (each[name] for each in (variables, environ) if each.get(name))


def _urls(variables: Mapping[str, str], environ: Mapping[str, str]) -> Iterator[Url]:
    for text in _texts(variables, environ):
        try:
            yield parse_url(text if "://" in text else f"http://{text}")
        except MalformedUrl:
            continue


def _of_parameters(text: str) -> Iterator[str]:
    """The secret values of a URL's query, as written and decoded, however often a name stands there."""
    for pair in text.partition("?")[2].split("&"):
        name, _, value = pair.partition("=")
        if _SECRET_PARAMETER.search(unquote(name)):
            yield from (value, unquote(value), unquote_plus(value))
