# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""Sign a CloudStack request as the server verifies it (ApiServer.verifyRequest, 4.20). Pure.

Names are sorted as sent, values are encoded as Java's URLEncoder does with a space as %20, the
joined string is lower-cased and signed with HMAC-SHA1. Java leaves only ``A-Za-z0-9.-*_`` bare:
an encoder that leaves ``~`` bare too, as Python's does, gives 401 for values that hold one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import quote


def encode(text: str) -> str:
    """Return a value as it is signed and sent."""
    return quote(text, safe="*").replace("~", "%7E")


def string_to_sign(parameters: Mapping[str, str]) -> str:
    """Return what is signed: every parameter but the signature."""
    named = sorted(parameters.items())
    return "&".join(f"{name}={encode(value)}" for name, value in named).lower()


def signature(parameters: Mapping[str, str], secret: str) -> str:
    """Return the signature of a request's parameters, in base64."""
    signed = hmac.new(secret.encode(), string_to_sign(parameters).encode(), hashlib.sha1)
    return base64.b64encode(signed.digest()).decode()


def body(parameters: Mapping[str, str], secret: str) -> str:
    """Return the form to send, with its signature."""
    signed = {**parameters, "signature": signature(parameters, secret)}
    return "&".join(f"{quote(name, safe='')}={encode(value)}" for name, value in signed.items())
