# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of a guest, driven by a client we did not write."""

from __future__ import annotations

import pytest
from proxmoxer import ProxmoxAPI
from proxmoxer.core import ResourceException


@pytest.fixture(params=["token", "ticket"])
def proxmox(server, request):
    known, port = server.credentials, int(server.url.rpartition(":")[2])
    user, _, name = known["token_id"].partition("!")
    secret = (
        {"token_name": name, "token_value": known["token_secret"]}
        if request.param == "token"
        else {"password": known["password"]}
    )
    api = ProxmoxAPI("127.0.0.1", port=port, user=user, verify_ssl=server.ca_file, **secret)
    yield api
    api._store["session"].close()


def finish(proxmox, upid):
    for _ in range(10):
        status = proxmox.nodes(upid.split(":")[1]).tasks(upid).status.get()
        if status["status"] == "stopped":
            return status["exitstatus"]
    raise AssertionError(upid)


def test_a_foreign_client_takes_a_guest_through_its_life(proxmox):
    assert len(proxmox.cluster.resources.get(type="vm")) == 14
    vmid = int(proxmox.cluster.nextid.get())
    node = proxmox.nodes("pve1")
    made = node.qemu.post(
        vmid=vmid, name="new", memory=2048, net0="virtio,bridge=vmbr0", scsi0="local-lvm:32",
        ide2="local-lvm:cloudinit", tags="B,a", cipassword="secret99",
    )  # fmt: skip
    assert finish(proxmox, made) == "OK"
    guest = node.qemu(vmid)
    conf = guest.config.get()
    assert conf["scsi0"] == f"local-lvm:vm-{vmid}-disk-0,size=32G"
    assert conf["ide2"].startswith(f"local-lvm:vm-{vmid}-cloudinit,media=cdrom")
    assert conf["net0"].startswith("virtio=BC:24:11:")
    assert (conf["tags"], conf["cipassword"]) == ("a;b", "**********")
    assert conf["boot"] == "order=scsi0;ide2;net0"
    assert {"meta", "smbios1", "vmgenid", "digest"} <= set(conf)
    assert finish(proxmox, guest.status.start.post()) == "OK"
    assert guest.status.current.get()["status"] == "running"
    assert finish(proxmox, guest.snapshot.post(snapname="s1")) == "OK"
    assert [s["name"] for s in guest.snapshot.get()] == ["s1", "current"]
    guest.config.put(memory=4096)
    assert guest.config.get()["memory"] == "4096"
    assert guest.config.get(current=1)["memory"] == "2048"
    with pytest.raises(ResourceException, match="is running - destroy failed"):
        guest.delete()
    assert finish(proxmox, guest.status.stop.post()) == "OK"
    assert guest.config.get(current=1)["memory"] == "4096"
    assert finish(proxmox, guest.delete()) == "OK"
    with pytest.raises(ResourceException, match="does not exist"):
        guest.config.get()


def test_an_id_is_taken_once(root):
    taken = root("POST", "/nodes/pve1/qemu", {"vmid": "101"})
    assert taken.status_code == 500
    text = "unable to create VM 101 - VM 101 already exists on node 'pve1'\n"
    assert taken.json()["message"] == text
    assert root("GET", "/cluster/nextid", {"vmid": "101"}).status_code == 400


def test_import_takes_the_size_of_the_image(root):
    image = "local:import/debian-12-genericcloud-amd64.qcow2"
    drive = f"local-lvm:0,import-from={image}"
    assert root.run("POST", "/nodes/pve1/qemu", {"vmid": "300", "scsi0": drive}) == "OK"
    conf = root.data("GET", "/nodes/pve1/qemu/300/config")
    assert conf["scsi0"] == "local-lvm:vm-300-disk-0,size=2G"
    missing = "local-lvm:0,import-from=local:import/none.qcow2"
    status = root.run("POST", "/nodes/pve1/qemu", {"vmid": "301", "scsi0": missing})
    assert status == "cannot import from 'local:import/none.qcow2' - volume does not exist"
    assert root("GET", "/nodes/pve1/qemu/301/config").status_code == 500


def test_clones_of_a_template_are_linked_or_full(root):
    path = "/nodes/pve1/qemu/9000/clone"
    assert root.run("POST", path, {"newid": "400", "name": "linked"}) == "OK"
    assert root.run("POST", path, {"newid": "401", "full": "1", "storage": "nas"}) == "OK"
    conf = root.data("GET", "/nodes/pve1/qemu/401/config")
    assert conf["scsi0"].startswith("nas:401/vm-401-disk-0.raw")
    assert conf["name"] == "Copy-of-VM-debian-12-template"
    assert "template" not in conf
    status = root.run("DELETE", "/nodes/pve1/qemu/9000")
    assert status.startswith("base volume 'local-lvm:base-9000-disk-0' is still in use")
    again = root("POST", path, {"newid": "400"})
    assert "already exists" in again.json()["message"]


