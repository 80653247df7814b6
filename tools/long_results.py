# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run parts of the long suite and write their figures into docs/results/long-suite.md.

python tools/long_results.py [PART ...]    all parts when none is named; the others stay as they are
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import textwrap
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "docs/results/long-suite.json"
PAGE = ROOT / "docs/results/long-suite.md"
PYTEST = ("-m", "pytest", "-q", "-n", "0")
VARIABLES = ("VIRTBRIDGE_KILLS", "VIRTBRIDGE_SEED")
TITLES = {
    "kills": "500 kills at random moments",
    "calls": "1,000 calls of one bridge",
    "parity": "direct execution gives what the usual one gives",
    "cold": "the bridge's tests without a fork server",
    "perf": "virtbridge bench, for each platform, and cancels, against their bounds",
    "hostile": "hostile arguments, 1,000 of them through ansible-runner; killed audit writers",
    "canaries": "secrets of every kind in nine places, with each back end",
    "defects": "every known defect, planted one at a time, is caught",
}
COMMANDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "kills": ((*PYTEST, "-m", "long", "tests/faults/test_kills.py"),),
    "calls": ((*PYTEST, "-m", "long", "tests/faults/test_many_calls.py"),),
    "parity": ((*PYTEST, "tests/integration/direct"),),
    "cold": ((*PYTEST, "-m", "long", "tests/faults/test_cold.py"),),
    "hostile": (
        (*PYTEST, "-m", "long", "tests/security/test_hostile_arguments.py"),
        (*PYTEST, "-m", "long", "tests/unit/mcp_bridge/test_audit_crash.py"),
    ),
    "canaries": ((*PYTEST, "-m", "long", "tests/security/test_thirty_secrets.py"),),
    "defects": (("tools/seeded.py",),),
    "perf": ((*PYTEST, "-m", "long", "tests/perf", "tests/runner/test_cancels.py"),),
}


def main() -> int:
    """Run the parts, write both files, and return how many parts failed."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("part", nargs="*", help=f"of {', '.join(TITLES)}")
    names = reader.parse_args().part or list(TITLES)
    if unknown := set(names) - set(TITLES):
        reader.error(f"there is no part {', '.join(sorted(unknown))}")
    kept: dict[str, Any] = json.loads(KEPT.read_text("utf-8")) if KEPT.exists() else {}
    for name in names:
        kept[name] = measured(name)
        KEPT.parent.mkdir(parents=True, exist_ok=True)
        KEPT.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
        PAGE.write_text(page(kept), encoding="utf-8")
    return sum(not kept[name]["passed"] for name in names)


def measured(name: str) -> dict[str, Any]:
    """Return what one part came to, with where and when."""
    commands = COMMANDS[name]
    given = [f"{each}={os.environ[each]}" for each in VARIABLES if each in os.environ]
    figures: dict[str, Any] = {}
    passed = True
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"VIRTBRIDGE_RESULTS": folder}
        for command in commands:
            print(f"$ python {' '.join(command)}", flush=True)
            ran = subprocess.run([sys.executable, *command], cwd=ROOT, env=environment, check=False)
            passed = passed and ran.returncode == 0
        for file in sorted(Path(folder).glob("*.json")):
            figures |= json.loads(file.read_text("utf-8"))
    return {
        "passed": passed,
        "commands": [" ".join([*given, "python", *command]) for command in commands],
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "revision": revision(),
        "machine": f"{os.cpu_count()} CPUs, Python {sys.version.split()[0]}",
        "seconds": round(time.monotonic() - begin),
        "figures": figures,
    }


def revision() -> str:
    """Return the revision that is measured; one with changes says so."""

    def git(*words: str) -> str:
        command = ["git", "-C", str(ROOT), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    changed = git("status", "--porcelain", "--", ".", ":!docs/results")
    return git("rev-parse", "--short=12", "HEAD") + (" with changes" if changed else "")


def page(kept: dict[str, Any]) -> str:
    """Return the page of all parts that were ever run."""
    lines = [
        "# The last results of the long suite",
        "",
        "Written by `python tools/long_results.py [PART ...]`; each part says when and on what.",
    ]
    for name in (each for each in TITLES if each in kept):
        part = kept[name]
        lines += [
            "",
            f"## {name}: {TITLES[name]}",
            "",
            f"{'Passed' if part['passed'] else 'FAILED'}, {part['date']}, revision "
            f"{part['revision']}, {part['seconds']} s on {part['machine']}.",
            "",
            "```",
            *(f"$ {command}" for command in part["commands"]),
            *text(part["figures"]),
            "```",
        ]
    return "\n".join(lines) + "\n"


def text(value: Any, indent: str = "") -> list[str]:
    """Return figures as lines for people; what holds only plain values is one line."""
    lines = []
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(inner, list):
            lines += [f"{indent}{key}:", *(f"{indent}  {each}" for each in inner)]
        elif not isinstance(inner, dict):
            lines.append(f"{indent}{key}: {inner}")
        elif any(isinstance(each, dict | list) for each in inner.values()):
            lines += [f"{indent}{key}:", *text(inner, f"{indent}  ")]
        else:
            row = ", ".join(f"{name} {each}" for name, each in inner.items())
            lines += textwrap.wrap(f"{indent}{key}: {row}", 110, subsequent_indent=f"{indent}  ")
    return lines


if __name__ == "__main__":
    sys.exit(main())
