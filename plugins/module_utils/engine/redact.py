# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""Take registered secrets out of everything that is returned, also in their encoded forms. Pure."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, quote_plus

from .field import Field

MASK = "(secret)"
SHORTEST = 8
"""Below this many characters a secret is masked only where it stands as a word of its own."""
_ESCAPED = re.compile(r"%[0-9A-F]{2}")


class Redactor:
    """The secrets of one run."""

    def __init__(self) -> None:
        self._long: set[str] = set()
        self._short: set[str] = set()

    def add(self, secret: str) -> bool:
        """Register a secret; return False when it is too short to be masked safely."""
        if len(secret) >= SHORTEST:
            self._long |= _forms(secret)
            return True
        if secret:
            self._short.add(secret)
        return not secret

    def text(self, text: str) -> str:
        """Return the text without any secret."""
        for secret in sorted(self._long, key=len, reverse=True):
            text = text.replace(secret, MASK)
        for secret in self._short:
            text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", MASK, text)
        return text

    def value(self, value: Any) -> Any:
        """Return a copy of the value in which no text, key or number shows a secret."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.value(key): self.value(entry) for key, entry in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(entry) for entry in value]
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return value if self.text(str(value)) == str(value) else MASK
        return value


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


def _forms(secret: str) -> set[str]:
    """Return the secret and its forms in URLs, JSON, repr and base64, also inside longer base64."""
    raw = secret.encode("utf-8", "surrogatepass")
    forms = {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    forms |= {repr(secret)[1:-1], secret.strip()}
    for safe in ("", "/", "!~*'()"):
        forms |= {quote(raw, safe=safe), quote_plus(raw, safe=safe)}
    forms |= {_ESCAPED.sub(lambda hit: hit.group().lower(), form) for form in forms}
    for offset in range(3):
        # The characters at both ends also hold bits of what stands beside the secret.
        start, usable = (0, 2, 3)[offset], (offset + len(raw)) * 8 // 6
        encoded = base64.b64encode(b"\0" * offset + raw).decode()[start:usable]
        forms |= {encoded, encoded.replace("+", "-").replace("/", "_")}
    return {form for form in forms if len(form) >= SHORTEST}
