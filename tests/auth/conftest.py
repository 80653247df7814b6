# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real identity provider, and servers that ask for its tokens."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from tests.conformance.test_official_suite import NODE, ROOT
from tests.mcp.conftest import Bridge, Http

PROVIDER = ROOT / "build/conformance/node_modules/oidc-provider/lib/index.js"
RESOURCE = "https://vb.example.org/mcp"
SCOPES = ["vb:read", "vb:plan", "vb:apply", "vb:admin", "vb:approve"]
PEOPLE = ("alice", "bob", "bridge")
SERVE = ("serve", "--http", "127.0.0.1:0")
SECRET = "s3cret/+ of a client"
REVISION = "2026-07-28"
META = {
    "io.modelcontextprotocol/protocolVersion": REVISION,
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
BACK = "http://127.0.0.1:9/back"
DESK = {
    "client_id": "desk", "redirect_uris": [BACK], "response_types": ["code"],
    "grant_types": ["authorization_code"], "token_endpoint_auth_method": "none",
    "application_type": "native",
}  # fmt: skip
"""A client on somebody's desk: it has no secret, and logs a person in."""
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what needs the provider where it is not installed."""
    if not PROVIDER.exists():
        for item in items:
            if item.path.parent == Path(__file__).parent:
                item.add_marker(pytest.mark.skip(reason="not installed: make build/node.stamp"))


class Idp:
    """The provider as a process of its own; its signing key is also the tests'."""

    def __init__(self, folder: Path, kind: str = "jwt") -> None:
        key = RSAAlgorithm.to_jwk(KEY, as_dict=True) | {"kid": "one", "use": "sig", "alg": "RS256"}
        client = {"redirect_uris": [], "response_types": [], "grant_types": ["client_credentials"]}
        people = [client | {"client_id": each, "client_secret": SECRET} for each in PEOPLE]
        people.append(DESK)
        given = {"keys": [key], "clients": people, "scopes": SCOPES, "format": kind}
        file = folder / "idp.json"
        file.write_text(json.dumps(given))
        self.process = subprocess.Popen(
            [str(NODE), str(Path(__file__).with_name("idp.mjs")), str(PROVIDER), str(file)],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.issuer = self.process.stdout.readline().strip()
        assert self.issuer.startswith("http://127.0.0.1:")

    def token(self, scope: str, who: str = "alice", resource: str = RESOURCE) -> str:
        """Return a token that the provider itself made."""
        form = {"grant_type": "client_credentials", "scope": scope, "resource": resource}
        answer = requests.post(f"{self.issuer}/token", data=form, auth=_encoded(who), timeout=60)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def forged(self, *, key: Any = KEY, algorithm: str = "RS256", kid: str | None = "one",
               **claims: Any) -> str:  # fmt: skip
        """Return a token like the provider's, but for what is given; None leaves a claim out."""
        now = int(time.time())
        body = {
            "iss": self.issuer, "sub": "alice", "aud": RESOURCE, "exp": now + 600, "iat": now,
            "scope": "vb:read", "client_id": "alice", **claims,
        }  # fmt: skip
        body = {name: value for name, value in body.items() if value is not None}
        headers = {"typ": "at+jwt"} | ({"kid": kid} if kid else {})
        return jwt.encode(body, key, algorithm, headers)

    def stop(self) -> None:
        self.process.terminate()
        self.process.communicate(timeout=40)


def _encoded(who: str) -> tuple[str, str]:
    return who, requests.utils.quote(SECRET, safe="")


class Session:
    """What one holder of a token sends, in the revision without sessions."""

    def __init__(self, url: str, token: str | None) -> None:
        self.url, self.token = url, token

    def send(self, method: str, query: str = "", headers: dict[str, str] | None = None,
             **params: Any) -> requests.Response:  # fmt: skip
        name = {"Mcp-Name": params["name"]} if "name" in params else {}
        login = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return requests.post(
            self.url + query,
            json={"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": META}},
            headers={
                "Accept": "application/json, text/event-stream", "Mcp-Method": method,
                "MCP-Protocol-Version": REVISION, **name, **login, **(headers or {}),
            },
            timeout=60,
        )  # fmt: skip

    def tools(self) -> list[str]:
        return [tool["name"] for tool in result(self.send("tools/list"))["tools"]]

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Return the envelope of a call that is let through."""
        answer = self.send("tools/call", name=tool, arguments=arguments)
        body: dict[str, Any] = result(answer)["structuredContent"]
        return body


def result(answer: requests.Response) -> dict[str, Any]:
    """Return the result of an answer, whichever of its two forms it has."""
    assert answer.status_code == 200, answer.text
    text = answer.text
    if "event-stream" in answer.headers["content-type"]:
        lines = [line for line in text.splitlines() if line.startswith("data:")]
        text = lines[-1].removeprefix("data:")
    body: dict[str, Any] = json.loads(text)
    assert "result" in body, body
    return dict(body["result"])


class Guarded(Http):
    """A server that asks for tokens of a provider."""

    def __init__(self, bridge: Bridge, idp: Idp, **auth: Any) -> None:
        configure(bridge, idp, **auth)
        self.start(bridge, bridge.command(*SERVE))

    def session(self, token: str | None) -> Session:
        return Session(self.url, token)


def configure(bridge: Bridge, idp: Idp, **auth: Any) -> None:
    """Make a bridge ask for the tokens of a provider."""
    bridge.config["server"] = {"public_url": RESOURCE} | bridge.config.get("server", {})
    keys = {} if "introspection" in auth else {"jwks_url": f"{idp.issuer}/jwks"}
    bridge.config["auth"] = {"issuer": idp.issuer} | keys | auth
    bridge.config.setdefault("identity", {"mode": "service"})


@pytest.fixture
def bridge(tmp_path: Path) -> Bridge:
    """Return a bridge without targets."""
    folder = tmp_path / "virtbridge"
    folder.mkdir(mode=0o700)
    return Bridge(folder)


@pytest.fixture(scope="module")
def idp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Idp]:
    provider = Idp(tmp_path_factory.mktemp("idp"))
    yield provider
    provider.stop()


@pytest.fixture
def guarded() -> Iterator[Callable[..., Guarded]]:
    """Start servers that end with the test."""
    with ExitStack() as running:

        def start(*given: Any, **auth: Any) -> Guarded:
            return running.enter_context(Guarded(*given, **auth))

        yield start
