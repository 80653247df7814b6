# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults on the way: reads are repeated, writes never blindly, and failures are loud."""

from __future__ import annotations

import functools
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

import virtsim
from tests.contract.proxmox.test_trust_and_login import options
from tests.contract.support.child import run_module

Start = Callable[..., virtsim.SimServer]
START = r"/qemu/101/status/start"


def started(sim: virtsim.SimServer, **other: Any) -> Any:
    return run_module("proxmox_vm_power", options(sim, vmid=101, state="started", **other))


def starts(sim: virtsim.SimServer) -> list[dict[str, Any]]:
    return [row for row in sim.control.writes() if row["path"].endswith("/status/start")]


DEEP = functools.reduce(lambda inner, _level: {"deeper": inner}, range(100), {})


@pytest.mark.parametrize(
    ("fault", "args"),
    [
        ("reset_before", {}),
        ("reset_after", {}),
        ("truncate", {}),
        ("proxy_595", {}),
        ("html", {}),
        ("status", {"status": 200, "json": {"data": DEEP}}),
    ],
)
def test_a_read_is_repeated(proxmox_sim: Start, fault: str, args: dict[str, Any]) -> None:
    sim = proxmox_sim()
    sim.control.fault(fault, method="GET", path="/cluster/resources", **args)
    result = run_module("proxmox_vm_info", options(sim))
    assert not result.failed, result.json
    assert result.json["total"] > 0
    assert len(sim.control.journal()) == 2


