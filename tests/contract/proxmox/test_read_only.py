# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must not happen: a write through a read-only client, another address for a card."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import virtsim
from plugins.module_utils.engine.errors import InternalError
from plugins.module_utils.engine.resource import Access
from plugins.module_utils.proxmox.platform import PLATFORM
from tests.contract.proxmox.test_trust_and_login import options
from tests.contract.support.child import run_module

Start = Callable[..., virtsim.SimServer]


def test_a_read_only_client_sends_no_write(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    access = Access(
        read_only=True, warn=print, secret=lambda _text: None, record=lambda _operation: None
    )
    with PLATFORM.connect(options(sim), access) as client:
        with pytest.raises(InternalError, match="read-only"):
            client.write("POST", "/nodes/pve1/qemu/101/status/start")
        assert client.get("/version")
    assert [row["method"] for row in sim.control.journal()] == ["GET"]


def test_a_card_keeps_its_address_when_something_else_of_it_changes(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    seen = run_module("proxmox_vm_info", options(sim, vmid=101, details=True))
    before = seen.json["objects"][0]["nics"][0]["mac"]
    changed = run_module(
        "proxmox_vm", options(sim, vmid=101, nics=[{"slot": "net0", "firewall": True}])
    )
    assert changed.changed, changed.json
    assert changed.object["nics"][0]["mac"] == before
