# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look for secrets in what a run left: plain, and in the encodings in which secrets leak.

Written anew on purpose, and not taken from the redaction that it checks.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote, quote_plus, unquote, unquote_plus

_LINE = re.compile(r"[A-Za-z0-9+/=_-]{20,}")
_NAMED = re.compile(r"(?:password|token|client-key-data): (\S{8,})")
# Halves of shorter ones would be words that anybody may write.
_SHORTEST_WHOLE = 24


def forms(secret: str | bytes) -> set[bytes]:
    """Return a secret as it is, escaped once and twice, and each of the first in hex and base64."""
    if isinstance(secret, bytes):
        return {secret, *_as_bytes(secret)}
    once = {secret, unquote(secret), unquote_plus(secret), *_escaped(secret)}
    twice = {each for form in once for each in _escaped(form)}
    inside = {each for form in once for each in _as_bytes(form.encode())}
    return {each.encode() for each in once | twice} | inside


def _as_bytes(raw: bytes) -> Iterator[bytes]:
    """Yield bytes in hex, and anywhere in base64."""
    yield from (raw.hex().encode(), raw.hex().upper().encode(), raw.hex(":").encode())
    for shift in range(3):
        # Whole groups of four characters; the first and the last hold bits of their neighbours.
        skipped = 4 if shift else 0
        whole = base64.b64encode(b"\0" * shift + raw)[skipped:]
        core = whole[: len(whole) - 4]
        yield from (core, core.translate(bytes.maketrans(b"+/", b"-_")))


def parts(secret: str) -> Iterator[str]:
    """Yield a secret, and what of it is secret by itself: its halves, lines of a key, passwords."""
    yield secret
    lines = [line.strip() for line in secret.splitlines()]
    if len(lines) > 1:
        yield from (line for line in lines if _LINE.fullmatch(line))
        yield from _NAMED.findall(secret)
    elif len(secret) >= _SHORTEST_WHOLE:
        half = len(secret) // 2
        yield from (secret[:half], secret[half:])


def leaks(secrets: Iterable[str | bytes], texts: Mapping[str, bytes | str]) -> list[str]:
    """Return where which secret stands; the texts are named."""
    contents = {
        name: text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
        for name, text in texts.items()
    }
    found = []
    for secret in secrets:
        for form in forms(secret):
            for name, content in contents.items():
                if form in content:
                    found.append(f"{secret!r} as {form!r} in {name}")
    return found


def _escaped(text: str) -> Iterator[str]:
    for address in (quote(text), quote(text, safe=""), quote_plus(text)):
        yield from (address, re.sub("%..", lambda code: code[0].lower(), address))
    for given in (json.dumps(text), json.dumps(text, ensure_ascii=False)):
        inner = given[1:-1]
        yield from (inner, inner.replace("/", "\\/"))
        yield re.sub("[<>&]", lambda sign: f"\\u{ord(sign[0]):04x}", inner)
    yield from (html.escape(text), html.escape(text, quote=False))
    yield from (repr(text)[1:-1], repr(text + "\"'")[1:-4])
    # In the single quotes of a shell, and of YAML.
    yield from (text.replace("'", "'\"'\"'"), text.replace("'", "''"))
