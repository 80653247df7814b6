# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""Take registered secrets out of everything that is returned, also in their encoded forms. Pure."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from .field import Field

MASK = "(secret)"
SHORTEST = 8
"""Below this many characters a secret is masked only where it stands as a word of its own."""
# What is longer is not looked for encoded twice: each form is as long again.
_LONGEST_TWICE = 4096
_ESCAPED = re.compile(r"%[0-9A-F]{2}")
_HTML = re.compile("[<>&]")
# A line of a key, and a value under a secret's name, as cloud-init has it.
_KEY_LINE = re.compile(r"[A-Za-z0-9+/=_-]{20,}")
_SAID = re.compile(
    r"[\s-]*[\"']?(?:[\w-]*[_-])?(?:password|passwd|passphrase|secret|token|(?:api|private)[_-]?key)"
    r"[\"']?\s*[:=]\s*[\"']?([^\"'\s]{8,})",
    re.IGNORECASE,
)


class Redactor:
    """The secrets of one run."""

    def __init__(self) -> None:
        self._long: set[str] = set()
        self._short: set[str] = set()

    def add(self, secret: str) -> bool:
        """Register a secret; return False when it is too short to be masked safely."""
        if len(secret) >= SHORTEST:
            for part in (secret, *_parts(secret)):
                self._long |= _forms(part)
            return True
        if secret:
            self._short.add(secret)
        return not secret

    def text(self, text: str) -> str:
        """Return the text without any secret."""
        return str(self.value(text))

    def value(self, value: Any) -> Any:
        """Return a copy of the value in which no text, key or number shows a secret."""
        everything = "\0".join(_everything(value))
        # To look for each in all texts at once is cheap, and most are in none.
        found = [re.escape(form) for form in self._long if form in everything]
        found.sort(key=len, reverse=True)
        found += [rf"(?<!\w){re.escape(secret)}(?!\w)" for secret in self._short]
        return _masked(value, re.compile("|".join(found))) if found else value


def _masked(value: Any, secrets: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        return secrets.sub(MASK, value)
    if isinstance(value, Mapping):
        return {_masked(key, secrets): _masked(entry, secrets) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_masked(entry, secrets) for entry in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return MASK if secrets.search(str(value)) else value
    return value


def _everything(value: Any) -> Iterator[str]:
    """Yield every text and number of a value, keys too."""
    if isinstance(value, Mapping):
        for key, entry in value.items():
            yield from _everything(key)
            yield from _everything(entry)
    elif isinstance(value, (list, tuple)):
        for entry in value:
            yield from _everything(entry)
    elif isinstance(value, (str, int, float)):
        yield str(value)


def secrets_in(fields: Sequence[Field], values: Mapping[str, Any]) -> Iterable[str]:
    """Yield the texts that the user gave for secret options, however deep."""
    for field in fields:
        value = values.get(field.name)
        if value is None:
            continue
        if field.secret:
            yield from _texts(value)
        elif field.fields:
            entries = value if isinstance(value, list) else [value]
            for entry in entries:
                if isinstance(entry, Mapping):
                    yield from secrets_in(field.fields, entry)


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, Mapping):
        for entry in value.values():
            yield from _texts(entry)
    elif isinstance(value, (list, tuple)):
        for entry in value:
            yield from _texts(entry)
    elif not isinstance(value, bool):
        yield str(value)


def _parts(secret: str) -> Iterator[str]:
    """Yield what is secret by itself in a secret of several lines, such as cloud-init."""
    lines = secret.splitlines()
    for line in lines if len(lines) > 1 else ():
        if _KEY_LINE.fullmatch(line.strip()):
            yield line.strip()
        said = _SAID.match(line)
        if said:
            yield said[1]


def _forms(secret: str) -> set[str]:
    """Return the secret encoded and encoded twice, in hex, and anywhere in longer base64."""
    # A server may also decode what was never encoded.
    once = {secret, secret.strip(), unquote(secret), unquote_plus(secret), *_escaped(secret)}
    forms = once | _as_bytes(secret)
    if len(secret) <= _LONGEST_TWICE:
        for form in once:
            forms |= {*_escaped(form), *_as_bytes(form)}
    return {form for form in forms if len(form) >= SHORTEST}


def _as_bytes(text: str) -> set[str]:
    """Return a text in hex and in base64, as whole requests are shown."""
    raw = text.encode("utf-8", "surrogatepass")
    forms = {raw.hex(), raw.hex().upper(), raw.hex(":"), raw.hex(":").upper(), raw.hex(" ")}
    for offset in range(3):
        # The characters at both ends also hold bits of what stands beside the secret.
        start, usable = (0, 2, 3)[offset], (offset + len(raw)) * 8 // 6
        encoded = base64.b64encode(b"\0" * offset + raw).decode()[start:usable]
        forms |= {encoded, encoded.replace("+", "-").replace("/", "_")}
    return forms


def _escaped(text: str) -> Iterator[str]:
    """Yield a text as addresses, JSON, Python, HTML, shells and YAML write it."""
    raw = text.encode("utf-8", "surrogatepass")
    for safe in ("", "/", "!~*'()"):
        for quoted in (quote(raw, safe=safe), quote_plus(raw, safe=safe)):
            yield from (quoted, _ESCAPED.sub(lambda found: found[0].lower(), quoted))
    for given in (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]):
        # Some write a slash as \\/, some the signs of HTML as \\u003c.
        yield from (given, given.replace("/", "\\/"))
        yield _HTML.sub(lambda sign: f"\\u{ord(sign[0]):04x}", given)
    # Python escapes the one quote or the other, by what else the text holds.
    yield from (repr(text)[1:-1], repr(f"{text}\"'")[1:-4])
    yield from (html.escape(text), html.escape(text, quote=False))
    yield from (text.replace("'", inner) for inner in ("'\"'\"'", "'\\''", "''"))
