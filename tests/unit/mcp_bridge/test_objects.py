# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What arguments tell of the object of a call, over modules, platforms and raw operations."""

from __future__ import annotations

from typing import Any

import pytest

from mcp_bridge.tools.objects import facts_found, subject_of

ID = "849f6d62-f9a0-56c9-a2d2-40f112252fcf"


def about(module: str, arguments: dict[str, Any], platform: str, operation: str = "") -> Any:
    return subject_of(module, arguments, "lab", platform, operation)


@pytest.mark.parametrize(
    ("module", "arguments", "platform", "ref"),
    [
        ("vm", {"ref": "lab/-/100"}, "proxmox", "lab/-/100"),
        ("vm_power", {"ref": f"lab/-/{ID}"}, "cloudstack", f"lab/-/{ID}"),
        ("vm_snapshot", {"ref": "lab/apps/web"}, "kubevirt", "lab/apps/web"),
        ("vm_info", {"ref": "lab/apps/web"}, "kubevirt", "lab/apps/web"),
        ("proxmox_vm", {"vmid": 100}, "proxmox", "lab/-/100"),
        ("proxmox_vm_snapshot", {"vmid": 100, "name": "snap"}, "proxmox", "lab/-/100"),
        ("cloudstack_instance_power", {"id": ID}, "cloudstack", f"lab/-/{ID}"),
        ("cloudstack_instance_snapshot", {"instance_id": ID}, "cloudstack", f"lab/-/{ID}"),
        ("kubevirt_vm", {"namespace": "apps", "name": "web"}, "kubevirt", "lab/apps/web"),
        (
            "kubevirt_vm_snapshot",
            {"namespace": "apps", "vm_name": "web", "name": "snap"},
            "kubevirt",
            "lab/apps/web",
        ),
    ],
)
def test_modules_name_their_machine(
    module: str, arguments: dict[str, Any], platform: str, ref: str
) -> None:
    subject = about(module, arguments, platform)
    assert subject.look == {"ref": ref}
    assert subject.about["ref"] == (ref,)
    if platform == "kubevirt":
        assert subject.about["namespace"] == ("apps",) and subject.about["name"] == ("web",)
    else:
        assert "name" not in subject.about and "tags" not in subject.about
    assert subject.name is None


@pytest.mark.parametrize(
    ("platform", "operation", "arguments", "ref"),
    [
        (
            "proxmox",
            "proxmox:DELETE /nodes/{node}/qemu/{vmid}",
            {"params": {"node": "pve1", "vmid": 100}},
            "lab/-/100",
        ),
        (
            "proxmox",
            "proxmox:POST /nodes/{node}/qemu/{vmid}/status/stop",
            {"params": {"vmid": "100"}},
            "lab/-/100",
        ),
        ("proxmox", "proxmox:DELETE /nodes/{node}/lxc/{vmid}", {"params": {"vmid": 100}}, None),
        ("proxmox", "proxmox:DELETE /pools", {"params": {"poolid": "x"}}, None),
        ("cloudstack", "cloudstack:destroyVirtualMachine", {"params": {"id": ID}}, f"lab/-/{ID}"),
        ("cloudstack", "cloudstack:deleteNetwork", {"params": {"id": ID}}, None),
        (
            "cloudstack",
            "cloudstack:attachVolume",
            {"params": {"id": "v", "virtualmachineid": ID}},
            f"lab/-/{ID}",
        ),
        ("cloudstack", "cloudstack:deleteTags", {"params": {"resourceids": [ID]}}, f"lab/-/{ID}"),
        ("cloudstack", "cloudstack:deleteTags", {"params": {"resourceids": f"{ID},b"}}, None),
        (
            "kubevirt",
            "kubevirt:delete kubevirt.io/VirtualMachine",
            {"kind": "VirtualMachine", "verb": "delete", "namespace": "a", "name": "b"},
            "lab/a/b",
        ),
        (
            "kubevirt",
            "kubevirt:deletecollection kubevirt.io/VirtualMachine",
            {"kind": "VirtualMachine", "verb": "deletecollection", "namespace": "a"},
            None,
        ),
        (
            "kubevirt",
            "kubevirt:delete core/Node",
            {"kind": "Node", "verb": "delete", "name": "n"},
            None,
        ),
    ],
)
def test_raw_operations_name_their_machine_or_none(
    platform: str, operation: str, arguments: dict[str, Any], ref: str | None
) -> None:
    subject = about(f"{platform}_api", arguments, platform, operation)
    assert subject.look == ({"ref": ref} if ref else None)
    assert "tags" not in subject.about


def test_what_is_made_is_what_the_arguments_say() -> None:
    arguments = {"name": "new", "existing": "forbidden", "tags": ["a"], "place": "pve1"}
    subject = about("vm", arguments, "proxmox")
    assert subject.look is None and subject.after(subject.about) == {}
    known = {part: subject.about[part] for part in ("name", "tags", "zone", "ref", "pool")}
    assert known == {"name": ("new",), "tags": ("a",), "zone": ("pve1",), "ref": (), "pool": ()}
    project = about("vm", {"name": "n", "namespace": "p", "existing": "forbidden"}, "cloudstack")
    assert project.about["project"] == ("p",) and project.about["namespace"] == ()


