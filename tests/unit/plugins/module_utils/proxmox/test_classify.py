# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What answers mean: inline examples, and every message recorded from the server's own code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from plugins.module_utils.proxmox.errors import classify, task_error
from plugins.module_utils.proxmox.waiting import is_upid, parse_upid, succeeded

VECTORS = Path(__file__).parents[5].parent / "shared" / "vectors" / "proxmox"
KINDS = [
    (500, "VM 100 already exists on node 'pve1'", "exists"),
    (500, "Configuration file 'nodes/pve1/qemu-server/9.conf' does not exist", "not_found"),
    (500, "VM is locked (backup)", "locked"),
    (500, "can't lock file '/var/lock/qemu-server/lock-100.conf' - got timeout", "locked"),
    (500, "checksum mismatch (file change by other user?)", "conflict"),
    (500, "detected modified configuration - file changed by other user? Try again.", "conflict"),
    (500, "cluster not ready - no quorum?", "unavailable"),
    (500, "no such user ('nobody@pve')", "not_found"),
    (500, "can't remove drive 'scsi1' - protection mode enabled", "validation"),
    (500, "something new", "operation_failed"),
    (400, "no such alias 'x'", "not_found"),
    (400, "Parameter verification failed.", "validation"),
    (401, "", "auth"),
    (403, "Permission check failed (/vms/100, VM.PowerMgmt)", "permission"),
    (501, "Method 'GET /nosuch' not implemented", "unsupported"),
    (503, "", "unavailable"),
    (595, "No route to host", "unavailable"),
    (429, "", "limit"),
]


@pytest.mark.parametrize(("status", "message", "kind"), KINDS)
def test_a_message_has_its_kind(status: int, message: str, kind: str) -> None:
    error = classify(status, message, request="POST /x", write=True)
    assert error.kind == kind
    assert error.http_status == status
    assert "POST /x" in error.message


@pytest.mark.parametrize("status", [502, 504, 596, 599])
def test_a_lost_write_is_uncertain_and_a_lost_read_is_not(status: int) -> None:
    assert classify(status, "", request="POST /x", write=True).kind == "uncertain"
    assert classify(status, "", request="GET /x", write=False).kind == "unavailable"


def test_the_parameters_are_named() -> None:
    error = classify(
        400,
        "Parameter verification failed.",
        request="POST /x",
        write=True,
        fields={"memory": "value must have a minimum value of 16"},
    )
    assert error.fields == {"memory": "value must have a minimum value of 16"}
    assert "memory: value must" in error.message


def test_a_place_in_the_servers_source_is_left_out() -> None:
    text = "zone z1 is used by vnet v1 at /usr/share/perl5/PVE/Network/Zones.pm line 149."
    assert "perl5" not in classify(500, text, request="GET /x", write=False).message


def test_a_failed_task_keeps_the_kind_that_can_be_acted_on() -> None:
    upid = "UPID:pve1:000010E2:00010BF0:6B010B85:qmstop:100:root@pam!vb:"
    assert task_error("VM is locked (backup)", upid, (), "POST /x").kind == "locked"
    failed = task_error("no such volume", upid, ("line 1", "line 2"), "POST /x")
    assert (failed.kind, failed.log) == ("operation_failed", ("line 1", "line 2"))
    assert upid in failed.message


def recorded() -> Iterator[tuple[int, str, dict[str, str] | None]]:
    for name in ("api_scenarios", "wire"):
        with (VECTORS / f"{name}.jsonl").open(encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                for step in row.get("steps", [row]):
                    answer = step.get("response") or {}
                    body = answer.get("json") if isinstance(answer.get("json"), dict) else answer
                    if (answer.get("status") or 0) >= 400:
                        message = body.get("message") or answer.get("reason") or ""
                        yield answer["status"], message, body.get("errors")


@pytest.mark.skipif(not VECTORS.is_dir(), reason="the recorded answers are not here")
def test_every_recorded_error_has_a_kind_and_a_sentence() -> None:
    seen = {(status, message[:80]): fields for status, message, fields in recorded()}
    assert len(seen) >= 40
    for (status, message), fields in seen.items():
        error = classify(status, message, request="POST /x", write=True, fields=fields)
        assert error.kind != "internal", (status, message)
        if "does not exist" in message and status == 500 and not fields:
            assert error.kind == "not_found", message
        if "already exists" in message and not fields:
            assert error.kind == "exists", message


@pytest.mark.skipif(not VECTORS.is_dir(), reason="the recorded answers are not here")
def test_task_ids_are_read_as_the_server_reads_them() -> None:
    count = 0
    with (VECTORS / "update_semantics.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["kind"] == "upid_decode" and isinstance(row.get("output"), dict):
                upid = parse_upid(
                    row["input"] if isinstance(row["input"], str) else row["input"]["upid"]
                )
                assert upid.node == row["output"]["node"]
                assert upid.user == row["output"]["user"]
                count += 1
    assert count > 0


def test_success_is_ok_or_warnings() -> None:
    assert succeeded("OK")
    assert succeeded("WARNINGS: 2")
    assert not succeeded("unexpected status")
    assert not is_upid("OK")
