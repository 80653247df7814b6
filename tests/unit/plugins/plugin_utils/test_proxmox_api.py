# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A raw Proxmox VE call as the controller checks it, against what the real server said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils.engine.errors import Unsupported, ValidationFailed, VirtbridgeError
from plugins.plugin_utils.api import looked_up

VECTORS = Path(__file__).resolve().parents[4].parent / "shared" / "vectors" / "proxmox"
# Parameters that came after the release of the catalog.
NEWER = {"val-01831"}


def resolve(**arguments: Any) -> dict[str, Any]:
    return looked_up("proxmox_api", arguments)


def refusal(**arguments: Any) -> ValidationFailed:
    with pytest.raises(ValidationFailed) as caught:
        resolve(**arguments)
    return caught.value


def test_what_the_server_accepts_is_never_refused() -> None:
    file = VECTORS / "validation.jsonl"
    if not file.exists():
        pytest.skip(f"no recorded answers at {file}")
    refused, caught, wrong = [], 0, 0
    for line in file.read_text(encoding="utf-8").splitlines():
        recorded = json.loads(line)
        try:
            resolve(**{name: recorded[name] for name in ("method", "path", "params")})
        except VirtbridgeError as error:
            caught += not recorded["ok"]
            if recorded["ok"] and recorded["id"] not in NEWER:
                refused.append((recorded["id"], error.message))
        wrong += not recorded["ok"]
    print(f"{caught} of {wrong} wrong calls were refused before sending")
    assert refused == []
    assert caught > wrong * 0.6


def test_a_concrete_path_becomes_an_operation() -> None:
    resolved = resolve(path="/nodes/pve1/qemu/100/config", method="PUT", params={"memory": 1024})
    assert resolved["operation"] == {
        "path": "/nodes/pve1/qemu/100/config",
        "risk": "write",
        "hidden": [],
        "since": "4.x",
    }
    assert resolved["params"] == {"memory": 1024}


def test_placeholders_are_filled_from_the_parameters() -> None:
    params = {"node": "pve1", "vmid": 100, "onboot": "yes"}
    resolved = resolve(path="/nodes/{node}/qemu/{vmid}/config", method="PUT", params=params)
    assert resolved["operation"]["path"] == "/nodes/pve1/qemu/100/config"
    assert resolved["params"] == {"onboot": True}


def test_a_value_in_a_path_stays_one_segment() -> None:
    params = {"node": "pve1", "storage": "local", "volume": "local:iso/a b.iso"}
    path = "/nodes/{node}/storage/{storage}/content/{volume}"
    resolved = resolve(path=path, method="DELETE", params=params)
    expected = "/nodes/pve1/storage/local/content/local%3Aiso%2Fa%20b.iso"
    assert resolved["operation"]["path"] == expected


def test_what_stands_last_in_a_path_may_hold_slashes() -> None:
    path = "/nodes/pve1/storage/local/content/local:iso/a.iso"
    assert resolve(path=path)["operation"]["path"].endswith("/local%3Aiso%2Fa.iso")


def test_a_websocket_is_refused() -> None:
    with pytest.raises(Unsupported, match="websocket"):
        resolve(path="/nodes/pve1/qemu/100/vncwebsocket", params={"port": 5900, "vncticket": "x"})


def test_what_is_of_several_types_is_the_servers_to_check() -> None:
    params = {"protocol": "ospf", "delete": ["area"]}
    path = "/cluster/sdn/fabrics/fabric/lab"
    assert resolve(path=path, method="PUT", params=params)["params"]["delete"] == ["area"]


def test_a_truth_is_no_number() -> None:
    error = refusal(path="/nodes/pve1/qemu/100/config", method="PUT", params={"cores": True})
    assert "not true or false" in error.fields["params.cores"]


@pytest.mark.parametrize(
    ("params", "risk"),
    [
        ({"memory": 512}, "write"),
        ({"delete": "net1"}, "destructive"),
        ({"protection": False}, "disruptive"),
        ({"protection": "no"}, "disruptive"),
        ({"protection": True}, "write"),
    ],
)
def test_parameters_raise_the_risk(params: dict[str, Any], risk: str) -> None:
    resolved = resolve(path="/nodes/pve1/qemu/100/config", method="PUT", params=params)
    assert resolved["operation"]["risk"] == risk


def test_secret_parameters_are_parted_from_the_others() -> None:
    params = {"userid": "ann@pve", "password": "correct-horse"}
    resolved = resolve(path="/access/users", method="POST", params=params)
    assert resolved["params"] == {"userid": "ann@pve"}
    assert resolved["secret_params"] == {"password": "correct-horse"}


def test_all_mistakes_are_named_at_once() -> None:
    params = {"vmidd": 100, "memory": {"a": 1}, "onboot": "maybe", "bios": "efi"}
    error = refusal(path="/nodes/pve1/qemu", method="POST", params=params)
    fields = ["bios", "memory", "onboot", "vmid", "vmidd"]
    assert sorted(error.fields) == [f"params.{name}" for name in fields]
    assert "did you mean vmid?" in error.fields["params.vmidd"]


@pytest.mark.parametrize(
    ("arguments", "option", "hint"),
    [
        ({"path": "/nodes/pve1/qemo/100"}, "path", "did you mean /nodes/{node}/qemu/{vmid}?"),
        ({"path": "/version", "method": "PUT"}, "method", "it has GET"),
        ({"path": "version"}, "path", "not 'version'"),
        ({"path": "/version", "operation": {"risk": "read"}}, "operation", "leave it unset"),
        ({"path": "/version", "params": ["a"]}, "params", "must be a mapping"),
    ],
)
def test_a_wrong_call_says_what_is_right(arguments: dict[str, Any], option: str, hint: str) -> None:
    error = refusal(**arguments)
    assert list(error.fields) == [option]
    assert hint in error.message