def test_a_name_is_looked_up_and_must_be_the_only_one() -> None:
    subject = about("proxmox_vm_power", {"name": "web", "node": "pve1"}, "proxmox")
    assert subject.look == {"name": "web"} and subject.about["zone"] == ("pve1",)
    row = {"ref": "lab/-/100", "name": "web", "tags": ["x"], "host": "pve2", "raw": {"pool": "p"}}
    found = facts_found([row, {**row, "name": "web1"}], subject, "proxmox")
    assert found["tags"] == ("x",) and found["pool"] == ("p",) and found["zone"] == ("pve2",)
    assert found["ref"] == ("lab/-/100",) and found["project"] == ()
    assert "tags" not in facts_found([row, row], subject, "proxmox")
    none = facts_found([], subject, "proxmox")
    assert none["tags"] == () and none["name"] == ("web",)
    spaced = about("kubevirt_vm", {"name": "web"}, "kubevirt")
    rows = [{"ref": f"lab/{space}/web", "name": "web", "tags": []} for space in ("a", "b")]
    assert "tags" not in facts_found(rows, spaced, "kubevirt")
    facade = about("vm", {"name": "web", "namespace": "a"}, "kubevirt")
    assert facts_found(rows, facade, "kubevirt")["ref"] == ("lab/a/web",)


def test_cloudstack_tells_its_project_and_zone() -> None:
    subject = about("vm", {"ref": f"lab/-/{ID}"}, "cloudstack")
    row = {"ref": f"lab/p/{ID}", "name": "a", "tags": ["k=v"], "host": "h"}
    found = facts_found([{**row, "raw": {"zone": "z", "project": "p"}}], subject, "cloudstack")
    assert (found["zone"], found["project"], found["pool"]) == (("z",), ("p",), ())


@pytest.mark.parametrize(
    ("module", "platform", "operation", "arguments", "left"),
    [
        ("vm", "proxmox", "", {"ref": "lab/-/1", "tags": ["x"]}, ("keep", "k=1", "x")),
        ("vm", "proxmox", "", {"ref": "lab/-/1", "tags": ["x"], "exact": True}, ("x",)),
        ("vm", "kubevirt", "", {"ref": "lab/a/b", "tags": ["k=2"]}, ("keep", "k=2")),
        ("cloudstack_instance", "cloudstack", "", {"id": ID, "tags": {"k": "2"}}, ("keep", "k=2")),
        (
            "kubevirt_vm",
            "kubevirt",
            "",
            {"namespace": "a", "name": "b", "labels": {"k": None}},
            ("keep", "k=None"),
        ),
        ("vm", "proxmox", "", {"ref": "lab/-/1", "cpus": 2}, None),
        ("vm_power", "proxmox", "", {"ref": "lab/-/1", "state": "started"}, None),
        (
            "proxmox_api",
            "proxmox",
            "proxmox:PUT /nodes/{node}/qemu/{vmid}/config",
            {"params": {"vmid": 1, "tags": "x;y"}},
            ("x", "y"),
        ),
        (
            "proxmox_api",
            "proxmox",
            "proxmox:PUT /nodes/{node}/lxc/{vmid}/config",
            {"params": {"vmid": 1, "delete": "net1,tags"}},
            (),
        ),
        (
            "proxmox_api",
            "proxmox",
            "proxmox:PUT /nodes/{node}/qemu/{vmid}/config",
            {"params": {"vmid": 1, "cores": 2}},
            None,
        ),
        ("cloudstack_api", "cloudstack", "cloudstack:deleteTags", {"params": {}}, ()),
        ("cloudstack_api", "cloudstack", "cloudstack:createTags", {"params": {}}, None),
        *(
            ("kubevirt_api", "kubevirt", "", {
                "kind": "VirtualMachine", "verb": verb, "namespace": "a", "name": "b", "body": body,
            }, left)
            for verb, body, left in (
                ("patch", {"spec": {}}, None),
                ("patch", {"metadata": {"labels": {"k": "2"}}}, ("k=2",)),
                ("patch", {"metadata": None}, ()),
                ("patch", [{"op": "remove", "path": "/metadata/labels/keep"}], ()),
                ("apply", {"metadata": {"annotations": {}}}, None),
                ("update", {"spec": {}}, ()),
                ("update", {"metadata": {"labels": {"keep": "1"}}}, ("keep=1",)),
                ("update", None, None),
                ("create", {"metadata": {}}, None),
            )
        ),
    ],
)  # fmt: skip
def test_the_tags_that_a_call_leaves(
    module: str, platform: str, operation: str, arguments: dict[str, Any], left: Any
) -> None:
    before = {"tags": ("keep", "k=1")}
    assert about(module, arguments, platform, operation).after(before).get("tags") == left


@pytest.mark.parametrize(
    ("module", "platform", "operation", "arguments", "name"),
    [
        ("vm", "proxmox", "", {"ref": "lab/-/1", "name": "new"}, ("new",)),
        ("proxmox_vm", "proxmox", "", {"vmid": 1, "name": "new"}, ("new",)),
        ("proxmox_vm_snapshot", "proxmox", "", {"vmid": 1, "name": "snap"}, None),
        ("kubevirt_vm", "kubevirt", "", {"namespace": "a", "name": "b"}, None),
        (
            "proxmox_api",
            "proxmox",
            "proxmox:POST /nodes/{node}/qemu/{vmid}/config",
            {"params": {"vmid": 1, "delete": "name"}},
            ("",),
        ),
        (
            "cloudstack_api",
            "cloudstack",
            "cloudstack:updateVirtualMachine",
            {"params": {"id": ID, "name": "n"}},
            ("n",),
        ),
    ],
)
def test_a_new_name_is_a_change(
    module: str, platform: str, operation: str, arguments: dict[str, Any], name: Any
) -> None:
    assert about(module, arguments, platform, operation).after({}).get("name") == name


def test_what_has_no_object_is_unknown() -> None:
    for module, arguments in (("vm_info", {}), ("vm_power", {"state": "started"}), ("other", {})):
        subject = about(module, arguments, "proxmox")
        assert (subject.about, subject.look, subject.after({})) == ({}, None, {})
