# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures, refusals, paging and jobs, as the real server has them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import virtsim
from tests.unit.virtsim.cloudstack.conftest import ask, deployment, failure, rows
from virtsim.cloudstack import auth

VECTORS = Path(__file__).resolve().parents[4].parent / "shared" / "vectors" / "cloudstack"
NEVER = "11111111-2222-4333-8444-555555555555"


def test_every_recorded_signature_is_the_one_expected() -> None:
    file = VECTORS / "signatures.jsonl"
    if not file.exists():
        pytest.skip(f"no recorded signatures at {file}")
    for line in file.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        assert auth.signature(row["params"], row["secret"]) == row["signature"]
        changed = {**row["params"], "command": row["params"].get("command", "") + "x"}
        assert auth.signature(changed, row["secret"]) != row["signature"]


def test_an_expired_request_is_refused(sim: virtsim.SimServer) -> None:
    status, body = ask(sim, command="listZones", expires="2026-01-31T10:00:00+0000")
    assert (status, body["errorcode"]) == (401, 401)


@pytest.mark.parametrize(
    ("params", "status", "says"),
    [
        ({"command": "listNothing"}, 401, "does not exist"),
        ({"command": "deployVirtualMachine"}, 431, "due to missing parameter"),
        ({"command": "listVirtualMachines", "id": NEVER}, 431, "entity does not exist"),
        ({"command": "listVirtualMachines", "page": 1}, 431, '"pagesize" parameter is required'),
        ({"command": "listVirtualMachines", "pagesize": 1}, 431, '"page" parameter is required'),
        ({"command": "listVirtualMachines", "page": 1, "pagesize": 501}, 431, "500"),
        ({"command": "listVirtualMachines", "page": "x", "pagesize": 1}, 431, "page"),
        ({"command": "listHostTags"}, 432, "not modelled by virtsim"),
        ({"command": "queryAsyncJobResult", "jobid": NEVER}, 431, "jobid"),
    ],
)
def test_refusals(sim: virtsim.SimServer, params: dict[str, Any], status: int, says: str) -> None:
    answered, body = ask(sim, **params)
    assert (answered, body["errorcode"]) == (status, status)
    assert says in body["errortext"]


def test_unknown_parameters_are_ignored_and_names_have_no_case(sim: virtsim.SimServer) -> None:
    _status, everything = ask(sim, command="listZones")
    assert ask(sim, command="LISTzones", nosuch="x", AVAILABLE="true") == (200, everything)


def test_an_empty_list_has_no_count(sim: virtsim.SimServer) -> None:
    assert ask(sim, command="listVirtualMachines", name="nosuch") == (200, {})


def test_a_chosen_job_id_is_kept_and_good_once(sim: virtsim.SimServer) -> None:
    _status, found = ask(sim, command="listVirtualMachines", name="web2")
    call = {"command": "startVirtualMachine", "id": found["virtualmachine"][0]["id"]}
    assert ask(sim, **call, customjobid=NEVER) == (200, {"jobid": NEVER})
    assert ask(sim, **call, customjobid=NEVER)[0] == 431
    _status, job = ask(sim, command="queryAsyncJobResult", jobid=NEVER)
    assert job["jobstatus"] == 1
    assert job["jobresult"]["virtualmachine"]["state"] == "Running"


def test_a_failed_deployment_leaves_a_row_in_error(sim: virtsim.SimServer) -> None:
    sim.control.fault("fail_job", path="deploy")
    assert failure(sim, **deployment(sim)) == (530, "virtsim: job failed on request")
    assert rows(sim, "listVirtualMachines", name="fresh")[0]["state"] == "Error"


def test_no_secret_gets_into_the_journal(sim: virtsim.SimServer) -> None:
    ask(sim, command="listZones")
    text = json.dumps(sim.control.journal())
    assert sim.credentials["api_key"] not in text
    assert "listZones" in text


def test_the_catalog_is_routed_whole() -> None:
    coverage = virtsim.create("cloudstack").coverage()
    assert len(coverage.modelled) + len(coverage.unmodelled) == 917
    assert len(coverage.modelled) >= 60
    print(f"{len(coverage.modelled)} of 917 commands are modelled")
