# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tokens are good: those of the issuer, for this server, in time, and no others."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
import requests
import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.auth.conftest import KEY, RESOURCE, SCOPES, SECRET, SERVE, Guarded, Idp, configure
from tests.mcp.conftest import Bridge

Starter = Callable[..., Guarded]
METADATA = "https://vb.example.org/.well-known/oauth-protected-resource/mcp"
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PUBLIC = KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)


class _Hmac(jwt.algorithms.HMACAlgorithm):
    """What an attacker would use: the library itself refuses a public key as a secret."""

    def prepare_key(self, key: Any) -> bytes:
        return bytes(key)


def _confused(idp: Idp) -> str:
    """Return a token signed with the issuer's public key as if it were a shared secret."""
    signer = jwt.PyJWS()
    signer.unregister_algorithm("HS256")
    signer.register_algorithm("HS256", _Hmac(_Hmac.SHA256))
    claims = jwt.decode(idp.forged(), options={"verify_signature": False})
    headers = {"kid": "one", "typ": "at+jwt"}
    return signer.encode(json.dumps(claims).encode(), PUBLIC, "HS256", headers)


BAD: dict[str, Callable[[Idp], str]] = {
    "garbage": lambda _idp: "x.y.z",
    "not a JWT": lambda _idp: "opaque",
    "too long": lambda _idp: "a" * 20_000,
    "expired": lambda idp: idp.forged(exp=int(time.time()) - 60),
    "not valid yet": lambda idp: idp.forged(nbf=int(time.time()) + 600),
    "never expires": lambda idp: idp.forged(exp=None),
    "for another server": lambda idp: idp.forged(aud="https://other.example.org/mcp"),
    "for no server": lambda idp: idp.forged(aud=None),
    "for a longer address": lambda idp: idp.forged(aud=f"{RESOURCE}/x"),
    "of another issuer": lambda idp: idp.forged(iss="https://evil.example.org"),
    "of nobody": lambda idp: idp.forged(sub=None),
    "of an empty name": lambda idp: idp.forged(sub=""),
    "bound to a key": lambda idp: idp.forged(cnf={"jkt": "x"}),
    "unsigned": lambda idp: idp.forged(key=None, algorithm="none"),
    "signed with the public key": _confused,
    "signed by another": lambda idp: idp.forged(key=OTHER),
    "with an unknown key": lambda idp: idp.forged(key=OTHER, kid="two"),
    "with no key named": lambda idp: idp.forged(kid=None),
    "signed in a way not allowed": lambda idp: idp.forged(algorithm="RS512"),
}


def test_tokens_that_are_not_good_are_refused(bridge: Bridge, idp: Idp, guarded: Starter) -> None:
    """Red when `verify` leaves out the audience, the issuer, or the list of algorithms."""
    server = guarded(bridge, idp)
    assert server.session(idp.token("vb:read")).send("tools/list").status_code == 200
    assert server.session(idp.forged()).send("tools/list").status_code == 200
    for name, make in BAD.items():
        token = make(idp)
        answer = server.session(token).send("tools/list")
        assert answer.status_code == 401, name
        challenge = answer.headers["www-authenticate"]
        assert 'error="invalid_token"' in challenge, name
        assert f'resource_metadata="{METADATA}"' in challenge, name
        assert token[:60] not in answer.text, name
    other = idp.token("vb:read", resource="https://other.example.org/mcp")
    assert server.session(other).send("tools/list").status_code == 401


def test_who_has_no_token_learns_where_to_log_in(
    bridge: Bridge, idp: Idp, guarded: Starter
) -> None:
    server = guarded(bridge, idp)
    answer = server.session(None).send("tools/list")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == (
        f'Bearer resource_metadata="{METADATA}", scope="vb:read"'
    )
    base = server.url.removesuffix("/mcp")
    for path in ("/.well-known/oauth-protected-resource/mcp",
                 "/.well-known/oauth-protected-resource"):  # fmt: skip
        document = requests.get(base + path, timeout=40).json()
        assert document["resource"] == RESOURCE
        assert document["authorization_servers"] == [idp.issuer]
        assert document["scopes_supported"] == SCOPES
        assert document["bearer_methods_supported"] == ["header"]
    login = {"Authorization": f"Basic {idp.token('vb:read')}"}
    assert server.session(None).send("tools/list", headers=login).status_code == 401


def test_a_token_in_the_address_is_refused_whatever_else_is_there(
    bridge: Bridge, idp: Idp, guarded: Starter
) -> None:
    server, token = guarded(bridge, idp), idp.token("vb:read")
    for given in (None, token):
        answer = server.session(given).send("tools/list", query=f"?access_token={token}")
        assert answer.status_code == 400
        assert 'error="invalid_request"' in answer.headers["www-authenticate"]


def test_what_a_foreign_web_page_could_send_is_refused_with_a_token_too(
    bridge: Bridge, idp: Idp, guarded: Starter
) -> None:
    bridge.config["server"] = {"allowed_origins": ["https://console.example.org"]}
    server = guarded(bridge, idp)
    session = server.session(idp.token("vb:read"))

    def status(headers: dict[str, str], **params: Any) -> int:
        return session.send("tools/list", headers=headers, **params).status_code

    assert status({"Host": "evil.example.org"}) == 421
    assert status({"Origin": "https://evil.example.org"}) == 403
    assert status({"Origin": "null"}) == 403
    assert status({}, junk="x" * (5 << 20)) == 413
    assert status({"Host": "vb.example.org"}) == 200
    assert status({"Host": "vb.example.org:443"}) == 200
    assert status({"Origin": "https://vb.example.org"}) == 200
    assert status({"Origin": "https://console.example.org"}) == 200

    def asked(origin: str) -> requests.Response:
        asks = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        return requests.options(server.url, headers=asks, timeout=40)

    allowed = asked("https://console.example.org")
    assert allowed.headers["access-control-allow-origin"] == "https://console.example.org"
    assert "access-control-allow-origin" not in asked("https://evil.example.org").headers


