# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Never an orphan, never a second run: somebody is killed at any moment of a call that writes.

``VIRTBRIDGE_KILLS`` says how many in the long suite, ``VIRTBRIDGE_SEED`` repeats the choices.
Red when a killed run is started again (two restarts in the journal), and when runs have no PID
namespace and their guard is killed (the module waits on for a silent platform).
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests import results
from tests.faults.errands import world
from tests.faults.kills import Killing, Tally

QUICK = {"warm": 7, "cold": 3, "worker": 3}
LONG = int(os.environ.get("VIRTBRIDGE_KILLS", "500"))
SHARES = {"warm": 0.8, "cold": 0.1, "worker": 0.1}


def killed(folder: Path, kind: str, wanted: int) -> Tally:
    """Kill so often, and print what came of it."""
    seed = os.environ.get("VIRTBRIDGE_SEED") or str(random.SystemRandom().randrange(10**6))
    print(f"VIRTBRIDGE_SEED={seed}")
    with world(folder, kind) as made:
        killing = Killing(made, random.Random(f"{seed}-{kind}"))
        for _attempt in range(4 * wanted + 20):
            if killing.tally.kills >= wanted:
                break
            killing.one()
        tally = killing.tally
        assert "Traceback" not in made.served.log.read_text()
    results.record(f"kills-{kind}", {"seed": seed, **tally.figures()})
    assert tally.problems == [], f"VIRTBRIDGE_SEED={seed}: " + "\n".join(tally.problems)
    assert tally.kills >= wanted
    return tally


@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", QUICK)
def test_some_kills(tmp_path: Path, kind: str) -> None:
    killed(tmp_path, kind, QUICK[kind])


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", SHARES)
def test_many_kills(tmp_path: Path, kind: str) -> None:
    killed(tmp_path, kind, round(LONG * SHARES[kind]))