def test_a_refusal_that_is_no_json_is_told_by_its_status(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    sim.control.fault("status", path="/cluster/resources", status=403, body="go away")
    assert run_module("proxmox_vm_info", options(sim)).kind == "permission"
    assert len(sim.control.journal()) == 1


def test_a_wait_outlasts_an_outage_and_ends_with_its_time(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    outage = {"path": "/tasks/.*/status", "status": 595, "headers": {"Retry-After": "0"}}
    sim.control.fault("status", count=4, **outage)
    assert started(sim).object["state"] == "running"
    sim.control.fault("status", count=0, **outage)
    stop = {"vmid": 101, "state": "stopped", "wait_timeout": 1}
    result = run_module("proxmox_vm_power", options(sim, **stop))
    assert (result.kind, result.error["http_status"]) == ("unavailable", 595)


def test_of_a_long_log_the_end_is_shown(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    sim.control.fault("fail_task", path=START)
    first = {"data": [{"n": 1, "t": "the beginning"}], "total": 500}
    sim.control.fault("status", path="/log$", status=200, json=first)
    last = {"data": [{"n": 500, "t": "the end"}], "total": 500}
    sim.control.fault("status", path="/log$", status=200, json=last)
    assert started(sim).error["log"] == ["the end"]
    (asked,) = [row for row in sim.control.journal() if row["params"].get("start")]
    assert asked["params"]["start"] == "480"


def test_a_read_that_stays_broken_ends_after_three_attempts(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    sim.control.fault("status", path="/cluster/resources", count=0, status=503)
    result = run_module("proxmox_vm_info", options(sim))
    assert result.kind == "unavailable"
    assert len(sim.control.journal()) == 3


def test_a_silent_server_costs_its_time_once(proxmox_sim: Start) -> None:
    """Red when a read is tried again after silence: three requests, and three times as long."""
    sim = proxmox_sim()
    sim.control.fault("timeout", path="/cluster/resources", count=0)
    took = []
    for seconds in (1, 4):
        begin = time.monotonic()
        result = run_module("proxmox_vm_info", options(sim, timeout=seconds))
        took.append(time.monotonic() - begin)
        assert (result.kind, result.error["retryable"]) == ("unavailable", True)
    assert len(sim.control.journal()) == 2
    assert took[1] - took[0] < 2 * (4 - 1)


def test_an_answer_that_drips_costs_no_more_than_its_time(proxmox_sim: Start) -> None:
    """Red when only silence ends it: it would take minutes to come."""
    sim = proxmox_sim()
    sim.control.fault("slow", path="/cluster/resources", count=0, chunk=1, pause=0.05)
    assert run_module("proxmox_vm_info", options(sim, timeout=1)).kind == "unavailable"
    assert len(sim.control.journal()) == 1


@pytest.mark.parametrize("spoken", [b"", b"220 who are you?\r\n"])
def test_a_server_that_never_shakes_hands_is_connected_to_once(spoken: bytes) -> None:
    """Red when the time for a connection is longer than that for an answer, or taken thrice."""
    with Mute(spoken) as mute:
        credential = {"api_token_id": "a@pam!b", "api_token_secret": "none"}
        given = {"api_host": [mute.address], "timeout": 1, "validate_certs": False, **credential}
        result = run_module("proxmox_vm_info", given)
        assert (result.kind, mute.met) == ("unavailable", 1), result.json


class Mute:
    """A port that takes connections and says so much to each, and no more."""

    def __init__(self, spoken: bytes) -> None:
        self._spoken = spoken
        self._port = socket.create_server(("127.0.0.1", 0))
        self._kept: list[socket.socket] = []
        self._thread = threading.Thread(target=self._take, daemon=True)

    def __enter__(self) -> Mute:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._port.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        for each in (self._port, *self._kept):
            each.close()

    @property
    def address(self) -> str:
        """Return where it listens."""
        return "{}:{}".format(*self._port.getsockname())

    @property
    def met(self) -> int:
        """Return how many connections there were."""
        return len(self._kept)

    def _take(self) -> None:
        with suppress(OSError):
            while True:
                taken, _address = self._port.accept()
                self._kept.append(taken)
                taken.sendall(self._spoken)


@pytest.mark.parametrize("fault", ["reset_after", "truncate", "proxy_596"])
def test_a_write_with_a_lost_answer_is_sent_once(proxmox_sim: Start, fault: str) -> None:
    sim = proxmox_sim()
    sim.control.fault(fault, method="POST", path=START)
    result = started(sim)
    assert not result.failed, result.json
    assert result.object["state"] == "running"
    assert len(starts(sim)) == 1


def test_a_write_that_never_arrived_is_sent_again(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    sim.control.fault("reset_before", method="POST", path=START)
    result = started(sim)
    assert result.object["state"] == "running"
    assert [row["applied"] for row in starts(sim)] == [False, True]


def test_a_restart_with_a_lost_answer_is_not_repeated(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    sim.control.fault("reset_after", method="POST", path="/status/reboot")
    result = run_module("proxmox_vm_power", options(sim, vmid=100, state="restarted"))
    assert not result.failed, result.json
    assert len(sim.control.writes()) == 1


def test_a_failing_task_is_loud_with_its_lines(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    sim.control.fault("fail_task", path=START, exitstatus="start failed: no such bridge")
    result = started(sim)
    assert result.kind == "operation_failed"
    assert "no such bridge" in result.error["message"]
    assert any("no such bridge" in line for line in result.error["log"])
    assert result.json["operations"][0]["id"].startswith("UPID:")


def test_a_task_with_warnings_has_succeeded_and_warns(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    sim.control.fault("warn_task", path=START)
    result = started(sim)
    assert not result.failed, result.json
    assert any("warnings" in text for text in result.warnings)


def test_waiting_ends_and_names_the_task(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    sim.control.fault("endless_task", path=START)
    result = started(sim, wait_timeout=1)
    assert result.kind == "timeout"
    assert "UPID:" in result.error["message"]


def test_a_locked_guest_is_reported_as_locked(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    sim.control.fault("locked", path=START, lock="backup")
    result = started(sim)
    assert result.kind == "locked"
    assert result.error["retryable"]


def test_five_thousand_machines_are_one_request(proxmox_sim: Start) -> None:
    sim = proxmox_sim(seed="5000")
    result = run_module("proxmox_vm_info", options(sim, limit=10))
    assert (len(result.json["objects"]), result.json["truncated"]) == (10, True)
    assert result.json["total"] >= 5000
    assert len(sim.control.journal()) == 1


def test_details_survive_a_node_that_does_not_answer(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    sim.control.fault("status", path="/nodes/pve2/", count=0, status=595)
    result = run_module("proxmox_vm_info", options(sim, name="*b1", details=True))
    assert not result.failed, result.json
    assert {each["name"] for each in result.json["objects"]} == {"web1", "db1"}
    assert any("db1" in text for text in result.warnings)


def test_a_silent_node_costs_its_details_their_time_once(proxmox_sim: Start) -> None:
    """Red when each guest of the node is asked for: a thousand of them take minutes."""
    sim = proxmox_sim(seed="1000")
    sim.control.fault("timeout", path="/nodes/pve1/", count=0)
    result = run_module("proxmox_vm_info", options(sim, details=True, limit=200, timeout=2))
    assert not result.failed, result.json
    rows = result.json["objects"]
    silent = [row["name"] for row in rows if row["node"] == "pve1"]
    assert len(silent) > 10
    assert all(any(name in text for text in result.warnings) for name in silent)
    assert all(row["disks"] for row in rows if row["node"] != "pve1")
    asked = [row for row in sim.control.journal() if "/nodes/pve1/" in row["path"]]
    # As many as are asked for at once; that is all that waits.
    assert len(asked) <= 4
