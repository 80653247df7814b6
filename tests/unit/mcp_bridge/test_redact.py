# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets leave in no encoding, under no key and in no known shape; plain words stay."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_bridge.redact import MASK, Redactor, is_secret_key

SECRET = "p\u00e4ss w/ö+rd&\"7'=%"


@pytest.mark.parametrize(
    "encoded",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        repr(SECRET)[1:-1],
        SECRET.encode().hex(),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
    ],
)
def test_a_known_value_is_masked_in_every_encoding(encoded: str) -> None:
    cleaned = Redactor([SECRET]).text(f"before {encoded} after")
    assert encoded not in cleaned and MASK in cleaned
    assert cleaned.startswith("before ") and cleaned.endswith(" after")


@given(st.binary(max_size=9), st.binary(max_size=9))
def test_a_known_value_is_masked_wherever_it_stands_in_base64(before: bytes, after: bytes) -> None:
    secret = "0123456789-abcdefghij"
    text = base64.b64encode(before + secret.encode() + after).decode()
    cleaned = Redactor([secret]).text(text)
    assert MASK in cleaned
    # What stays can stand for the neighbours, and for two bytes of the secret at each edge.
    neighbours = len(before) + len(after) + 4
    assert len(cleaned.replace(MASK, "").rstrip("=")) <= neighbours * 8 / 6 + 2


@pytest.mark.parametrize(
    ("key", "secret"),
    [
        ("password", True),
        ("api_token_secret", True),
        ("apiKey", True),
        ("secretKey", True),
        ("CSRFPreventionToken", True),
        ("cipassword", False),
        ("Authorization", True),
        ("token_secret_file", False),
        ("token_id", False),
        ("update_secrets", False),
        ("passwords", True),
        ("name", False),
        ("keyboard", False),
        ("private_key", True),
    ],
)
def test_a_key_tells_by_its_name(key: str, secret: bool) -> None:
    assert is_secret_key(key) is secret


def test_values_under_secret_keys_go_but_flags_and_gaps_stay() -> None:
    given_body = {
        "password": "x",
        "token": ["a", {"b": 1}],
        "secret": None,
        "otp": "",
        "ticket": True,
    }
    assert Redactor().clean(given_body) == {
        "password": MASK,
        "token": MASK,
        "secret": None,
        "otp": "",
        "ticket": True,
    }


@pytest.mark.parametrize(
    "text",
    [
        "PVEAPIToken=root@pam!vb=6f1c1d3e-0000-4000-8000-1234567890ab",
        "PVE:root@pam:65F0C2A1::abcDEF012+/=",
        "Authorization: Bearer abcdef.ghijkl-123",
        "Basic cm9vdDpzZWNyZXQ=",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "https://user:hunter2@pve.example.org/api2",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nMIIE and cut off",
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str) -> None:
    cleaned = Redactor().text(text)
    assert MASK in cleaned
    for part in ("6f1c1d3e", "abcDEF", "ghijkl", "cm9vd", "c2lnb", "hunter2", "MIIE"):
        assert part not in cleaned


def test_short_values_are_masked_only_where_they_stand_alone() -> None:
    redactor = Redactor(["web", "", "  "])
    assert redactor.clean({"a": "web", "b": "web-prod", "c": ""}) == {
        "a": MASK,
        "b": "web-prod",
        "c": "",
    }


def test_known_masks_known_values_and_nothing_else() -> None:
    redactor = Redactor(["0123456789"])
    body = {"password": "Bearer abcdefghij", "0123456789": ["x0123456789x", 7, True, None]}
    assert redactor.known(body) == {
        "password": "Bearer abcdefghij",
        MASK: [f"x{MASK}x", 7, True, None],
    }


def test_numbers_and_strange_values_do_not_pass_unseen() -> None:
    class Odd:
        pass

    cleaned = Redactor(["1234567890"]).clean({"pin": 1234567890, "n": 5, "odd": Odd(), 3: "x"})
    assert cleaned == {"pin": MASK, "n": 5, "odd": MASK, "3": "x"}


values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@settings(max_examples=40, deadline=None)
@given(values)
def test_cleaning_never_fails_and_cleaning_twice_changes_nothing_more(value: Any) -> None:
    redactor = Redactor(["0123456789", "abcdefgh"])
    once = redactor.clean(value)
    assert redactor.clean(once) == once
