# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bridge over HTTPS with a login, and an issuer that shows all that it is asked."""

from __future__ import annotations

import json
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import requests
import trustme

from tests.mcp.conftest import until
from tests.security.canary_world import World
from tests.security.secret_kinds import BRIDGE, MARK

RESOURCE = "https://127.0.0.1/mcp"
_REVISION = "2026-07-28"
_META = {
    "io.modelcontextprotocol/protocolVersion": _REVISION,
    "io.modelcontextprotocol/clientInfo": {"name": MARK, "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


class _Issuer(BaseHTTPRequestHandler):
    """Knows one token; for every other it fails with what it was sent."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        (token,) = parse_qs(body)["token"]
        good = token == BRIDGE["bearer token"]
        claims = {
            "active": True, "sub": "alice", "client_id": MARK, "aud": RESOURCE,
            "scope": "vb:read vb:plan vb:apply", "exp": int(time.time()) + 600,
        }  # fmt: skip
        self.send_response(200 if good else 500, None if good else "no token")
        self.end_headers()
        shown = json.dumps({"headers": dict(self.headers), "body": body})
        self.wfile.write((json.dumps(claims) if good else shown).encode())

    def log_message(self, *_arguments: object) -> None:
        """Say nothing on the error output of the tests."""


@contextmanager
def issuer() -> Iterator[str]:
    """Give the address of an issuer."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Issuer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def configure(made: World, address: str) -> None:
    """Let the bridge ask for tokens, and have TLS of its own."""
    authority = trustme.CA()
    leaf = authority.issue_cert("127.0.0.1")
    key = leaf.private_key_pem.bytes().decode()
    made.kinds.made["bridge: tls key"] = key
    authority.cert_pem.write_to_path(str(made.bridge.folder / "ca.pem"))
    (made.bridge.folder / "cert.pem").write_bytes(leaf.cert_chain_pems[0].bytes())
    made.bridge.config |= {
        "server": {
            "public_url": RESOURCE,
            "tls": {"cert_file": "cert.pem", "key_file": made.file("tls.key", key)},
        },
        "auth": {
            "issuer": address,
            "introspection": {
                "url": f"{address}/introspect", "client_id": "bridge",
                "client_secret_file": made.file("client.secret", BRIDGE["introspection"]),
            },
        },
        "identity": {"mode": "service"},
    }  # fmt: skip


def talked(made: World, log: Path) -> list[bytes]:
    """Return all that a served bridge answers: a good token, a bad one, and one in the address."""
    with log.open("ab") as errors:
        process = subprocess.Popen(
            [*made.bridge.command(), "-v", "serve", "--http", "127.0.0.1:0"],
            env=made.environment, cwd=made.bridge.folder, stdout=errors, stderr=errors,
        )  # fmt: skip
    try:
        said = re.compile(rb"serves MCP on (https://[\d.]+:\d+/mcp)")
        until(lambda: said.search(log.read_bytes()) or process.poll() is not None, 60)
        found = said.search(log.read_bytes())
        assert found, log.read_text()
        url = found[1].decode()
        answers = [
            _asked(made, url, BRIDGE["bearer token"], 200),
            _asked(made, url, BRIDGE["bearer token that is refused"], 503),
            _asked(made, f"{url}?access_token={BRIDGE['bearer token in an address']}", "", 400),
        ]
        assert b"web1" in answers[0]
        return answers
    finally:
        process.terminate()
        process.wait(30)


def _asked(made: World, url: str, token: str, status: int) -> bytes:
    params: dict[str, Any] = {"name": "vm_list", "arguments": {"targets": [MARK]}, "_meta": _META}
    login = {"Authorization": f"Bearer {token}"} if token else {}
    answer = requests.post(
        url,
        json={"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params},
        headers={
            "Accept": "application/json, text/event-stream", "Mcp-Method": "tools/call",
            "MCP-Protocol-Version": _REVISION, "Mcp-Name": "vm_list", **login,
        },
        verify=str(made.bridge.folder / "ca.pem"),
        timeout=60,
    )  # fmt: skip
    assert answer.status_code == status, answer.text
    return str(answer.headers).encode() + answer.content
