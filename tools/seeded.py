# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plant one known defect at a time in a copy of the repository, and see the tests go red.

python tools/seeded.py [NAME ...]     prints a table; exits 1 when a defect is not caught
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools.tree import ROOT, tracked


@dataclass(frozen=True)
class Defect:
    """A piece of text that becomes another, and the tests that must notice."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    also: tuple[tuple[str, str, str], ...] = ()
    """More changes (file, old, new), where further lines of defence would hide the first."""


_CLIENT = "plugins/module_utils/proxmox/client.py"
_TRANSPORT = "plugins/module_utils/transport.py"
_API = "plugins/module_utils/proxmox/api.py"
_TRUST = "tests/contract/proxmox/test_trust_and_login.py"
_WEATHER = "tests/contract/proxmox/test_bad_weather.py"
DEFECTS = (
    Defect(
        "pin ignored at login",
        _CLIENT,
        "        answer = self._transport.send(",
        "        import dataclasses\n"
        "        open_ = dataclasses.replace(\n"
        "            self._transport.endpoint, fingerprint=None, verify=False)\n"
        "        answer = (Transport(open_) if login else self._transport).send(",
        (f"{_TRUST}::test_a_wrong_pin_stops_before_anything_is_sent",),
    ),
    Defect(
        "pin ignored",
        _TRANSPORT,
        '            options |= {"assert_fingerprint": self._fingerprint, ',
        "            options |= {",
        (f"{_TRUST}::test_a_wrong_pin_stops_before_anything_is_sent",),
    ),
    Defect(
        "refused login tried twice",
        _API,
        "        raw = self._session.send(method, path, parameters)\n        #",
        "        try:\n            raw = self._session.send(method, path, parameters)\n"
        "        except VirtbridgeError:\n"
        "            raw = self._session.send(method, path, parameters)\n        #",
        (f"{_TRUST}::test_a_refused_login_is_tried_once",),
    ),
    Defect(
        "password in an exception's text",
        _CLIENT,
        'f"Login of {self._credential.user} at',
        'f"Login of {self._credential.user}:{self._credential.password!r} at',
        (f"{_TRUST}::test_a_refused_login_is_tried_once",),
        also=(
            (
                "plugins/module_utils/engine/module.py",
                "        clean: dict[str, Any] = self._redactor.value(result)",
                "        clean: dict[str, Any] = result",
            ),
            (
                "plugins/module_utils/engine/spec.py",
                '"no_log": field.secret',
                '"no_log": False',
            ),
            (_API, "            access.secret(params[name])", "            pass"),
        ),
    ),
    Defect(
        "write in check mode",
        _API,
        "        if self._access.read_only:",
        "        if False:",
        ("tests/contract/proxmox/test_read_only.py",),
    ),
    Defect(
        "lost answer sent again blindly",
        _API,
        "        except UncertainOutcome:\n            self._record(request, None, started)\n"
        "            raise",
        "        except UncertainOutcome:\n"
        "            raw = self._sent(method, path, parameters or {})",
        (f"{_WEATHER}::test_a_write_with_a_lost_answer_is_sent_once",),
    ),
    Defect(
        "failed task taken for a success",
        "plugins/module_utils/proxmox/waiting.py",
        '    return exitstatus == "OK" or',
        "    return True or",
        (f"{_WEATHER}::test_a_failing_task_is_loud_with_its_lines",),
    ),
    Defect(
        "argument not marked as literal text",
        "mcp_bridge/runner/play.py",
        '"__ansible_unsafe"',
        '"__ansible_text"',
        ("tests/runner/test_play.py",),
    ),
    Defect(
        "warnings taken for a failure",
        "plugins/module_utils/proxmox/waiting.py",
        '    return exitstatus == "OK" or',
        '    return exitstatus == "OK" and',
        (f"{_WEATHER}::test_a_task_with_warnings_has_succeeded_and_warns",),
    ),
)


def caught(defect: Defect, folder: Path) -> bool:
    """Whether the tests of a defect fail once it is planted in a copy below ``folder``."""
    copy = copied(folder / defect.name.replace(" ", "-").replace("'", ""))
    for file, old, new in ((defect.file, defect.old, defect.new), *defect.also):
        text = (copy / file).read_text("utf-8")
        if old not in text:
            raise LookupError(f"{defect.name}: {file} does not hold the text to change")
        (copy / file).write_text(text.replace(old, new), encoding="utf-8")
    return tested(copy, defect.tests) == 1


def copied(folder: Path) -> Path:
    """Return a copy of what is in the repository."""
    for name in tracked():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    return folder


def tested(copy: Path, tests: Iterable[str]) -> int:
    """Return pytest's exit code: 0 when they pass, 1 when one fails."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", *tests],
        cwd=copy,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=300,
        check=False,
    )
    return done.returncode


def main(wanted: list[str]) -> int:
    """Plant the defects named in ``wanted``, or all; return 1 when one is not caught."""
    missed = 0
    with tempfile.TemporaryDirectory(prefix="virtbridge-seeded-") as folder:
        every = dict.fromkeys(test for defect in DEFECTS for test in defect.tests)
        if tested(copied(Path(folder) / "clean"), every):
            sys.stdout.write("the tests fail without any defect; mend that first\n")
            return 1
        for defect in DEFECTS:
            if wanted and defect.name not in wanted:
                continue
            begin = time.monotonic()
            found = caught(defect, Path(folder))
            missed += not found
            word = "caught" if found else "MISSED"
            sys.stdout.write(f"{word}  {defect.name:<40} {time.monotonic() - begin:6.1f} s\n")
            sys.stdout.flush()
    sys.stdout.write(f"{len(DEFECTS)} defects, {missed} missed\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
