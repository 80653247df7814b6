# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""No form of a registered secret is left in what is returned."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote, quote_plus, unquote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.module_utils.engine.field import Field
from plugins.module_utils.engine.redact import Redactor, secrets_in

SECRET = 'p/ss wörd+&=ä"9'


def clean(value: object, *secrets: str) -> str:
    redactor = Redactor()
    for secret in secrets or (SECRET,):
        redactor.add(secret)
    return str(redactor.value(value))


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        f"https://u:{quote(SECRET)}@host",
        f"https://u:{quote(SECRET, safe='')}@host",
        f"https://u:{quote(SECRET, safe='').lower()}@host",
        f"?a=1&p={quote_plus(SECRET)}",
        urlencode({"p": SECRET}),
        json.dumps({"p": SECRET}),
        json.dumps({"p": SECRET}, ensure_ascii=False),
        repr({"p": SECRET}),
        repr([SECRET, "'"]),
        html.escape(SECRET),
        json.dumps(json.dumps(SECRET)),
        json.dumps(quote(SECRET)),
        unquote_plus(SECRET),
        base64.b64encode(urlencode({"p": SECRET, "q": "x"}).encode()).decode(),
        SECRET.encode().hex(),
        SECRET.encode().hex(":").upper(),
    ],
)
def test_text_forms_are_masked(text: str) -> None:
    """Red when a form is taken out of `_escaped` or `_forms`."""
    shown = clean({"a": [text], text: 1})
    assert "(secret)" in shown
    assert "wörd" not in shown
    assert "%2B%26" not in shown


@given(st.binary(max_size=9), st.binary(max_size=9))
def test_base64_is_masked_wherever_the_secret_stands_in_it(before: bytes, after: bytes) -> None:
    secret = "correct horse battery"
    whole = before + secret.encode() + after
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        shown = clean(encode(whole).decode(), secret)
        left = shown.split("(secret)")
        assert len(left) == 2
        for part in left:
            padded = part[: len(part) // 4 * 4]
            assert b"horse" not in base64.b64decode(padded, altchars=b"-_")


def test_the_lines_of_a_secret_are_masked_by_themselves() -> None:
    """Red when only the whole is known: a server says which line it does not like."""
    key = "MHcCAQEEIJ0o3uK5t3rGm9Yb8kQ4c1zVw2sXy7Lh"
    secret = f"#cloud-config\npassword: 'correct-horse'\nssh_keys:\n  private: |\n    {key}\n"
    assert clean(f"line 2: password: correct-horse, line 5: {key}", secret) == (
        "line 2: password: (secret), line 5: (secret)"
    )
    assert clean("metadata: #cloud-config ssh_keys:", secret) == "metadata: #cloud-config ssh_keys:"


def test_a_short_secret_is_masked_only_as_a_word() -> None:
    assert clean("web web-1 website", "web") == "(secret) (secret)-1 website"
    assert not Redactor().add("web")
    assert Redactor().add("")
    assert Redactor().add("long-enough")


def test_numbers_lists_and_nothing_keep_their_types() -> None:
    redactor = Redactor()
    redactor.add("1234567890")
    value = {"a": 1, "b": True, "c": None, "d": (1.5, "x"), "e": 1234567890}
    assert redactor.value(value) == {
        "a": 1,
        "b": True,
        "c": None,
        "d": [1.5, "x"],
        "e": "(secret)",
    }


def test_secrets_are_collected_however_deep() -> None:
    fields = (
        Field("password", secret=True, doc="x"),
        Field("env", dict, secret=True, doc="x"),
        Field("keys", list, elements=str, secret=True, doc="x"),
        Field("disks", list, elements=dict, doc="x", fields=(Field("k", secret=True, doc="x"),)),
        Field("agent", dict, doc="x", fields=(Field("k", secret=True, doc="x"),)),
        Field("open", doc="x"),
    )
    values = {
        "password": "one",
        "env": {"A": "two", "B": True},
        "keys": ["three", 4],
        "disks": [{"k": "five"}, {"k": None}, "odd"],
        "agent": {"k": "six"},
        "open": "seven",
    }
    assert set(secrets_in(fields, values)) == {"one", "two", "three", "4", "five", "six"}
