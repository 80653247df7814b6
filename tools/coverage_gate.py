# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the tests once, measured, and fail when a group of packages is tested too little.

python tools/coverage_gate.py [--safety] [--report | --add] [--missing] [-- PYTEST-ARGUMENT ...]

prints one line for each group; with ``--report`` of the last run instead of a new one, with
``--add`` of what was measured before and a new one together. A group is a folder of
``plugins/module_utils`` (the engine, each platform), what these folders share,
``plugins/plugin_utils``, or the bridge, so that a new platform is one by being there. A file that
no test imports counts with all its branches, and a group without files has failed.

Measured are the test processes, the children that the tests fork, and the commands they start,
down to the runs of the bridge and of ansible-playbook, be it from a copy of the collection. What
is killed is not, as the process that a run of the bridge works in, once it has said its end.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import coverage

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / "build/coverage"
BAR = 95.0
TESTS = ("-n", "2", "--dist", "loadfile", "-q", "-m", "not long")
SAFETY_TESTS = (*TESTS, "tests/unit/mcp_bridge", "tests/cli/test_audit.py")
_SAFETY = ("policy*", "plan*", "approvals*", "audit*", "redact", "sealed", "private")
_SHARED = Path("plugins/module_utils")
_ALONE = (Path("plugins/plugin_utils"), Path("mcp_bridge"))


@dataclass
class Group:
    """What of some files the tests went through."""

    name: str
    files: set[str]
    bar: float = BAR
    branches: int = 0
    taken: int = 0
    lines: int = 0
    run: int = 0
    missing: list[str] = field(default_factory=list)

    def add(self, file: str, report: Mapping[str, Any]) -> None:
        """Add the figures of one file."""
        summary = report["summary"]
        self.branches += summary["num_branches"]
        self.taken += summary["covered_branches"]
        self.lines += summary["num_statements"]
        self.run += summary["covered_lines"]
        for begin, end in report["missing_branches"]:
            self.missing.append(f"{file}:{begin} to {'the end' if end < 0 else end}")

    @property
    def percent(self) -> float:
        """Return the share of its branches that were taken."""
        return share(self.taken, self.branches)

    @property
    def ok(self) -> bool:
        """Whether it was measured, and reaches the bar; code without branches by its lines."""
        return (
            bool(self.lines)
            and self.percent >= self.bar
            and share(self.run, self.lines) >= self.bar
        )


def share(part: int, whole: int) -> float:
    """Return a percentage, rounded down: 94.99 is not 95.0."""
    return int(1000 * part / whole) / 10 if whole else 100.0


def groups(root: Path = ROOT) -> list[Group]:
    """Return the groups that the folders below ``root`` make, without figures."""

    def sources(names: Iterable[Path]) -> set[str]:
        return {str(name.relative_to(root)) for name in names if name.suffix == ".py"}

    folders = sorted(path for path in (root / _SHARED).iterdir() if path.is_dir())
    found = [
        Group(folder.name, sources(folder.rglob("*")))
        for folder in folders
        if folder.name != "__pycache__"
    ]
    found.append(Group("shared by platforms", sources((root / _SHARED).iterdir())))
    found += [Group(place.name, sources((root / place).rglob("*"))) for place in _ALONE]
    return found


def safety(root: Path = ROOT) -> Group:
    """Return the group of what nothing may be left out of, without figures."""
    found = [path for name in _SAFETY for path in (root / "mcp_bridge").glob(f"{name}.py")]
    names = {str(path.relative_to(root)) for path in found if path.stem != "plaintext"}
    return Group("safety", names, bar=100.0)


def measure(arguments: Sequence[str], *, add: bool) -> int:
    """Run pytest with everything it starts measured; return its exit code."""
    if not add:
        shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir(parents=True, exist_ok=True)
    if (PLACE / "data").exists():
        (PLACE / "data").rename(PLACE / f"data.before-{time.time_ns()}")
    environment = os.environ | {
        "COVERAGE_ROOT": str(ROOT),
        # A run of the bridge gets no variable that is not named here.
        "VIRTBRIDGE_RUNNER_ENV_ALLOW": "COVERAGE_PROCESS_CONFIG",
    }
    command = [sys.executable, "-m", "coverage", "run", "-m", "pytest", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def collect(wanted: Sequence[Group]) -> None:
    """Put the figures of the last run into the groups."""
    os.chdir(ROOT)
    os.environ["COVERAGE_ROOT"] = str(ROOT)
    measured = coverage.Coverage(messages=False)
    if any(PLACE.glob("data.*")):
        measured.combine()
    measured.load()
    files = [str(ROOT / file) for group in wanted for file in sorted(group.files)]
    measured.get_data().touch_files(files)
    written = PLACE / "report.json"
    # Only these: an archive that Ansible sends holds files that are nowhere else.
    measured.json_report(outfile=str(written), include=files)
    reports = json.loads(written.read_text(encoding="utf-8"))["files"]
    for group in wanted:
        for file in sorted(group.files & set(reports)):
            group.add(file, reports[file])


def show(wanted: Sequence[Group], *, missing: bool) -> bool:
    """Print a line for each group; return whether all are good."""
    for group in wanted:
        word = "ok  " if group.ok else "FAIL"
        figures = f"{group.percent:5.1f} % of {group.branches:>4} branches"
        lines = f"{share(group.run, group.lines):5.1f} % of {group.lines:>4} lines"
        sys.stdout.write(f"{word} {group.name:<20} {figures}  {lines}  {len(group.files)} files\n")
        if missing or not group.ok:
            sys.stdout.write("".join(f"     | never {branch}\n" for branch in group.missing))
    return bool(wanted) and all(group.ok for group in wanted)


def main(arguments: Sequence[str]) -> int:
    """Measure, unless only the report is wanted; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--report", action="store_true", help="show the last run again")
    source.add_argument("--add", action="store_true", help="keep what was measured before")
    parser.add_argument("--safety", action="store_true", help="what decides and records, wholly")
    parser.add_argument("--missing", action="store_true", help="show what was not taken, of all")
    parser.add_argument("tests", nargs="*", help="arguments of pytest, after --")
    chosen = parser.parse_args(arguments)
    begin = time.monotonic()
    tests = chosen.tests or (SAFETY_TESTS if chosen.safety else TESTS)
    failed = 0 if chosen.report else measure(tests, add=chosen.add)
    wanted = [safety()] if chosen.safety else groups()
    try:
        collect(wanted)
    except coverage.CoverageException as problem:
        sys.stdout.write(f"FAIL: nothing was measured: {problem}\n")
        return 1
    good = show(wanted, missing=chosen.missing)
    passed = good and not failed
    least = min(group.bar for group in wanted)
    bar = f"{len(wanted)} groups, each at least {least:.0f} % of branches and of lines"
    ended = f", and pytest ended with {failed}" if failed else ""
    word = "ok" if passed else "FAIL"
    sys.stdout.write(f"{word}: {bar}{ended}; {time.monotonic() - begin:.0f} s\n")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
