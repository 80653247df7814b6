# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration of a machine: cards, cloud-init, tags, texts: written once, read back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest

import virtsim
from tests.contract.proxmox.test_trust_and_login import options
from tests.contract.support.child import Result, run_module

Start = Callable[..., virtsim.SimServer]
MAC = "BC:24:11:01:01:01"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBU6X4SpzvMYPWKHrNH2G0Bliq/U+R5DaI2y1/whRmuQ me@host"
OTHER_KEY = (
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE1yl7zhBitQdZq/5AkuU3idwucMMVZ7oMXqDzRZfqPI you@host"
)


def vm(sim: virtsim.SimServer, *, check: bool = False, **given: Any) -> Result:
    return run_module("proxmox_vm", options(sim, **{"vmid": 101, **given}), check=check)


def conf(sim: virtsim.SimServer) -> dict[str, Any]:
    return dict(sim.control.snapshot()["guests"]["101"]["conf"])


def set_conf(sim: virtsim.SimServer, **values: str) -> None:
    sim.simulator.state.guests[101].conf.update(values)


def rests(sim: virtsim.SimServer, **given: Any) -> None:
    sim.control.clear_journal()
    again = vm(sim, **given)
    assert not again.failed, again.json
    assert not again.changed, again.diff
    assert sim.control.writes() == []


def test_a_second_card_comes_with_an_address_and_goes_with_exact(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    cards: list[dict[str, Any]] = [
        {"slot": "net0"},
        {"slot": "net1", "bridge": "vmbr1", "vlan": 7, "mtu": 1},
    ]
    added = vm(sim, nics=cards)
    assert added.diff["after"] == {"nics[net1]": {"slot": "net1", **_shown(cards[1])}}
    assert added.object["nics"][0]["mac"] == MAC
    assert added.object["nics"][1]["mac"].startswith("BC:24:11:")
    rests(sim, nics=cards)
    assert vm(sim, nics=cards[:1], exact=True).diff["after"] == {"nics[net1]": None}
    assert "net1" not in conf(sim)
    rests(sim, nics=cards[:1], exact=True)


def _shown(card: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in card.items() if name != "slot"}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"model": "e1000"}, f"e1000={MAC},bridge=vmbr0,queues=4"),
        ({"bridge": "vmbr1"}, f"virtio={MAC},bridge=vmbr1,queues=4"),
        ({"vlan": 9}, f"virtio={MAC},bridge=vmbr0,queues=4,tag=9"),
        ({"link_down": True}, f"virtio={MAC},bridge=vmbr0,link_down=1,queues=4"),
        ({"mac": "02:00:00:00:00:01"}, "virtio=02:00:00:00:00:01,bridge=vmbr0,queues=4"),
    ],
)
def test_a_card_changes_in_one_part_only(
    proxmox_sim: Start, change: dict[str, Any], text: str
) -> None:
    sim = proxmox_sim()
    set_conf(sim, net0=f"virtio={MAC},bridge=vmbr0,queues=4")
    changed = vm(sim, nics=[{"slot": "net0", **change}])
    assert list(changed.diff["after"]) == [f"nics[net0].{next(iter(change))}"]
    assert conf(sim)["net0"] == text
    rests(sim, nics=[{"slot": "net0", **change}])


