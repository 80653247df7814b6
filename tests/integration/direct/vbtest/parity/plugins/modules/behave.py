#!/usr/bin/python
# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Behave well or badly, as told: what the parity suite compares."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

_KEPT: list[str] = []


def misbehave(module: AnsibleModule, how: str) -> None:
    """Do what modules should not, or end early."""
    if how == "fail":
        module.fail_json(msg="it failed", error={"kind": "conflict"})
    if how == "raise":
        raise RuntimeError("a defect")
    if how == "print":
        print("noise before")
        os.write(1, b"and more of it\n")
        sys.stderr.write("noise aside\n")
    if how == "warn":
        module.warn("be careful")
        module.deprecate("old habit", version="9.9.9", collection_name="vbtest.parity")
    if how == "silent":
        sys.exit(0)
    if how == "die":
        os._exit(3)
    if how == "exit text":
        sys.exit("a last word")
    if how == "mutate":
        os.chdir("/")
        os.environ["VBTEST_LEFT"] = "behind"
        os.umask(0)
        _KEPT.append("left")
    if how == "sleep":
        time.sleep(30)
    if how == "child":
        subprocess.run(["true"], check=True)
    if how == "temporary":
        module.exit_json(changed=False, made=Path(module.tmpdir).is_dir())


def main() -> None:
    """Answer as asked."""
    spec = {
        "how": {"type": "str", "default": "ok"},
        "number": {"type": "int"},
        "password": {"type": "str", "no_log": True},
        "payload": {"type": "raw"},
        "together": {"type": "str"},
    }
    module = AnsibleModule(
        argument_spec=spec,
        required_by={"together": ("number",)},
        supports_check_mode=True,
    )
    how = module.params["how"]
    misbehave(module, how)
    module.exit_json(
        changed=how == "change",
        diff={"before": "a\n", "after": "b\n"},
        how=how,
        payload=module.params["payload"],
        password=module.params["password"],
        check=module.check_mode,
        state={
            "cwd": str(Path.cwd()),
            "kept": len(_KEPT),
            "forked": "ansible.executor.task_executor" in sys.modules if how == "way" else None,
            "left": os.environ.get("VBTEST_LEFT"),
            "given": os.environ.get("VBTEST_GIVEN"),
            "umask": os.umask(0o22) if how == "umask" else None,
            "stdin": sys.stdin.read(1) if how == "stdin" else None,
        },
    )


if __name__ == "__main__":
    main()
