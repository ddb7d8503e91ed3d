"""Every secret that a probe can come to hold, for whoever writes anything of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from repro.persistence.dsn import MalformedUrl, parse_url
from repro.persistence.settings import Settings, secrets_of
from repro.redaction import Redactor

SECRET_VARIABLES = ("PGPASSWORD", "REDISCLI_AUTH")
"""Variables that are a secret as a whole; drivers read them by themselves."""

PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
"""Variables that hold a URL, perhaps with a password."""


_DELIMITERS = re.compile(r"[\[\]@/:#?&\s]")
"""Where another parser of URLs may cut a password; it then quotes the part."""


def known_secrets(settings: Settings, environ: Mapping[str, str]) -> list[str]:
    """The target's secrets, and those that drivers read from the environment by themselves.

    Args:
        settings: the target.
        environ: the probe's environment.
    """
    whole = [environ[name] for name in SECRET_VARIABLES if environ.get(name)]
    urls = [environ[name] for name in PROXY_VARIABLES if environ.get(name)]
    secrets = [*secrets_of(settings), *whole, *_passwords(urls)]
    return [*secrets, *(part for secret in secrets for part in _DELIMITERS.split(secret))]


def redactor_for(settings: Settings, environ: Mapping[str, str], salt: str) -> Redactor:
    """A redactor that knows the secrets of a probe, and the words that are none although one may equal them.

    Args:
        settings: the target.
        environ: the probe's environment.
        salt: the run's, in hexadecimal.
    """
    return Redactor(
        known_secrets(settings, environ), salt=bytes.fromhex(salt), public_words=_public_words(settings)
    )


def _public_words(settings: Settings) -> list[str]:
    """Users, hosts and databases: a password that is the same word is kept out by its field only."""
    urls = [parse_url(each) for each in (settings.database_url, settings.redis_url) if each is not None]
    return [word for url in urls for word in (url.user, url.host, url.path) if word]


def _passwords(urls: Iterable[str]) -> Iterator[str]:
    for text in urls:
        try:
            url = parse_url(text if "://" in text else f"http://{text}")
        except MalformedUrl:
            continue
        yield from (each for each in (url.password, url.written_password) if each)
