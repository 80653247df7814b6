# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults the platform itself adds: failing tasks, locks, unreachable nodes, lagging lists."""

from __future__ import annotations

import time

import pytest
import requests

START = "/nodes/pve1/qemu/101/status/start"
CONFIG = "/nodes/pve1/qemu/101/config"


@pytest.mark.parametrize("at", [0, 50, 99])
def test_a_task_fails_on_request_and_changes_nothing(root, server, at):
    server.control.fault("fail_task", path="/start", at=at, exitstatus="boom")
    assert root.run("POST", START) == "boom"
    assert root.data("GET", "/nodes/pve1/qemu/101/status/current")["status"] == "stopped"
    assert root.run("POST", START) == "OK"


def test_a_failed_create_leaves_no_guest(root, server):
    server.control.fault("fail_task", path="/qemu$")
    made = {"vmid": "500", "scsi0": "local-lvm:1"}
    assert root.run("POST", "/nodes/pve1/qemu", made) == "virtsim: task failed on request"
    assert root.data("GET", "/cluster/nextid", {"vmid": "500"}) == "500"


def test_a_task_ends_with_warnings(root, server):
    server.control.fault("warn_task", path="/start")
    assert root.run("POST", START) == "WARNINGS: 1"


def test_a_task_is_stopped(root, server):
    server.control.fault("endless_task", path="/start")
    upid = root.data("POST", START)
    server.control.advance(10_000)
    path = f"/nodes/pve1/tasks/{upid}"
    assert root.data("GET", f"{path}/status")["status"] == "running"
    assert root.data("DELETE", path) is None
    assert root.data("GET", f"{path}/status")["exitstatus"] == "interrupted by signal"


def test_a_write_meets_a_lock_a_conflict_and_a_timeout(root, server):
    server.control.fault("locked", method="PUT", lock="backup")
    assert root("PUT", CONFIG, {"memory": "512"}).json()["message"] == "VM is locked (backup)\n"
    server.control.fault("locked", method="PUT")
    text = root("PUT", CONFIG, {"memory": "512"}).json()["message"]
    assert text == "can't lock file '/var/lock/qemu-server/lock-101.conf' - got timeout\n"
    server.control.fault("conflict", method="PUT")
    text = root("PUT", CONFIG, {"memory": "512"}).json()["message"]
    assert text == "checksum mismatch (file change by other user?)\n"
    assert root.data("GET", CONFIG)["memory"] == "2048"


def test_595_was_not_applied_and_596_was(root, server):
    server.control.fault("proxy_595", method="PUT")
    assert root("PUT", CONFIG, {"memory": "512"}).status_code == 595
    assert root.data("GET", CONFIG)["memory"] == "2048"
    server.control.fault("proxy_596", method="PUT")
    assert root("PUT", CONFIG, {"memory": "512"}).status_code == 596
    assert root.data("GET", CONFIG)["memory"] == "512"
    assert [row["applied"] for row in server.control.writes()] == [False, True]


def test_a_reset_after_the_write_was_applied(root, server):
    server.control.fault("reset_after", method="PUT")
    with pytest.raises(requests.ConnectionError):
        root("PUT", CONFIG, {"memory": "512"})
    assert root.data("GET", CONFIG)["memory"] == "512"


def test_lists_lag_up_to_ten_seconds_when_asked_to(root, server):
    server.control.fault("stale", path="/cluster/resources", count=0)
    names = lambda: {  # noqa: E731
        row["vmid"]: row.get("name")
        for row in root.data("GET", "/cluster/resources", {"type": "vm"})
    }
    assert names()[101] == "web2"
    root.data("PUT", CONFIG, {"name": "renamed"})
    assert names()[101] == "web2"
    server.control.advance(11)
    assert names()[101] == "renamed"


def test_a_token_is_refused_on_request(root, server):
    server.control.fault("expire_token", path="/version")
    assert root("GET", "/version").status_code == 401
    assert root("GET", "/version").status_code == 200


@pytest.mark.parametrize(("seed", "guests"), [("1000", 1000), ("5000", 5000), ("10000", 10_000)])
def test_large_seeds_answer_in_one_list(proxmox_sim, seed, guests):
    server = proxmox_sim(seed=seed)
    known = server.credentials
    token = f"PVEAPIToken={known['token_id']}={known['token_secret']}"
    began = time.process_time()
    answer = requests.get(
        f"{server.url}/api2/json/cluster/resources?type=vm",
        headers={"Authorization": token}, verify=server.ca_file, timeout=60,
    )  # fmt: skip
    assert len(answer.json()["data"]) == guests
    # Server and client are in this process.
    assert time.process_time() - began < 5


def test_an_offline_node_is_unknown_in_lists(proxmox_sim):
    from virtsim.core.server import SimServer
    from virtsim.proxmox import ProxmoxSimulator

    with SimServer(ProxmoxSimulator(offline=("pve3",))) as server:
        known = server.credentials
        token = f"PVEAPIToken={known['token_id']}={known['token_secret']}"
        session = requests.Session()
        session.trust_env = False
        session.verify, session.headers["Authorization"] = server.ca_file, token
        rows = session.get(f"{server.url}/api2/json/cluster/resources?type=vm", timeout=60).json()
        away = [r for r in rows["data"] if r["node"] == "pve3"]
        assert away
        assert all(r["status"] == "unknown" and "name" not in r for r in away)
        gone = session.get(f"{server.url}/api2/json/nodes/pve3/qemu", timeout=60)
        assert gone.status_code == 595
        session.close()
