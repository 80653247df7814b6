# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is answered to a line that is no message of JSON-RPC: the SDK passes over it in silence."""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError

_NO_JSON, _NO_MESSAGE = -32700, -32600
_UNREAD = {"json_invalid", "string_unicode"}
_LARGEST_ID = 1 << 53
# Where pydantic has found it: the kind of the message, and its part.
_OF_THE_WHOLE = 2


def refusal(error: Exception) -> dict[str, Any] | None:
    """Return the error to answer with, None where nothing was said.

    It has the id of its request wherever that can be read, so that a client does not wait for
    ever: Python reads a lone surrogate, which the SDK's parser does not. It shows nothing of what
    was sent.
    """
    if not isinstance(error, ValidationError):
        return None
    problems = error.errors(include_url=False)
    first = problems[0]
    if first["type"] not in _UNREAD:
        # Of the kinds of messages that it is not, one lacks a part of the whole.
        whole = [each["input"] for each in problems if len(each["loc"]) == _OF_THE_WHOLE]
        known = [number for number in map(_id_of, whole) if number is not None]
        text = "This is no message of JSON-RPC 2.0."
        return _error(_NO_MESSAGE, text, known[0] if known else None)
    line = str(first["input"])
    if not line.strip():
        return None
    text = f"{first['msg']}. A line is one message, as JSON in UTF-8, without lone surrogates."
    try:
        return _error(_NO_JSON, text, _id_of(json.loads(line)))
    except (ValueError, RecursionError):
        return _error(_NO_JSON, text, None)


def _error(code: int, text: str, number: int | str | None) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": text}}


def _id_of(message: Any) -> int | str | None:
    """Return the id of what is a request; that of an answer is not the client's to wait for."""
    if not isinstance(message, dict) or "method" not in message:
        return None
    number = message.get("id")
    if isinstance(number, str):
        return number if number.isascii() else None
    if isinstance(number, int) and not isinstance(number, bool) and abs(number) <= _LARGEST_ID:
        return number
    return None
