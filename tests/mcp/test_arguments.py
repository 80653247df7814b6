# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input: the error code, what is wrong with the nearest right name, and no run."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest
from mcp import Client

BAD = [
    ("vm_list", {"nmae": "web"}, "invalid_args", 'unknown argument "nmae" (did you mean name?)'),
    ("vm_list", {"state": "runing"}, "invalid_args", "(did you mean running?)"),
    ("vm_list", {"limit": "7"}, "invalid_args", 'limit must be integer, is "7"'),
    ("vm_list", {"limit": 0}, "invalid_args", "limit is 0, must be at least 1"),
    ("vm_list", {"limit": True}, "invalid_args", "limit must be integer, is true"),
    ("vm_list", {"fields": ["nam"]}, "invalid_args", "(did you mean name?)"),
    ("vm_list", {"where": {"hots": "n1"}}, "invalid_args", "where.hots"),
    ("vm_list", {"cursor": "AAAA"}, "invalid_args", "cursor is not one that this server gave"),
    ("vm_list", {"targets": ["lba"]}, "unknown_target", "(did you mean lab?)"),
    ("vm_list", {"targets": []}, "invalid_args", "targets must have at least 1"),
    ("vm_get", {}, "invalid_args", "missing argument ref"),
    ("vm_get", {"ref": "100"}, "invalid_args", "must be TARGET/NAMESPACE/ID"),
    ("vm_get", {"ref": "lab/-/100/x"}, "invalid_args", "must be TARGET/NAMESPACE/ID"),
    ("vm_get", {"ref": "lba/-/100"}, "unknown_target", "(did you mean lab?)"),
    ("vm_power", {"ref": "lab/-/100"}, "invalid_args", "missing argument state"),
    ("vm_power", {"ref": "lab/-/100", "state": "start"}, "invalid_args", "did you mean started"),
    ("vm_power", {"ref": 7, "state": "on", "x": 1}, "invalid_args", "ref must be string, is 7"),
    ("vm_power", {"ref": "lab/-/1", "state": "started", "check": "yes"}, "invalid_args", "check"),
    ("target_list", {"probe": 1}, "invalid_args", "probe must be boolean, is 1"),
]


def test_bad_arguments_are_explained_and_nothing_is_run(lab: Any) -> None:
    bridge, sim = lab

    async def talk(client: Client) -> None:
        for tool, arguments, code, says in BAD:
            result = await client.call_tool(tool, arguments)
            body = result.structured_content
            assert result.is_error, (tool, arguments)
            assert body["status"] == "failed"
            assert body["error"]["code"] == code, (tool, arguments, body)
            assert says in body["error"]["message"], (tool, arguments, body)
            assert body["error"]["next"]
            assert "run_id" not in body

    bridge.session(talk)
    assert bridge.audit() == []
    assert sim.control.journal() == []


def test_all_problems_of_a_call_are_named_at_once(lab: Any) -> None:
    body = lab[0].call("vm_power", ref=7, state="on", chek=True)
    for text in ("chek", "did you mean check", "ref must be string", 'state is "on"'):
        assert text in body["error"]["message"]


def test_without_targets_the_server_says_how_to_add_one(bridge: Any) -> None:
    body = bridge.call("target_list")
    assert body["data"]["targets"] == []
    assert "targets.yml" in body["data"]["how_to_configure"]
    assert bridge.call("vm_list")["error"]["code"] == "unknown_target"
    assert bridge.audit() == []


@pytest.mark.parametrize("broken", ["platform: proxmx", "- a list", "targets: {lab: {x: 1}}"])
def test_a_broken_targets_file_ends_the_server_with_every_problem(bridge: Any, broken: str) -> None:
    (bridge.folder / "targets.yml").write_text(broken)
    done = subprocess.run(
        bridge.command("serve"), env=bridge.environment, capture_output=True, text=True, timeout=99,
        check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stdout == ""
    assert "targets.yml" in done.stderr
