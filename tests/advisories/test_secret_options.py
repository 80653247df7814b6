# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module is given in secret is in nothing that Ansible prints of it, however much it prints.

CVE-2020-25646 and CVE-2019-14864 (options without `no_log`), CVE-2024-0690 (`no_log` forgotten in
a loop), CVE-2024-8775 (secrets in what a failed task says).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from plugins.module_utils.engine.resource import Field
from plugins.module_utils.engine.spec import all_fields, argument_spec, sub_fields
from tests import measured
from tools.declarations import Declared, load
from tools.tree import build

MASK = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
NOWHERE = "https://127.0.0.1:1"
# What sounds like a secret must be one, unless it is the name, place or public half of something.
SOUNDS = re.compile(r"secret|password|token|(^|_)key($|_)|totp|user_data|credential")
PUBLIC = {"api_token_id", "ssh_key", "keypair", "client_key"}
# With these a call gets as far as to the platform, which is not there.
GIVEN = {"name": "machine", "vmid": 100, "command": "listZones", "kind": "Pod",
         "path": "/nodes/pve1/tasks", "api_host": "127.0.0.1", "api_port": 1, "api_url": NOWHERE,
         "api_token_id": "a@pam!b", "api_user": "a@pam", "vm_name": "machine",
         "namespace": "default", "instance_name": "machine", "snapshot": "one"}  # fmt: skip
SECRET_PARAMS = {
    "cloudstack_api": "keyword", "proxmox_api": "userfilter", "kubevirt_api": "labelSelector",
}  # fmt: skip
CANARY = "canary-of-an-option-{}"
OF_A_TARGET = "canary-of-a-target"


def options(module: Declared) -> dict[str, dict[str, Any]]:
    return argument_spec(module.declaration)


def named(fields: Any, spec: Any) -> Iterator[tuple[Field, str]]:
    """Yield each option at any depth, with its type."""
    for field in fields:
        argument = spec[field.name]
        yield field, argument.get("type", "str")
        if argument.get("options"):
            yield from named(sub_fields(field), argument["options"])


def value(argument: dict[str, Any]) -> Any:
    made = {"int": 1, "bool": True, "list": [], "dict": {}}
    return argument["choices"][0] if "choices" in argument else made.get(argument["type"], "x")


def task(module: Declared, number: int) -> tuple[dict[str, Any], list[str]]:
    """Return a task that gives a module every secret that it takes, and these."""
    spec, secrets = options(module), []
    given = {name: value(each) for name, each in spec.items() if each.get("required")}
    if module.is_facade:
        given |= {"target": "dead", "name": "machine"}
        given |= {"snapshot": "one"} if "snapshot" in spec else {}
    else:
        given |= {name: each for name, each in GIVEN.items() if name in spec}
    for field, kind in named(all_fields(module.declaration), spec):
        if field.name in spec and (field.secret or _sounds(field, spec[field.name])):
            secret = CANARY.format(f"{number}-{field.name}")
            secrets.append(secret)
            inside = SECRET_PARAMS.get(module.name, "")
            given[field.name] = {inside: secret} if kind == "dict" else secret
    call: dict[str, Any] = {f"virtbridge.core.{module.name}": given, "ignore_errors": True}
    return call | {"loop": ["once"], "name": module.name}, secrets


def _sounds(field: Field, argument: dict[str, Any]) -> bool:
    named_so = bool(SOUNDS.search(field.name)) and field.name not in PUBLIC
    return named_so and "choices" not in argument and argument["type"] == "str"


@pytest.mark.timeout(400)
def test_cve_2020_25646_no_secret_option_is_printed(tmp_path: Path) -> None:
    """Red when an option that is declared secret, or sounds so, is not hidden from Ansible."""
    build(tmp_path / "collections")
    token = tmp_path / "token"
    token.touch(0o600)
    token.write_text(OF_A_TARGET)
    target = {
        "platform": "proxmox", "url": NOWHERE,
        "credential": {"token_id": "a@pam!b", "token_secret_file": "token"},
    }  # fmt: skip
    (tmp_path / "targets.yml").write_text(yaml.safe_dump({"targets": {"dead": target}}))
    made = [task(module, number) for number, module in enumerate(load())]
    tasks, secrets = (
        [each for each, _secrets in made],
        [name for _task, names in made for name in names],
    )
    play = tmp_path / "play.json"
    play.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    done = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-playbook")), "-vvv", str(play)],
        env={
            **measured.environment(), "PATH": os.environ["PATH"], "HOME": str(tmp_path),
            "LC_ALL": "C.UTF-8", "ANSIBLE_HOME": str(tmp_path / "ansible"),
            "ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "collections"), "ANSIBLE_NOCOLOR": "1",
            "VIRTBRIDGE_TARGETS": str(tmp_path / "targets.yml"),
        },
        cwd=tmp_path, capture_output=True, text=True, timeout=380, check=False,
    )  # fmt: skip
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed[-3000:]
    assert len(secrets) > 35
    # What each module was given was printed, with a mask in the place of each secret.
    shown = re.split(r"TASK \[(\w+)\]", printed)
    for (_task, names), module in zip(made, load(), strict=True):
        part = shown[shown.index(module.name) + 1]
        # There is nobody to reach, and what nobody may be asked for is refused before.
        assert "Nothing was sent." in part, (module.name, part)
        if not module.is_facade:
            assert part.count(MASK) >= len(names), (module.name, part)
    assert [secret for secret in [*secrets, OF_A_TARGET] if secret in printed] == []
