# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A person logs in at the provider (authorization code with PKCE), and its client calls."""

from __future__ import annotations

import base64
import hashlib
import secrets
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import anyio
import httpx2
import jwt
import pytest
import requests
from mcp import Client
from mcp.client.auth.oauth2 import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata

from tests.auth.conftest import BACK, DESK, RESOURCE, Idp
from tests.auth.test_login import Known, Wallet
from tests.mcp.conftest import Bridge
from virtsim import SimServer

ABOUT = OAuthClientMetadata.model_validate(
    {key: value for key, value in DESK.items() if key != "client_id"}
)


def _person(url: str, name: str) -> dict[str, str]:
    """Follow an authorization request as the browser of a person; return what comes back of it."""
    browser, url = requests.Session(), f"{url}&login_hint={name}"
    for _step in range(10):
        answer = browser.get(url, allow_redirects=False, timeout=20)
        assert answer.status_code in (302, 303), answer.text
        url = requests.compat.urljoin(url, answer.headers["location"])
        if url.startswith(BACK):
            return {key: values[0] for key, values in parse_qs(urlsplit(url).query).items()}
    raise AssertionError("the provider goes round in circles")


class Desk(Wallet):
    """Keeps what the client was given, and knows who the client is."""

    async def get_client_info(self) -> Any:
        return OAuthClientInformationFull.model_validate(DESK)


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
def test_a_person_logs_in_and_its_client_calls(
    bridge: Bridge, idp: Idp, proxmox_sim: Callable[..., SimServer], mode: Any
) -> None:
    """Red when the token is made for another resource, or the caller is the client."""
    bridge.add("lab", proxmox_sim())
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}/mcp"
    bridge.config["server"] = {"public_url": url}
    sent: list[dict[str, list[str]]] = []
    came: list[dict[str, str]] = []

    async def redirected(address: str) -> None:
        sent.append(parse_qs(urlsplit(address).query))
        came.append(await anyio.to_thread.run_sync(_person, address, "ann"))

    async def back() -> AuthorizationCodeResult:
        return AuthorizationCodeResult(
            code=came[-1]["code"], state=came[-1]["state"], iss=came[-1].get("iss")
        )

    async def talk() -> dict[str, Any]:
        wallet = Desk()
        login = OAuthClientProvider(url, ABOUT, wallet, redirected, back)
        async with httpx2.AsyncClient(auth=login, timeout=30) as http:
            with anyio.fail_after(60):
                async with Client(
                    streamable_http_client(url, http_client=http), mode=mode
                ) as client:
                    body = await bridge.answer(client, "vm_list")
        claims = jwt.decode((await wallet.get_tokens()).access_token,
                            options={"verify_signature": False})  # fmt: skip
        assert (claims["aud"], claims["sub"], claims["client_id"]) == (url, "ann", "desk")
        return body

    with Known(bridge, idp):
        assert anyio.run(talk)["ok"]
    (asked,) = sent
    assert (asked["code_challenge_method"], asked["resource"]) == (["S256"], [url])
    assert {row["principal"] for row in bridge.audit("intent")} == {f"oauth:{idp.issuer}#ann"}


def test_a_code_is_nothing_without_its_verifier(idp: Idp) -> None:
    """The provider that the tests trust keeps what the bridge relies on."""
    verifier = secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    asking = {
        "client_id": "desk", "response_type": "code", "redirect_uri": BACK, "scope": "vb:read",
        "resource": RESOURCE, "state": "x",
    }  # fmt: skip
    challenge = {
        "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    refused = _person(f"{idp.issuer}/auth?{urlencode(asking)}", "ann")
    assert (refused["error"], "code" in refused) == ("invalid_request", False)
    for given, status in ((secrets.token_urlsafe(48), 400), (verifier, 200)):
        code = _person(f"{idp.issuer}/auth?{urlencode(asking | challenge)}", "ann")["code"]
        form = {
            "grant_type": "authorization_code", "client_id": "desk", "redirect_uri": BACK,
            "code": code, "code_verifier": given, "resource": RESOURCE,
        }  # fmt: skip
        answer = requests.post(f"{idp.issuer}/token", data=form, timeout=20)
        assert answer.status_code == status, answer.text
