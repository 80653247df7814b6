# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run every static check, one line each; a check that examined nothing has failed."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools.checks.collection import LANES as COLLECTION_LANES
from tools.checks.python import LANES as PYTHON_LANES
from tools.checks.steps import Step, Verdict, execute


def _lane(steps: tuple[Step, ...], report: Callable[[Step, Verdict], None]) -> list[Verdict]:
    verdicts = []
    for step in steps:
        verdict = execute(step)
        report(step, verdict)
        verdicts.append(verdict)
    return verdicts


def _report(step: Step, verdict: Verdict) -> None:
    word = "ok  " if verdict.ok else "FAIL"
    line = f"{word} {step.name:<22} {verdict.count:>6} {step.unit:<18} {verdict.seconds:6.1f} s"
    sys.stdout.write(line + "\n")
    if not verdict.ok:
        sys.stdout.write("".join(f"     | {text}\n" for text in verdict.output.splitlines()[-60:]))
    sys.stdout.flush()


def main(wanted: list[str]) -> int:
    """Run the steps named in ``wanted``, or all; return the exit code."""
    started = time.monotonic()
    lanes = [
        tuple(step for step in lane if not wanted or step.name in wanted)
        for lane in (*PYTHON_LANES, *COLLECTION_LANES)
    ]
    with ThreadPoolExecutor(max_workers=2) as pool:
        done = pool.map(lambda lane: _lane(lane, _report), [lane for lane in lanes if lane])
        verdicts = [verdict for lane in done for verdict in lane]
    failed = sum(not verdict.ok for verdict in verdicts)
    seconds = time.monotonic() - started
    if not verdicts:
        sys.stdout.write(f"FAIL: no step is called {', '.join(wanted)}\n")
        return 2
    word = "FAIL" if failed else "ok"
    sys.stdout.write(f"{word}: {len(verdicts)} checks, {failed} failed, {seconds:.0f} s\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
