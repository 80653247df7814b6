# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls that carry secrets: to platforms that work, and to platforms that show all they get."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.security.canary_world import World
from tests.security.secret_kinds import (
    ANSWERS,
    CLOUDSTACK,
    KUBEVIRT,
    MARK,
    PROXMOX,
    encoded,
    machine_body,
    secret_body,
)
from tests.security.spoken import Spoken
from tests.unit.mcp_bridge.test_canaries import FORMS

Asked = tuple[str, dict[str, Any]]


def _raw(target: str, operation: str, **args: Any) -> Asked:
    return "tool_call", {"operation": operation, "target": target, "args": args}


def _proxmox() -> Iterator[Asked]:
    """Yield calls whose arguments are secrets, by each login."""
    new = {"name": "fresh", "node": "pve1", "ci_password": PROXMOX["ci_password"]}
    for target in (MARK, "px-password"):
        yield "tool_call", {"operation": "proxmox_vm", "target": target, "args": new, "check": True}
        yield "tool_call", {"operation": "proxmox_vm", "target": target, "args": new}
    for target in ("px-env", "px-vault", "px-totp"):
        yield "vm_list", {"targets": [target]}
    agent = "proxmox:POST /nodes/{node}/qemu/{vmid}/agent/set-user-password"
    guest = {"username": "root", "password": PROXMOX["guest's password"]}
    yield _raw("px-password", agent, node="pve1", vmid=100, **guest)
    yield _raw(MARK, agent, node="pve1", vmid=100, **guest)
    user = {"userid": "new@pve", "password": PROXMOX["user's password"]}
    yield _raw(MARK, "proxmox:POST /access/users", **user)
    key = {"certificates": "-", "key": PROXMOX["certificate's key"]}
    yield _raw(MARK, "proxmox:POST /nodes/{node}/certificates/custom", node="pve1", **key)
    share = {"storage": "new", "type": "cifs", "server": "a", "share": "b", "username": "c"}
    yield _raw(MARK, "proxmox:POST /storage", **share, password=PROXMOX["storage's password"])


def _answered() -> Iterator[Asked]:
    """Yield calls that a platform answers with a secret of its own."""
    named = {"userid": "root@pam", "tokenid": "new"}
    yield _raw(MARK, "proxmox:POST /access/users/{userid}/token/{tokenid}", **named)
    place = {"node": "pve1", "vmid": 100}
    yield _raw(MARK, "proxmox:POST /nodes/{node}/qemu/{vmid}/vncproxy", **place)
    yield _raw("cs", "cloudstack:createSSHKeyPair", name="new")
    yield _raw("cs", "cloudstack:registerUserKeys", id="x")
    read = {"operation": "kubevirt:get core/Secret", "target": "kv"}
    yield "tool_read", {**read, "args": {"namespace": "default", "name": "read"}}
    yield "tool_read", {"operation": "kubevirt:list core/Secret", "target": "kv"}


def _cloudstack(stopped: str) -> Iterator[Asked]:
    new = {"target": "cs", "name": "fresh", "size": "small", "networks": ["lab-net"]}
    data = CLOUDSTACK["user data"]
    for image in ("ubuntu-24.04", "debian-12"):
        yield "vm_create", {**new, "image": image, "user_data": data}
    password = CLOUDSTACK["password that is reset"]
    reset = "cloudstack:resetPasswordForVirtualMachine"
    yield _raw("cs", reset, id=stopped, password=password)
    peer = {"cidrlist": "10.0.0.0/8", "gateway": "192.0.2.1", "esppolicy": "a", "ikepolicy": "b"}
    gateway = "cloudstack:createVpnCustomerGateway"
    yield _raw("cs", gateway, **peer, ipsecpsk=CLOUDSTACK["vpn"])
    certificate = {"name": "x", "certificate": "-"}
    key = CLOUDSTACK["key of a certificate"]
    yield _raw("cs", "cloudstack:uploadSslCert", **certificate, privatekey=key)


