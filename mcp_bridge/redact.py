# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps secrets out of everything that leaves: by known value, by key name, and by shape."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus, unquote, unquote_plus

MASK = "(secret)"
# Shorter values are masked only where they stand alone: inside text they would blank plain words.
SHORTEST_INSIDE_TEXT = 8
_BASE64_WINDOW = 3
# What is longer is not looked for encoded twice: each form is as long again.
_LONGEST_TWICE = 4096

_SECRET_KEY = re.compile(
    r"(?:^|[_-])(?:password|passwd|passphrase|secret|token|ticket|api_?key|private_?key|"
    r"secret_?key|access_?key|client-?_?key|authorization|cookie|csrf\w*|totp|otp|credential)s?"
    r"(?:_value|[_-]data)?$",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PERCENT = re.compile(r"%[0-9A-F]{2}")
_HTML = re.compile(r"[<>&]")
# A line of a key, and a value under a name, as YAML, INI and shell have it.
_KEY_LINE = re.compile(r"[A-Za-z0-9+/=_-]{20,}")
_SAID = re.compile(r"[\s-]*[\"']?([\w-]+)[\"']?\s*[:=]\s*[\"']?([^\"'\s]+)")
# Options whose name looks secret, but whose values are words of our own.
_PLAIN_KEYS = frozenset({"update_secrets"})
_SHAPES = (
    re.compile(
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL
    ),
    re.compile(r"(?<=PVEAPIToken=)\S+"),
    re.compile(r"\bPVE(?:VNC)?:[^\s:]+@[^\s:]+:[0-9A-F]{8}::[A-Za-z0-9+/=]+"),
    re.compile(r"(?<=\bBearer )[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE),
    re.compile(r"(?<=\bBasic )[A-Za-z0-9+/=]{8,}"),
    re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"),
    re.compile(r"(?<=://)[^\s/:@]+:[^\s/@]+(?=@)"),
)


def is_secret_key(key: str) -> bool:
    """Whether a key of this name holds a secret, in snake_case or camelCase."""
    return key not in _PLAIN_KEYS and bool(_SECRET_KEY.search(_CAMEL.sub("_", key)))


def decoded(text: str) -> Iterator[str]:
    """Yield what a text of base64 stands for; nothing when it is none, or no text is in it."""
    try:
        yield base64.b64decode(text, validate=True).decode()
    except ValueError:
        return


class Redactor:
    """Masks known secret values in all their encodings, secret keys, and what looks like a secret.

    It never fails on odd input: what it cannot read as text it masks whole.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        given = {part for value in values if value.strip() for part in (value, *_parts(value))}
        self._whole = frozenset(given)
        forms = {
            form
            for value in given
            if len(value) >= SHORTEST_INSIDE_TEXT
            for form in _encodings(value)
            if len(form) >= SHORTEST_INSIDE_TEXT
        }
        self._forms = sorted(forms, key=lambda form: (-len(form), form))

    def known(self, value: Any) -> Any:
        """Return a copy of plain JSON content with the known values masked, and nothing else."""
        return self._masked(value, self._found_in(value))

    def _found_in(self, value: Any) -> re.Pattern[str] | None:
        """Return what finds the forms that stand in a value; None when there are none.

        To look for each in all texts at once is cheap, and to compile many is not.
        """
        everything = "\0".join(_texts(value))
        found = [re.escape(form) for form in self._forms if form in everything]
        return re.compile("|".join(found)) if found else None

    def _masked(self, value: Any, found: re.Pattern[str] | None) -> Any:
        if isinstance(value, str):
            if value in self._whole:
                return MASK
            return value if found is None else found.sub(MASK, value)
        if isinstance(value, Mapping):
            return {
                self._masked(str(key), found): self._masked(part, found)
                for key, part in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [self._masked(part, found) for part in value]
        return value

    def text(self, text: str) -> str:
        """Return the text with every secret replaced by the mask."""
        text = str(self.known(text))
        for shape in _SHAPES:
            text = shape.sub(MASK, text)
        return text

    def clean(self, value: Any) -> Any:
        """Return a copy of plain JSON content without secrets, in keys and values."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(key)): self._under(str(key), part) for key, part in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.clean(part) for part in value]
        if value is None or isinstance(value, (bool, int, float)):
            return MASK if str(value) in self._whole and not isinstance(value, bool) else value
        return MASK

    def _under(self, key: str, value: Any) -> Any:
        if is_secret_key(key) and _may_be_secret(value):
            return MASK
        return self.clean(value)


def _may_be_secret(value: Any) -> bool:
    """Whether a value under a secret key must go; flags and empty values say nothing."""
    return value not in (None, "") and not isinstance(value, bool)


def _parts(value: str) -> Iterator[str]:
    """Yield what is secret by itself in a secret of several lines, such as a kubeconfig."""
    lines = value.splitlines()
    for line in lines if len(lines) > 1 else ():
        if _KEY_LINE.fullmatch(line.strip()):
            yield line.strip()
        said = _SAID.match(line)
        if said and is_secret_key(said[1]) and len(said[2]) >= SHORTEST_INSIDE_TEXT:
            yield said[2]


def _texts(value: Any) -> Iterator[str]:
    """Yield every text of plain JSON content, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield str(key)
            yield from _texts(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _texts(part)


def _encodings(value: str) -> Iterator[str]:
    """Yield a secret as it is, encoded, and encoded twice, as text inside of text comes.

    A server may also decode what was never encoded, when it takes a header for part of an address.
    """
    read = (value, unquote(value), unquote_plus(value))
    for once in dict.fromkeys((*read, *_escaped(value))):
        yield once
        if once == value or len(value) <= _LONGEST_TWICE:
            yield from _escaped(once)
            yield from _as_bytes(once)


def _as_bytes(text: str) -> Iterator[str]:
    """Yield a text in hex and in base64, as whole requests are shown."""
    raw = text.encode("utf-8", "surrogatepass")
    yield from (raw.hex(), raw.hex().upper(), raw.hex(":"), raw.hex(":").upper(), raw.hex(" "))
    for shift in range(_BASE64_WINDOW):
        yield from _base64_inside(raw, shift)


def _escaped(value: str) -> Iterator[str]:
    quoted = (quote(value, safe="", errors="replace"), quote(value, errors="replace"))
    for address in (*quoted, quote_plus(value, errors="replace")):
        yield from (address, _PERCENT.sub(lambda found: found[0].lower(), address))
    for text in (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]):
        # Some write a slash as \\/, some the signs of HTML as \\u003c.
        yield from (text, text.replace("/", "\\/"), _HTML.sub(_unicode, text))
    # Python escapes the one quote or the other, by what else the text holds.
    yield from (repr(value)[1:-1], repr(f"{value}\"'")[1:-4])
    yield from (html.escape(value), html.escape(value, quote=False))
    # Words of a shell, and YAML.
    yield from (value.replace("'", inner) for inner in ("'\"'\"'", "'\\''", "''"))


def _unicode(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def _base64_inside(raw: bytes, shift: int) -> Iterator[str]:
    """Yield the characters that stand for ``raw`` wherever it starts in a longer text."""
    encoded = base64.b64encode(b"\0" * shift + raw).decode()
    start = (shift * 8 + 5) // 6
    whole = (shift + len(raw)) * 8 // 6
    core = encoded[start:whole]
    yield core
    yield core.translate(str.maketrans("+/", "-_"))
