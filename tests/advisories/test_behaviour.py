# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What advisories of others are about, tried on a bridge that runs, and not read in its source."""

from __future__ import annotations

import os
import socket
import stat
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from mcp_bridge.catalog import Catalog
from mcp_bridge.operations import Operations
from mcp_bridge.runner.workspace import base_folder
from mcp_bridge.scopes import LOCAL
from mcp_bridge.tools.spec import Caller
from tests.faults.served import Served
from tests.mcp.conftest import Bridge, Http
from tests.security.spoken import Looking
from tests.security.stopped import stopped
from virtsim import SimServer, start

CALLER = Caller("os:test", "test", LOCAL)
WORD = f"word-of-a-caller-{os.getpid()}"
_TEXTS = (
    f"-e@{WORD}", f"; touch {WORD}", f"$(touch {WORD})",
    f"{{{{ lookup('pipe', 'touch {WORD}') }}}}",
)  # fmt: skip
_GALAXY = (b"ansible-galaxy", b"ansible-pull", b"git\0clone", b"pip\0install")


@pytest.fixture
def lab(bridge: Bridge) -> Iterator[tuple[Bridge, SimServer]]:
    with start("proxmox", seed="small") as sim:
        bridge.add("lab", sim)
        yield bridge, sim


@pytest.fixture
def base(bridge: Bridge) -> Path:
    """Return where the bridge makes the folders of its runs."""
    return base_folder(bridge.folder.parent / "state/virtbridge")


@pytest.mark.timeout(300)
def test_ghsa_wmg3_h8mf_wgvr_no_process_gets_a_word_of_a_caller(
    lab: tuple[Bridge, SimServer], base: Path, tmp_path: Path
) -> None:
    """GHSA-wmg3-h8mf-wgvr, CVE-2025-59377, CVE-2025-6514 (arguments in a command line), and
    CVE-2026-11332, CVE-2023-5115 (what a project asks for is installed), CVE-2024-11079 (a text
    becomes a template).

    Red when an argument is passed to Ansible as an extra variable."""
    bridge, sim = lab
    bridge.config["runner"] = {"executor": "local-cold"}
    for name in ("collections", "roles"):
        (bridge.folder / name).mkdir()
        (bridge.folder / name / "requirements.yml").write_text("collections: [a.b]\nroles: [c]\n")
    with (
        Looking(base, str(bridge.folder.parent)) as looking,
        closing(Served(bridge, "cold")) as served,
    ):
        for text in _TEXTS:
            args = {"vmid": 101, "description": text}
            body = served.asked("tool_call", operation="proxmox_vm", target="lab", args=args)
            assert body["status"] == "changed", body
        served.asked("vm_list", name=_TEXTS[0])
    written = [row["params"].get("description") for row in sim.control.writes()]
    assert written == list(_TEXTS)
    shown = b"\n".join(looking.processes.values())
    assert WORD.encode() not in shown
    # Others on this machine may install what they want.
    ours = b"\n".join(looking.ours)
    # The commands of the runs were seen, so what they are not given would have been.
    assert b"ansible-playbook" in ours and b"guard.py" in ours
    assert not [each for each in _GALAXY if each in ours]
    assert not list(tmp_path.rglob(WORD)) and not Path(WORD).exists()


def test_cve_2021_3701_others_get_into_no_folder_of_a_run(
    lab: tuple[Bridge, SimServer], base: Path
) -> None:
    """CVE-2021-3701, CVE-2021-3702, CVE-2021-4041. Red when a run's folder is made with the
    process's umask."""
    bridge, _sim = lab
    bridge.command()
    modes: dict[str, int] = {}
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.005):
            for place in (base, *base.glob("*")):
                with suppress(OSError):
                    status = place.lstat()
                    modes[str(place)] = status.st_mode
                    assert status.st_uid == os.geteuid()

    watching = threading.Thread(target=look)
    watching.start()
    try:
        before = os.umask(0)
        assert bridge.call("vm_list")["ok"]
    finally:
        os.umask(before)
        over.set()
        watching.join(10)
    runs = [mode for place, mode in modes.items() if Path(place).parent == base]
    assert any(stat.S_ISDIR(mode) for mode in runs), modes
    assert [oct(mode) for mode in modes.values() if stat.S_IMODE(mode) & 0o077] == []


def test_basher83_proxmoxmcp_2_an_unknown_certificate_gets_no_credential(
    lab: tuple[Bridge, SimServer],
) -> None:
    """basher83/ProxmoxMCP #2 and others: certificates unverified. Red when trust is off unless
    it is asked for."""
    bridge, sim = lab
    del bridge.targets["lab"]["ca_file"]
    body = bridge.call("vm_list")
    assert not body["ok"] and "certificate" in body["error"]["message"].lower(), body
    assert sim.control.journal() == []


def test_cve_2026_59950_no_path_becomes_a_websocket(bridge: Bridge) -> None:
    """CVE-2026-59950: a WebSocket without a check of its origin."""
    with Http(bridge) as http:
        address = urlsplit(http.url)
        for path in ("/mcp", "/ws", "/", "/messages", "/sse"):
            request = (
                f"GET {path} HTTP/1.1\r\nHost: {address.netloc}\r\nUpgrade: websocket\r\n"
                "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            )
            assert address.hostname and address.port
            with socket.create_connection((address.hostname, address.port), 20) as connection:
                connection.sendall(request.encode())
                status = int(connection.recv(4096).split()[1])
            assert 400 <= status < 500, (path, status)


def test_cve_2025_68143_a_path_is_refused_by_every_tool(tmp_path: Path) -> None:
    """CVE-2025-68143, -68144, -68145 (mcp-server-git): free paths as arguments."""
    with ExitStack() as running:
        tools, stops, _audit = stopped(tmp_path, running)
        for tool in tools.tools:
            for name in ("path", "file", "repo_path", "cwd"):
                body: dict[str, Any] = tools.call(tool.name, {name: "/etc/passwd"}, CALLER).body
                assert body["error"]["code"] == "invalid_args", (tool.name, body)
                assert f'unknown argument "{name}"' in body["error"]["message"]
        assert stops.jobs == []


def test_azure_mcp_kubernetes_126_a_look_into_a_guest_is_no_read_and_is_audited(
    tmp_path: Path,
) -> None:
    """Azure/mcp-kubernetes #126, mtclab/proxmox-mcp #33: such calls were reads, or not audited."""
    agent = "proxmox:POST /nodes/{node}/qemu/{vmid}/agent/"
    guest = {"node": "pve1", "vmid": 100}
    with ExitStack() as running:
        tools, stops, audit = stopped(tmp_path, running)
        for name, more in (
            ("exec", {"command": ["id"]}),
            ("file-write", {"file": "/x", "content": "x"}),
            ("set-user-password", {"username": "root", "password": WORD}),
        ):
            call = {"operation": f"{agent}{name}", "target": "lab", "args": {**guest, **more}}
            body: dict[str, Any] = tools.call("tool_read", call, CALLER).body
            assert body["error"]["code"] == "invalid_args", body
            body = tools.call("tool_call", call, CALLER).body
            assert body["error"]["code"] == "denied_by_policy", body
        assert stops.jobs == []
        lines = audit.path.read_text()
    assert lines.count('"event":"refused"') + lines.count('"event": "refused"') == 3
    assert WORD not in lines
    assert Operations(Catalog()).get(f"{agent}exec").base_risk != "read"