def _kubevirt() -> Iterator[Asked]:
    image = "docker://quay.io/containerdisks/fedora:latest"
    new = {"target": "kv", "name": "fresh", "memory_mib": 1024, "image": image}
    yield "vm_create", {**new, "user_data": KUBEVIRT["user data"]}
    for target in ("kv-cert", "kv-config"):
        yield "vm_list", {"targets": [target]}
    written = secret_body(stringData={"hello": KUBEVIRT["Secret that is written"]})
    yield _raw("kv", "kubevirt:create core/Secret", namespace="default", body=written)
    patch = {"data": {"hello": encoded(KUBEVIRT["Secret that is patched"])}}
    place = {"namespace": "default", "name": "greeting"}
    yield _raw("kv-cert", "kubevirt:patch core/Secret", **place, body=patch)
    machine = "kubevirt:create kubevirt.io/VirtualMachine"
    yield _raw("kv-cert", machine, namespace="default", body=machine_body("raw"))
    at = {"namespace": "default", "name": "raw"}
    yield "tool_read", {
        "operation": "kubevirt:get kubevirt.io/VirtualMachine", "target": "kv-cert", "args": at
    }  # fmt: skip
    yield "vm_get", {"ref": "kv-cert/default/raw", "raw": True}


def mistakes() -> Iterator[Asked]:
    """Yield calls that are refused for a secret in the wrong form, under a wrong name or place."""
    new = {"target": "cs", "name": "fresh"}
    yield "vm_create", {**new, "user_data": [CLOUDSTACK["user data"]]}
    yield "vm_create", {**new, "user_data": {"password": CLOUDSTACK["password that is reset"]}}
    args = {"name": "x", "ci_password": [PROXMOX["ci_password"]]}
    yield "tool_call", {"operation": "proxmox_vm", "target": MARK, "args": args}
    user = {"userid": ["x"], "pasword": PROXMOX["user's password"]}
    yield _raw(MARK, "proxmox:POST /access/users", **user)


def healthy(spoken: Spoken, world: World) -> list[dict[str, Any]]:
    """Make all calls while the platforms work; return the answers."""
    listed = spoken.ask("vm_list", fields=["name", "ref"])
    bodies = [listed]
    for tool, arguments in asked(world.bridge.table(listed)):
        bodies.append(spoken.ask(tool, **arguments))
    for platform, answers in ANSWERS.items():
        for path, content in answers.items():
            world.sims[platform].control.fault(
                "status", path=path, count=0, status=200, json=content
            )
    bodies += [spoken.ask(tool, **arguments) for tool, arguments in _answered()]
    token = PROXMOX["token of a file"]
    names = sorted({encode(token) for encode in FORMS.values()})
    shown = [
        {"type": "qemu", "vmid": 100 + at, "id": f"qemu/{100 + at}", "node": "pve1",
         "status": "running", "name": name}
        for at, name in enumerate(names)
    ]  # fmt: skip
    control = world.sims["proxmox"].control
    control.fault("status", path="/cluster/resources", count=0, status=200, json={"data": shown})
    bodies.append(spoken.ask("vm_list", targets=[MARK], fields=["name", "ref"]))
    assert len(shown) > 20 and bodies[-1]["page"]["total"] == len(shown), bodies[-1]
    return [*bodies, *(spoken.ask(tool, **given) for tool, given in mistakes())]


def echoing(
    spoken: Spoken, world: World, rows: list[dict[str, Any]], *, as_text: bool
) -> list[dict[str, Any]]:
    """Make the same calls of platforms that show the whole request in an error."""
    for sim in world.sims.values():
        sim.control.clear_faults()
        sim.control.fault("echo", count=0, text=as_text)
    bodies = [spoken.ask(tool, **arguments) for tool, arguments in asked(rows)]
    for sim in world.sims.values():
        sim.control.clear_faults()
    return bodies


def asked(rows: list[dict[str, Any]]) -> list[Asked]:
    """Return all calls of platforms; ``rows`` are their machines."""
    stopped = next(r["ref"] for r in rows if r["ref"].startswith("cs/") and r["name"] == "web2")
    return [*_proxmox(), *_cloudstack(stopped.split("/")[2]), *_kubevirt()]


def looked_up(spoken: Spoken, bodies: list[dict[str, Any]]) -> None:
    """Ask for all that is known of what ran."""
    for body in bodies:
        if body.get("run_id"):
            spoken.ask("run_get", run_id=body["run_id"], show="log")
            spoken.ask("run_get", run_id=body["run_id"])
    spoken.ask("audit_query")
    spoken.ask("target_list", probe=True)
