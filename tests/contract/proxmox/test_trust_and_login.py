# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is trusted and how one logs in: the real module, over real TLS, against the simulator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import virtsim
from tests.contract.support.child import Result, run_module

Start = Callable[..., virtsim.SimServer]
LOGIN = "/api2/json/access/ticket"
TOKEN = ("api_token_id", "api_token_secret")


def options(sim: virtsim.SimServer, **other: Any) -> dict[str, Any]:
    credentials = sim.credentials
    given = {
        "api_host": [sim.url.removeprefix("https://")],
        "api_token_id": credentials["token_id"],
        "api_token_secret": credentials["token_secret"],
        "ca_path": str(sim.ca_file),
    }
    return {name: value for name, value in {**given, **other}.items() if value is not None}


def by_password(sim: virtsim.SimServer, **other: Any) -> dict[str, Any]:
    user = {"api_user": sim.credentials["username"], "api_password": sim.credentials["password"]}
    return options(sim, **{**dict.fromkeys(TOKEN), **user, **other})


def listed(sim: virtsim.SimServer, args: dict[str, Any]) -> Result:
    return run_module("proxmox_vm_info", args)


def logins(sim: virtsim.SimServer) -> list[dict[str, Any]]:
    return [row for row in sim.control.journal() if row["path"] == LOGIN]


def test_a_token_needs_no_login(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    assert listed(sim, options(sim)).json["total"] > 0
    assert logins(sim) == []


def test_a_password_logs_in_once_and_writes_with_its_csrf_token(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    started = run_module("proxmox_vm_power", by_password(sim, vmid=101, state="started"))
    assert started.changed
    assert len(logins(sim)) == 1
    assert len(sim.control.writes()) == 1


def test_an_expired_ticket_is_renewed_and_the_call_goes_on(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    sim.control.fault("expire_token", method="GET", path="/cluster/resources")
    assert listed(sim, by_password(sim)).json["total"] > 0
    assert len(logins(sim)) == 2


@pytest.mark.parametrize(
    ("wrong", "tried"),
    [({"api_password": "not-the-password"}, 1), ({"api_user": "nobody@pam"}, 1)],
)
def test_a_refused_login_is_tried_once(
    proxmox_sim: Start, wrong: dict[str, str], tried: int
) -> None:
    sim = proxmox_sim()
    result = listed(sim, by_password(sim, **wrong))
    assert result.kind == "auth"
    assert len(logins(sim)) == tried
    assert "not-the-password" not in result.stdout + result.stderr


@pytest.mark.parametrize("prefix", ["expired_", "limited_"])
def test_a_token_without_rights_says_so(proxmox_sim: Start, prefix: str) -> None:
    sim = proxmox_sim()
    credentials = sim.credentials
    args = options(
        sim,
        api_token_id=credentials[f"{prefix}token_id"],
        api_token_secret=credentials[f"{prefix}token_secret"],
        vmid=100,
        state="started",
    )
    result = run_module("proxmox_vm_power", args)
    expected = {"expired_": "auth", "limited_": "not_found"}[prefix]
    assert result.kind == expected
    if prefix == "limited_":
        assert "privilege separation" in result.error["message"]
    assert credentials[f"{prefix}token_secret"] not in result.stdout + result.stderr


@pytest.mark.parametrize("credential", [options, by_password], ids=["token", "password"])
def test_a_wrong_pin_stops_before_anything_is_sent(proxmox_sim: Start, credential: Any) -> None:
    sim = proxmox_sim()
    wrong = ":".join(["AB"] * 32)
    result = listed(sim, credential(sim, ca_path=None, fingerprint=wrong))
    assert result.kind == "unavailable"
    assert not result.error["retryable"]
    assert "Fingerprints did not match" in result.error["message"]
    assert sim.control.journal() == []


@pytest.mark.parametrize("credential", [options, by_password], ids=["token", "password"])
def test_the_right_pin_is_enough(proxmox_sim: Start, credential: Any) -> None:
    sim = proxmox_sim()
    result = listed(sim, credential(sim, ca_path=None, fingerprint=sim.fingerprint))
    assert result.json["total"] > 0
    assert result.warnings == []


@pytest.mark.parametrize("certificate", ["expired", "wrong_name", "foreign_ca"])
def test_a_certificate_that_is_not_trusted_stops_it(proxmox_sim: Start, certificate: str) -> None:
    sim = proxmox_sim(certificate=certificate)
    for credential in (options, by_password):
        result = listed(sim, credential(sim))
        assert result.kind == "unavailable"
        assert "ca_path" in result.error["message"]
    assert [row for row in sim.control.journal() if not row["path"].startswith("/_sim")] == []


def test_switching_verification_off_warns(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    result = listed(sim, options(sim, ca_path=None, validate_certs=False))
    assert result.json["total"] > 0
    assert any("validate_certs" in text for text in result.warnings)


def test_the_next_host_is_asked_while_nothing_was_sent(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    hosts = ["127.0.0.1:1", *options(sim)["api_host"]]
    assert listed(sim, options(sim, api_host=hosts)).json["total"] > 0


def test_an_unreachable_host_is_named(proxmox_sim: Start) -> None:
    sim = proxmox_sim()
    result = listed(sim, options(sim, api_host=["127.0.0.1:1"]))
    assert result.kind == "unavailable"
    assert "127.0.0.1:1" in result.error["message"]
    assert result.error["retryable"]


def test_a_missing_library_is_named(proxmox_sim: Start, tmp_path: Any) -> None:
    import subprocess
    import sys

    script = (
        "import sys, types; sys.modules['proxmoxer'] = None; sys.path.insert(0, sys.argv[1])\n"
        "from plugins.module_utils.proxmox import api\n"
        "try:\n"
        "  with api.connect({'api_host': ['pve']}, types.SimpleNamespace(secret=print)): pass\n"
        "except Exception as error: print(error.kind, error.message)\n"
    )
    root = __file__.split("/tests/")[0]
    done = subprocess.run(
        [sys.executable, "-c", script, root], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("unsupported The Python library proxmoxer is missing for")
    assert sys.executable in done.stdout