def test_cloud_init_is_written_and_read_back(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    args: dict[str, Any] = {
        "ci_user": "admin",
        "ci_ssh_keys": [KEY],
        "ci_addresses": [{"nic": "net0", "address": "192.0.2.9/24", "gateway": "192.0.2.1"}],
        "ci_nameservers": ["192.0.2.53", "192.0.2.54"],
        "ci_search_domain": "example.org",
    }
    assert vm(sim, **args).changed
    found = conf(sim)
    assert unquote(found["sshkeys"]) == KEY
    assert found["ipconfig0"] == "ip=192.0.2.9/24,gw=192.0.2.1"
    assert (found["nameserver"], found["searchdomain"]) == ("192.0.2.53 192.0.2.54", "example.org")
    rests(sim, **args)


def test_keys_are_added_and_with_exact_replaced(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    vm(sim, ci_ssh_keys=[KEY])
    vm(sim, ci_ssh_keys=[f"{OTHER_KEY}\n"])
    assert unquote(conf(sim)["sshkeys"]).split("\n") == [KEY, OTHER_KEY]
    rests(sim, ci_ssh_keys=[f"{OTHER_KEY}\n"])
    vm(sim, ci_ssh_keys=[OTHER_KEY], exact=True)
    assert unquote(conf(sim)["sshkeys"]) == OTHER_KEY
    vm(sim, ci_ssh_keys=[], exact=True)
    assert "sshkeys" not in conf(sim)


def test_a_password_is_written_once_unless_always(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    args: dict[str, Any] = {
        "vmid": 4321,
        "name": "fresh",
        "node": "pve1",
        "ci_password": "first-secret",
    }
    made = vm(sim, **args)
    first = sim.control.snapshot()["guests"]["4321"]["conf"]["cipassword"]
    other = {**args, "ci_password": "other-secret"}
    rests(sim, **other)
    always = vm(sim, **other, update_secrets="always")
    assert always.diff["after"] == {"ci_password": "(secret, changed)"}
    assert sim.control.snapshot()["guests"]["4321"]["conf"]["cipassword"] != first
    for result in (made, always):
        assert "-secret" not in result.stdout + result.stderr


def test_a_password_whose_write_got_lost_is_not_called_written(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    args: dict[str, Any] = {"ci_password": "first-secret", "update_secrets": "always"}
    sim.control.fault("reset_before", method="POST", path="/config")
    lost = vm(sim, **args)
    assert lost.failed
    assert "secret, which cannot be read back" in lost.error["message"]
    sim.control.fault("reset_after", method="POST", path="/config")
    assert vm(sim, **args).changed


def test_tags_are_added_and_with_exact_replaced(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    assert vm(sim, tags=["db"]).object["tags"] == ["db", "prod", "web"]
    rests(sim, tags=["db"])
    assert vm(sim, tags=["db"], exact=True).object["tags"] == ["db"]
    assert vm(sim, tags=[], exact=True).object["tags"] == []
    rests(sim, tags=[], exact=True)


def test_a_tag_that_the_server_lowers_is_the_same(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    rests(sim, tags=["Prod", "WEB"], exact=True)
    assert vm(sim, tags=["New"]).object["tags"] == ["new", "prod", "web"]
    rests(sim, tags=["New"])


@pytest.mark.parametrize("tag", ["two words", "a;b", "a,b", "-x", ""])
def test_what_is_no_tag_is_refused(proxmox_sim: Start, tag: str) -> None:
    sim = proxmox_sim()
    refused = vm(sim, tags=[tag], check=True)
    assert refused.kind == "validation"
    assert list(refused.error["fields"]) == [f"tags[{tag}]"]


@pytest.mark.parametrize(
    ("name", "text", "key"),
    [
        ("description", "why it is here", "description"),
        ("ci_user", "admin", "ciuser"),
        ("ci_search_domain", "example.org", "searchdomain"),
    ],
)
def test_a_text_is_emptied_and_rests(proxmox_sim: Start, name: str, text: str, key: str) -> None:
    sim = proxmox_sim()
    empty: dict[str, Any] = {name: ""}
    full: dict[str, Any] = {name: text}
    rests(sim, **empty)
    vm(sim, **full)
    assert conf(sim)[key] == text
    assert vm(sim, **empty).changed
    assert key not in conf(sim)
    rests(sim, **empty)


def test_what_the_server_means_by_silence_is_no_change(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    for key in ("cores", "memory"):
        del sim.simulator.state.guests[101].conf[key]
    rests(sim, cores=1, sockets=1, memory=512, bios="seabios", onboot=False, protection=False)


def test_the_agent_is_switched_and_its_other_options_stay(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    set_conf(sim, agent="enabled=0,fstrim_cloned_disks=1")
    assert vm(sim, agent=True).changed
    assert conf(sim)["agent"] == "1,fstrim_cloned_disks=1"
    rests(sim, agent=True)


def test_the_boot_order_is_kept_in_its_order(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    for order in (["net0", "scsi0"], ["scsi0", "net0"]):
        assert vm(sim, boot_order=order).changed
        assert conf(sim)["boot"] == f"order={';'.join(order)}"
        rests(sim, boot_order=order)
