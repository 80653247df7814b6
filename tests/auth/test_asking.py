# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an issuer may answer when it is asked about a token, or for its keys."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from mcp_bridge.auth import IssuerSilent, TokenRefused, Verifier, open_verifier
from mcp_bridge.config_auth import Auth, Introspection
from mcp_bridge.doctor import examine
from mcp_bridge.errors import ConfigInvalid
from tests.auth.conftest import RESOURCE, Idp


class Issuer(ThreadingHTTPServer):
    """Answers whatever it is told to, and counts."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.status, self.content, self.asked = 200, b"", 0


class _Answer(BaseHTTPRequestHandler):
    server: Issuer

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    def do_GET(self) -> None:
        self.server.asked += 1
        self.send_response(self.server.status)
        self.send_header("Location", self.server.url)
        self.send_header("Content-Length", str(len(self.server.content)))
        self.end_headers()
        self.wfile.write(self.server.content)

    def log_message(self, *_args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    server = Issuer()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def asking(issuer: Issuer, tmp_path: Path) -> Verifier:
    secret = tmp_path / "secret"
    secret.touch(mode=0o600)
    secret.write_text("s3cret")
    at = Introspection(url=issuer.url, client_id="bridge", client_secret_file=secret)
    return open_verifier(Auth(issuer="https://idp.example.org", introspection=at), RESOURCE)


def _known(**claims: Any) -> dict[str, Any]:
    return {
        "active": True, "iss": "https://idp.example.org", "aud": RESOURCE, "sub": "alice",
        "exp": time.time() + 60, "scope": "vb:read", **claims,
    }  # fmt: skip


def test_an_answer_counts_for_some_seconds_and_for_its_token_only(
    issuer: Issuer, asking: Verifier
) -> None:
    issuer.content = json.dumps(_known()).encode()
    assert asking.verify("one").subject == "alice"
    assert asking.verify("one").subject == "alice"
    assert issuer.asked == 1
    issuer.content = json.dumps(_known(sub="bob")).encode()
    assert asking.verify("two").subject == "bob"
    assert asking.verify("one").subject == "alice"
    assert issuer.asked == 2


def test_an_answer_counts_no_longer_than_its_token(issuer: Issuer, asking: Verifier) -> None:
    """Red when an answer is believed after the token has expired."""
    for lives in (0.3, 3.0, 30.0):
        issuer.content = json.dumps(_known(exp=time.time() + lives)).encode()
        # Where the answer was slower than that, a token may live longer.
        with suppress(TokenRefused):
            asking.verify(f"one of {lives} s")
            break
    deadline = time.monotonic() + lives + 5
    with pytest.raises(TokenRefused, match="expired"):
        while time.monotonic() < deadline:
            asking.verify(f"one of {lives} s")


@pytest.mark.parametrize(
    ("claims", "says"),
    [
        ({"active": False}, "does not know it"),
        ({"active": "true"}, "does not know it"),
        ({"active": 1}, "does not know it"),
        ({"iss": "https://evil.example.org"}, "another issuer"),
        ({"aud": None}, "another server"),
        ({"aud": f"{RESOURCE}/"}, "another server"),
        ({"aud": ["x"]}, "another server"),
        ({"exp": None}, "expired"),
        ({"exp": True}, "expired"),
        ({"exp": "9999999999"}, "expired"),
        ({"exp": 1}, "expired"),
        ({"nbf": 99_999_999_999}, "not valid yet"),
        ({"sub": None}, "whose it is"),
        ({"sub": None, "client_id": 7}, "whose it is"),
        ({"cnf": {}}, "bound to a key"),
    ],
)
def test_an_answer_that_does_not_vouch_for_it_is_a_refusal(
    issuer: Issuer, asking: Verifier, claims: dict[str, Any], says: str
) -> None:
    """Red for each check that is left out."""
    issuer.content = json.dumps(_known(**claims)).encode()
    with pytest.raises(TokenRefused, match=says):
        asking.verify("one")


def test_a_token_of_a_client_is_its_clients(issuer: Issuer, asking: Verifier) -> None:
    claims = _known(client_id="robot")
    del claims["sub"], claims["iss"]
    issuer.content = json.dumps(claims).encode()
    assert asking.verify("one").principal == "oauth:https://idp.example.org#robot"


@pytest.mark.parametrize("status", [302, 401, 403, 429, 500])
def test_an_issuer_that_does_not_answer_the_question_says_nothing(
    issuer: Issuer, asking: Verifier, status: int
) -> None:
    issuer.status, issuer.content = status, json.dumps(_known()).encode()
    with pytest.raises(IssuerSilent, match=str(status)):
        asking.verify("one")
    assert issuer.asked == 1


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"x" * 70_000])
def test_an_answer_of_another_form_says_nothing(
    issuer: Issuer, asking: Verifier, content: bytes
) -> None:
    issuer.content = content
    with pytest.raises(IssuerSilent, match="no usable answer"):
        asking.verify("one")


@pytest.mark.parametrize("content", [b"", b"{", b'{"keys": []}', b'{"keys": [{"kty": "x"}]}'])
def test_keys_of_another_form_say_nothing(issuer: Issuer, idp: Idp, content: bytes) -> None:
    issuer.content = content
    auth = Auth(issuer=idp.issuer, jwks_url=issuer.url)
    verifier = open_verifier(auth, RESOURCE)
    for _time in range(3):
        with pytest.raises(IssuerSilent, match="keys cannot be read"):
            verifier.verify(idp.forged())
    assert issuer.asked == 1


def test_tokens_with_unknown_keys_do_not_make_it_ask_each_time(issuer: Issuer, idp: Idp) -> None:
    import requests

    issuer.content = requests.get(f"{idp.issuer}/jwks", timeout=40).content
    verifier = open_verifier(Auth(issuer=idp.issuer, jwks_url=issuer.url), RESOURCE)
    verifier.verify(idp.forged())
    for number in range(20):
        with pytest.raises(TokenRefused, match="no such key"):
            verifier.verify(idp.forged(kid=f"x{number}"))
    verifier.verify(idp.forged())
    assert issuer.asked == 1


def test_whether_it_can_be_asked_is_known_without_a_token(
    issuer: Issuer, asking: Verifier, idp: Idp
) -> None:
    issuer.content = b'{"active": false}'
    asking.reach()
    issuer.status = 401
    with pytest.raises(IssuerSilent, match="401"):
        asking.reach()
    open_verifier(Auth(issuer=idp.issuer, jwks_url=f"{idp.issuer}/jwks"), RESOURCE).reach()
    for wrong in (issuer.url, "http://127.0.0.1:9/jwks"):
        with pytest.raises(IssuerSilent):
            open_verifier(Auth(issuer=idp.issuer, jwks_url=wrong), RESOURCE).reach()


def test_the_doctor_asks_too(tmp_path: Path, idp: Idp, issuer: Issuer) -> None:
    file = tmp_path / "virtbridge.yml"
    for place, level in ((f"{idp.issuer}/jwks", "ok"), (issuer.url, "fail")):
        file.write_text(
            f"server: {{public_url: '{RESOURCE}'}}\n"
            f"auth: {{issuer: '{idp.issuer}', jwks_url: '{place}'}}\n"
        )
        found = {each.name: each for each in examine(file, None, rehearse=False)}
        assert found["login"].verdict == level


def test_an_empty_secret_is_said(tmp_path: Path, issuer: Issuer) -> None:
    secret = tmp_path / "secret"
    secret.touch(mode=0o600)
    at = Introspection(url=issuer.url, client_id="bridge", client_secret_file=secret)
    with pytest.raises(ConfigInvalid, match="it is empty"):
        open_verifier(Auth(issuer="https://i.example.org", introspection=at), RESOURCE)