def test_a_disk_grows_and_never_shrinks(root):
    path = "/nodes/pve1/qemu/101/resize"
    assert root.run("PUT", path, {"disk": "scsi0", "size": "+2G"}) == "OK"
    assert root.data("GET", "/nodes/pve1/qemu/101/config")["scsi0"].endswith("size=10G")
    assert root.run("PUT", path, {"disk": "scsi0", "size": "10G"}) == "OK"
    status = root.run("PUT", path, {"disk": "scsi0", "size": "1G"})
    assert status == "shrinking disks is not supported"


def test_a_disk_moves_and_leaves_or_frees_the_old_volume(root):
    path = "/nodes/pve1/qemu/101/move_disk"
    assert root.run("POST", path, {"disk": "scsi0", "storage": "nas"}) == "OK"
    conf = root.data("GET", "/nodes/pve1/qemu/101/config")
    assert conf["scsi0"].startswith("nas:101/")
    assert conf["unused0"] == "local-lvm:vm-101-disk-0"


def test_a_detached_disk_is_kept_and_can_come_back(root):
    path = "/nodes/pve1/qemu/101/config"
    root.data("PUT", path, {"delete": "scsi0"})
    conf = root.data("GET", path)
    assert conf["unused0"] == "local-lvm:vm-101-disk-0"
    assert conf["boot"] == "order=net0"
    root.data("PUT", path, {"scsi1": "local-lvm:vm-101-disk-0"})
    conf = root.data("GET", path)
    assert conf["scsi1"] == "local-lvm:vm-101-disk-0,size=8G"
    assert "unused0" not in conf


def test_a_digest_of_an_older_text_is_refused(root):
    path = "/nodes/pve1/qemu/101/config"
    digest = root.data("GET", path)["digest"]
    assert root.data("PUT", path, {"digest": digest, "memory": "512"}) is None
    late = root("PUT", path, {"digest": digest, "memory": "1024"})
    assert late.json()["message"] == "checksum mismatch (file change by other user?)\n"


def test_a_rollback_brings_the_old_configuration_back(root):
    path = "/nodes/pve1/qemu/110"
    assert root.run("POST", f"{path}/snapshot/before/rollback") == "OK"
    conf = root.data("GET", f"{path}/config")
    assert (conf["memory"], conf["parent"]) == ("1024", "before")
    assert root.run("DELETE", f"{path}/snapshot/before") == "OK"
    names = [s["name"] for s in root.data("GET", f"{path}/snapshot")]
    assert names == ["after", "current"]


def test_power_says_what_the_real_one_says(root):
    assert root.run("POST", "/nodes/pve1/qemu/100/status/start") == "VM 100 already running"
    assert root.run("POST", "/nodes/pve1/qemu/101/status/stop") == "OK"
    assert root.run("POST", "/nodes/pve1/qemu/101/status/shutdown") == "VM 101 not running"
    locked = root.run("POST", "/nodes/pve3/qemu/106/status/start")
    assert locked == "VM is locked (backup)"
    deaf = root.run("POST", "/nodes/pve3/qemu/109/status/shutdown", {"timeout": "5"})
    assert deaf == "VM quit/powerdown failed - got timeout"
    assert root.run("POST", "/nodes/pve3/qemu/108/status/resume") == "OK"
    paused = root.data("GET", "/nodes/pve2/qemu/103/status/current")
    assert (paused["status"], paused["qmpstatus"]) == ("running", "paused")


def test_what_waits_is_applied_by_a_reboot(root):
    path = "/nodes/pve2/qemu/102"
    rows = {r["key"]: r for r in root.data("GET", f"{path}/pending")}
    assert (rows["memory"]["value"], rows["memory"]["pending"]) == ("2048", "4096")
    before = root.data("GET", f"{path}/status/current")
    assert root.run("POST", f"{path}/status/reboot") == "OK"
    # As on a real node, the task ends with the shutdown, and a start follows.
    states = [root.data("GET", f"{path}/status/current") for _ in range(3)]
    assert states[0]["status"] == "stopped"
    assert states[-1]["status"] == "running"
    assert states[-1]["pid"] != before["pid"]
    rows = {r["key"]: r for r in root.data("GET", f"{path}/pending")}
    assert rows["memory"] == {"key": "memory", "value": "4096"}


def test_the_agent_answers_or_says_why_not(root):
    path = "/nodes/pve1/qemu/{}/agent/network-get-interfaces"
    found = root.data("GET", path.format(100))["result"]
    assert found[1]["ip-addresses"][0]["ip-address"] == "192.168.1.100"
    for vmid, text in ((101, "No QEMU guest agent configured"),):
        assert root("GET", path.format(vmid)).json()["message"] == f"{text}\n"


def test_background_delay_waits_for_the_change(root):
    path = "/nodes/pve1/qemu/101/config"
    assert root.data("POST", path, {"memory": "512", "background_delay": "5"}) is None
    failed = root("POST", path, {"boot": "order=virtio9", "background_delay": "5"})
    assert failed.status_code == 500
    text = "invalid bootorder: device 'virtio9' does not exist'\n"
    assert failed.json()["message"] == text