def test_a_silent_issuer_is_no_reason_to_log_in_again(
    bridge: Bridge, tmp_path: Any, guarded: Starter
) -> None:
    """Keys that were read stay good for minutes; without any the answer is to come back later."""
    provider = Idp(tmp_path)
    token = provider.token("vb:read")
    first, second = guarded(bridge, provider), guarded(bridge, provider)
    assert first.session(token).send("tools/list").status_code == 200
    provider.stop()
    assert first.session(token).send("tools/list").status_code == 200
    answer = second.session(token).send("tools/list")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert second.session("x.y.z").send("tools/list").status_code == 401


@pytest.fixture
def opaque(tmp_path: Any) -> Any:
    provider = Idp(tmp_path, "opaque")
    yield provider
    provider.stop()


def test_the_issuer_is_asked_about_opaque_tokens(
    bridge: Bridge, opaque: Idp, guarded: Starter, tmp_path: Any
) -> None:
    """Red when the audience of an introspected token is not looked at."""
    secret = bridge.folder / "client.secret"
    secret.touch(mode=0o600)
    secret.write_text(f"{SECRET}\n")
    asking = {
        "url": f"{opaque.issuer}/token/introspection", "client_id": "bridge",
        "client_secret_file": "client.secret",
    }  # fmt: skip
    server = guarded(bridge, opaque, introspection=asking)
    good = opaque.token("vb:read")
    assert "vm_list" in server.session(good).tools()
    other = opaque.token("vb:read", resource="https://other.example.org/mcp")
    for token in ("never-made", other, opaque.forged(), good + "x"):
        assert server.session(token).send("tools/list").status_code == 401
    assert server.session(opaque.token("vb:approve")).send("tools/list").status_code == 403
    opaque.stop()
    assert server.session(good).send("tools/list").status_code == 200
    assert server.session("never-made").send("tools/list").status_code == 503


def test_a_secret_that_others_may_read_is_not_used(bridge: Bridge, idp: Idp) -> None:
    (bridge.folder / "client.secret").write_text(SECRET)
    (bridge.folder / "client.secret").chmod(0o644)
    asking = {"url": f"{idp.issuer}/x", "client_id": "a", "client_secret_file": "client.secret"}
    configure(bridge, idp, introspection=asking)
    done = start(bridge)
    assert done.returncode == 2
    assert "auth.introspection.client_secret_file" in done.stderr
    assert "chmod 600" in done.stderr


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"jwks_url": None}, "auth: expected either jwks_url or introspection"),
        ({"issuer": "http://idp.example.org"}, "auth.issuer: expected an address"),
        ({"algorithms": ["HS256"]}, "auth.algorithms[0]: expected 'RS256'"),
        ({"algorithms": ["none"]}, "auth.algorithms[0]: expected 'RS256'"),
        ({"required_scopes": "vb:all"}, "auth.required_scopes: expected scopes of vb:read"),
        ({"ca_file": "missing.pem"}, "auth.ca_file: the file cannot be used: No such file"),
        ({"realm": "x"}, "auth.realm: unknown key"),
    ],
)
def test_a_login_that_cannot_work_is_said_at_the_start(
    bridge: Bridge, idp: Idp, change: dict[str, Any], says: str
) -> None:
    configure(bridge, idp, **change)
    bridge.config["auth"] = {k: v for k, v in bridge.config["auth"].items() if v is not None}
    done = start(bridge)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_the_server_ends_tls_itself_when_told(bridge: Bridge, idp: Idp, guarded: Starter) -> None:
    authority = trustme.CA()
    made = authority.issue_cert("127.0.0.1")
    made.cert_chain_pems[0].write_to_path(bridge.folder / "cert.pem")
    made.private_key_pem.write_to_path(bridge.folder / "key.pem")
    (bridge.folder / "key.pem").chmod(0o600)
    authority.cert_pem.write_to_path(bridge.folder / "ca.pem")
    bridge.config["server"] = {"tls": {"cert_file": "cert.pem", "key_file": "key.pem"}}
    server = guarded(bridge, idp)
    assert server.url.startswith("https://")
    answer = requests.post(server.url, verify=str(bridge.folder / "ca.pem"), timeout=40)
    assert answer.status_code == 401
    (bridge.folder / "key.pem").chmod(0o644)
    assert "chmod 600" in start(bridge).stderr
    (bridge.folder / "key.pem").chmod(0o600)
    (bridge.folder / "key.pem").write_text("no key")
    done = start(bridge)
    assert (done.returncode, "server.tls: cannot be used" in done.stderr) == (2, True)
    assert "Traceback" not in done.stderr


def test_no_auth_and_a_login_are_not_both_meant(bridge: Bridge, idp: Idp) -> None:
    configure(bridge, idp)
    assert "leave one out" in start(bridge, "--no-auth").stderr


def start(bridge: Bridge, *flags: str) -> subprocess.CompletedProcess[str]:
    """Return how a server ended that does not start."""
    return subprocess.run(
        bridge.command(*SERVE, *flags), env=bridge.environment, cwd=bridge.folder,
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
