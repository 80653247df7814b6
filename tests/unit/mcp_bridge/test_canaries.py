# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Thirty secrets of the kinds that people have, in the forms in which they come back."""

from __future__ import annotations

import base64
import html
import json
import random
import string
from collections.abc import Callable
from urllib.parse import quote, quote_plus, unquote_plus

import pytest

from mcp_bridge.redact import MASK, Redactor

_CHANCE = random.Random(5)


def _letters(count: int, signs: str = "") -> str:
    return "".join(
        _CHANCE.choice(string.ascii_letters + string.digits + signs) for _ in range(count)
    )


_KEY = "\n".join(_letters(64, "+/") for _ in range(3))
_PEM = f"-----BEGIN PRIVATE KEY-----\n{_KEY}\n-----END PRIVATE KEY-----\n"
CANARIES: dict[str, str] = {
    **{
        f"password {signs!r}": _letters(6, signs) + signs + _letters(6)
        for signs in (
            "",
            "!",
            "/",
            "+",
            "%",
            "&",
            "=",
            '"',
            "'",
            "\\",
            "<>",
            " ",
            "ä",
            "日本",
            "😀",
            "{{",
            "\t",
        )
    },
    "token of proxmox": "6f1c1d3e-0f2a-4d3c-9a77-1234567890ab",
    "token of a service account": ".".join(_letters(30, "-_") for _ in range(3)),
    "key of cloudstack": _letters(86, "-_"),
    "totp": _letters(32),
    "bytes in hex": _CHANCE.randbytes(32).hex(),
    "bytes in base64": base64.b64encode(_CHANCE.randbytes(33)).decode(),
    "password of a url": quote(_letters(10, "@:/"), safe=""),
    "private key": _PEM,
    "public and private": f"{_letters(40)}\n{_letters(40)}",
    "cloud-init": f"#cloud-config\npassword: {_letters(14)}\nchpasswd: {{expire: false}}\n",
    "cloud-init with a key": f"#cloud-config\nssh_keys:\n  rsa_private: |\n{_PEM}",
    "kubeconfig": f"users:\n- name: a\n  user:\n    token: {_letters(40)}\n"
    f"    client-key-data: {_letters(80, '+/')}\n",
    "environment": f"USER=web\nDB_PASSWORD='{_letters(18)}'\n",
}
FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "url": lambda text: quote(text, safe=""),
    "url with slashes": quote,
    "url in small letters": lambda text: "".join(
        part.lower() if part.startswith("%") else part for part in _percents(quote(text, safe=""))
    ),
    "form": quote_plus,
    "url twice": lambda text: quote(quote(text, safe=""), safe=""),
    "json": lambda text: json.dumps(text)[1:-1],
    "json of others": lambda text: json.dumps(text, ensure_ascii=False)[1:-1].replace("/", "\\/"),
    "json of go": lambda text: json.dumps(text, ensure_ascii=False)[1:-1]
    .replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"),
    "json in json": lambda text: json.dumps(json.dumps(text)[1:-1])[1:-1],
    "url in json": lambda text: json.dumps(quote(text))[1:-1],
    "html": html.escape,
    "html in json": lambda text: json.dumps(html.escape(text))[1:-1],
    "python": lambda text: repr(text)[1:-1],
    "python with quotes": lambda text: repr([text + "\"'"])[2:-5],
    "word of a shell": lambda text: text.replace("'", "'\"'\"'"),
    "yaml": lambda text: text.replace("'", "''"),
    "decoded too often": unquote_plus,
    "hex": lambda text: text.encode().hex(),
    "hex in capitals": lambda text: text.encode().hex().upper(),
    "hex with colons": lambda text: text.encode().hex(":"),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 after others": lambda text: base64.b64encode(b"user:" + text.encode()).decode(),
    "base64 between others": lambda text: base64.b64encode(b"ab" + text.encode() + b"x").decode(),
    "url in base64": lambda text: encoded(f"password={quote_plus(text)}&a=b"),
    "json in base64": lambda text: encoded(json.dumps([text])),
    "url in hex": lambda text: quote(text, safe="").encode().hex(),
    "base64 of a url": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
}  # fmt: skip


def encoded(text: str) -> str:
    """Return a text in base64."""
    return base64.b64encode(text.encode()).decode()


def _percents(text: str) -> list[str]:
    first, *rest = text.split("%")
    return [first, *(piece for part in rest for piece in (f"%{part[:2]}", part[2:]))]


def test_there_are_thirty() -> None:
    assert len(set(CANARIES.values())) == 30


@pytest.mark.parametrize("form", sorted(FORMS))
@pytest.mark.parametrize("name", sorted(CANARIES))
def test_a_secret_is_masked_in_every_form(name: str, form: str) -> None:
    """Red when a form is taken out of `_escaped`, or the shifts out of `_base64_inside`."""
    secret = CANARIES[name]
    shown = FORMS[form](secret)
    cleaned = Redactor([secret]).known(f'{{"before": "{shown}", "after": 7}}')
    assert cleaned.startswith('{"before": "') and cleaned.endswith('", "after": 7}')
    assert MASK in cleaned
    # Two bytes at each edge of base64 may stay, and what stood beside the secret.
    rest = cleaned[len('{"before": "') : -len('", "after": 7}')].replace(MASK, "")
    beside = {"url in base64": 24, "json in base64": 12}.get(form, 12 if "base64" in form else 0)
    assert len(rest) <= beside, cleaned


@pytest.mark.parametrize(
    "name", ["private key", "cloud-init", "cloud-init with a key", "kubeconfig", "environment"]
)
def test_what_is_secret_in_a_secret_of_lines_is_masked_by_itself(name: str) -> None:
    """Red when only the whole is known: a server echoes one line of it."""
    redactor = Redactor([CANARIES[name]])
    for line in CANARIES[name].splitlines():
        shown = redactor.text(f"refused: {line}")
        for word in line.replace("'", " ").split():
            if len(word) >= 14 and any(sign.isdigit() for sign in word):
                assert word not in shown, shown
    assert redactor.text("the password of #cloud-config and ssh_keys: expire: false, USER=web") == (
        "the password of #cloud-config and ssh_keys: expire: false, USER=web"
    )


def test_a_long_secret_is_masked_too() -> None:
    """What is very long is not looked for encoded twice; encoded once it is."""
    secret = _letters(5000, "+/")
    for form in ("plain", "url", "json of others", "hex", "base64 between others"):
        cleaned = Redactor([secret]).text(f"x {FORMS[form](secret)} y")
        assert MASK in cleaned and len(cleaned) < 40, form
