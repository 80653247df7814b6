# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look for secrets in what a run left: plain, and in the encodings in which secrets leak.

Written anew on purpose, and not taken from the redaction that it checks.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from urllib.parse import quote, quote_plus


def forms(secret: str) -> set[bytes]:
    """Return a secret as it is and URL-encoded, JSON-encoded, in hex and anywhere in base64."""
    raw = secret.encode()
    found = {raw, quote(secret).encode(), quote(secret, safe="").encode()}
    found |= {quote_plus(secret).encode(), json.dumps(secret)[1:-1].encode()}
    found |= {raw.hex().encode(), raw.hex().upper().encode()}
    for shift in range(3):
        # Whole groups of four characters; the first and the last hold bits of their neighbours.
        skipped = 4 if shift else 0
        whole = base64.b64encode(b"\0" * shift + raw)[skipped:]
        core = whole[: len(whole) - 4]
        found |= {core, core.translate(bytes.maketrans(b"+/", b"-_"))}
    return found


def leaks(secrets: Iterable[str], texts: Mapping[str, bytes | str]) -> list[str]:
    """Return where which secret stands; the texts are named."""
    found = []
    for secret in secrets:
        for form in forms(secret):
            for name, text in texts.items():
                content = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
                if form in content:
                    found.append(f"{secret} as {form!r} in {name}")
    return found
