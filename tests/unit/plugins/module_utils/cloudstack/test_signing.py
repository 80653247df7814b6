# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures, against those that Java's own encoder gave."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from plugins.module_utils.cloudstack import signing

VECTORS = Path(__file__).resolve().parents[5].parent / "shared" / "vectors" / "cloudstack"


def test_every_recorded_signature_is_made() -> None:
    file = VECTORS / "signatures.jsonl"
    if not file.exists():
        pytest.skip(f"no recorded signatures at {file}")
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    for row in rows:
        assert signing.string_to_sign(row["params"]) == row["string_to_sign"]
        assert signing.signature(row["params"], row["secret"]) == row["signature"]
    assert any("~" in "".join(row["params"].values()) for row in rows)


def test_the_form_decodes_to_what_was_signed() -> None:
    given = {"command": "x", "details[0].a": "~*+ &=%ü", "empty": ""}
    sent = dict(parse_qsl(signing.body(given, "secret"), keep_blank_values=True))
    assert {name: value for name, value in sent.items() if name != "signature"} == given
