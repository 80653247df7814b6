# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Targets in real playbooks: each way to hand over a secret, and no credential astray."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret

import virtsim

Play = Callable[..., dict[str, Any]]
ASTRAY = {
    "PROXMOX_HOST": "127.0.0.1:1",
    "PROXMOX_TOKEN_ID": "astray@pam!no",
    "PROXMOX_TOKEN_SECRET": "astray-0b9d4c1e-secret",
    "PROXMOX_USER": "astray@pam",
    "PROXMOX_PASSWORD": "astray-0b9d4c1e-password",
    "PROXMOX_CA_PATH": "/nonexistent/ca.pem",
    "PROXMOX_FINGERPRINT": "AA:" * 31 + "AA",
    "PROXMOX_VALIDATE_CERTS": "false",
}
pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def three_ways(targets: Path, sim: virtsim.SimServer) -> Path:
    """Targets that take their secret from a file, the environment, and an inline vault value."""
    content = yaml.safe_load(targets.read_text())["targets"]
    lab = content["lab"]
    by_env = {"username": sim.credentials["username"], "password_env": "VB_TEST_PASSWORD"}
    named = {
        "by-file": lab,
        "by-env": {**lab, "credential": by_env},
        "by-vault": {**lab, "credential": {"token_id": sim.credentials["token_id"]}},
    }
    named["by-vault"]["credential"]["token_secret"] = "VAULT"
    text = yaml.safe_dump({"targets": named})
    vault = VaultLib([("default", VaultSecret(b"pass phrase"))])
    secret = vault.encrypt(sim.credentials["token_secret"]).decode()
    indented = "".join(f"\n        {line}" for line in secret.splitlines())
    targets.write_text(text.replace("VAULT", f"!vault |{indented}"))
    targets.with_name("phrase").write_text("pass phrase\n")
    targets.with_name("wrong").write_text("another phrase\n")
    return targets


def test_each_way_to_hand_over_a_secret_works_and_shows_nothing(
    play: Play, sim: virtsim.SimServer, three_ways: Path
) -> None:
    seen = play(
        [
            {
                "virtbridge.core.vm_info": {"target": "{{ item }}", "name": "web1"},
                "loop": ["by-file", "by-env", "by-vault"],
                "register": "found",
            },
        ],
        "-vvv",
        f"--vault-password-file={three_ways.with_name('phrase')}",
        env={**ASTRAY, "VB_TEST_PASSWORD": sim.credentials["password"]},
    )
    refs = [each["objects"][0]["ref"] for each in seen["found"]["results"]]
    assert refs == ["by-file/-/100", "by-env/-/100", "by-vault/-/100"]
    assert "astray@pam" not in {row["user"] for row in sim.control.journal()}
    secrets = [sim.credentials[name] for name in ("token_secret", "password")]
    secrets += [value for name, value in ASTRAY.items() if name.endswith(("SECRET", "PASSWORD"))]
    assert not [secret for secret in secrets if secret in seen["printed"]]


def test_a_secret_that_cannot_be_had_is_said_before_anything_is_sent(
    play: Play, sim: virtsim.SimServer, three_ways: Path
) -> None:
    three_ways.with_name("token").chmod(0o644)
    seen = play(
        [
            {
                "virtbridge.core.proxmox_vm_info": {"target": "{{ item }}"},
                "loop": ["by-file", "by-env", "by-vault"],
                "register": "failed",
                "ignore_errors": True,
            },
        ],
        f"--vault-password-file={three_ways.with_name('wrong')}",
    )
    errors = [each["error"] for each in seen["failed"]["results"]]
    assert [error["kind"] for error in errors] == ["validation"] * 3
    told = [error["message"] for error in errors]
    assert "has mode 0644" in told[0]
    assert "VB_TEST_PASSWORD is not set" in told[1]
    assert "cannot decrypt this !vault value" in told[2]
    assert sim.control.journal() == []


def test_a_dead_target_does_not_keep_the_next_from_answering(play: Play) -> None:
    seen = play(
        [
            {
                "virtbridge.core.vm_info": {"target": "{{ item }}", "name": "web1"},
                "loop": ["dead", "lab"],
                "register": "found",
                "ignore_errors": True,
                "delegate_to": "elsewhere",
                "vars": {
                    "ansible_connection": "local",
                    "ansible_python_interpreter": "{{ ansible_playbook_python }}",
                },
            },
        ]
    )
    dead, lab = seen["found"]["results"]
    assert (dead["error"]["kind"], dead["error"]["retryable"]) == ("unavailable", True)
    assert [each["ref"] for each in lab["objects"]] == ["lab/-/100"]


def test_credentials_of_a_target_go_to_no_other_host(play: Play, sim: virtsim.SimServer) -> None:
    elsewhere = {"api_host": ["127.0.0.1:1"], "api_user": "me@pam", "api_password": "not-this-one"}
    module, facade = "virtbridge.core.proxmox_vm_info", "virtbridge.core.vm_info"
    seen = play(
        [
            {module: {"target": "lab", "name": "web1"}, "register": "module"},
            {facade: {"target": "lab", "name": "web1"}, "register": "facade"},
            {
                module: {"target": "lab", "api_host": ["127.0.0.1:2"]},
                "register": "refused",
                "ignore_errors": True,
            },
        ],
        module_defaults={"group/virtbridge.core.proxmox": elsewhere},
    )
    assert [seen[name]["total"] for name in ("module", "facade")] == [1, 1]
    assert seen["refused"]["error"]["fields"] == {"api_host": "cannot stand beside target"}
    assert {row["user"] for row in sim.control.journal()} == {sim.credentials["token_id"]}


def test_a_state_that_a_platform_never_has_matches_nothing(
    play: Play, sim: virtsim.SimServer
) -> None:
    none = {"virtbridge.core.vm_info": {"target": "lab", "state": ["error"]}, "register": "found"}
    seen = play([none])["found"]
    assert (seen["objects"], seen["total"], seen["changed"]) == ([], 0, False)
    assert sim.control.journal() == []
