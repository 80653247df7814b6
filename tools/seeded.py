# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plant one known defect at a time in a copy of the repository, and see the tests go red.

python tools/seeded.py [--core LINE ...] [NAME ...]

prints a table; exits 1 when a defect is not caught. With ``--core`` only those defects that the
real modules' suite must catch on every line of ansible-core, on the lines given (``own`` is the
one of this environment, ``all`` are all that this machine has).
"""

from __future__ import annotations

import argparse
import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests import results
from tools.cores import CORES, OWN, Core
from tools.defects import DEFECTS, REAL, Defect
from tools.tree import ROOT, tracked


def caught(defect: Defect, folder: Path, core: Core | None = None) -> bool:
    """Whether the tests of a defect fail once it is planted in a copy below ``folder``.

    ``core`` is the ansible-core of the tests that run on each; None is this environment's own.
    """
    copy = copied(folder / re.sub(r"[^a-z]+", "-", defect.name))
    for file, old, new in ((defect.file, defect.old, defect.new), *defect.also):
        text = (copy / file).read_text("utf-8")
        if old not in text:
            raise LookupError(f"{defect.name}: {file} does not hold the text to change")
        (copy / file).write_text(text.replace(old, new), encoding="utf-8")
    if not defect.each_core:
        return tested(copy, "-x", *defect.tests)[0] == 1
    code, passed = tested(copy, "-k", f"{named(core)} and ({defect.each_core})", *defect.tests)
    return code == 1 and not passed


def named(core: Core | None) -> str:
    """Return what the ids of the tests call a core."""
    return f"core-{core.line if core else OWN}"


def copied(folder: Path) -> Path:
    """Return a copy of what is in the repository, with the environments of the cores."""
    for name in tracked():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    # The tests ask git what belongs to the collection.
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    (ROOT / "build/cores").mkdir(parents=True, exist_ok=True)
    (folder / "build").mkdir(exist_ok=True)
    (folder / "build/cores").symlink_to(ROOT / "build/cores")
    return folder


def tested(copy: Path, *arguments: str) -> tuple[int, int]:
    """Return pytest's exit code (0 when all pass, 1 when one fails), and how many passed."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rp", *arguments],
        cwd=copy,
        # What a broken product measures is no figure of the product.
        env={name: text for name, text in os.environ.items() if name != results.FOLDER},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    return done.returncode, sum(line.startswith("PASSED ") for line in done.stdout.splitlines())


def works(copy: Path, cores: Sequence[Core | None], *, ordinary: bool) -> bool:
    """Whether all tests of all defects pass in a copy without any defect."""
    tests = dict.fromkeys(each for one in DEFECTS if not one.each_core for each in one.tests)
    if ordinary and tested(copy, *tests)[0]:
        return False
    return not any(tested(copy, "-k", named(core), *REAL)[0] for core in cores)


def plan(cores: Sequence[str], wanted: Sequence[str]) -> Iterator[tuple[Defect, Core | None]]:
    """Yield which defect is planted for which core; `SystemExit` for a name that is unknown."""
    lines = {core.line: core for core in CORES}
    every = [OWN, *(line for line, core in lines.items() if not core.why_not())]
    chosen = every if "all" in cores else cores or [OWN]
    for line in chosen:
        if line != OWN and line not in lines:
            raise SystemExit(f"no core {line}; there are all, {OWN}, {', '.join(lines)}")
        if line != OWN and lines[line].why_not():
            raise SystemExit(f"ansible-core {line}: {lines[line].why_not()}")
    names = [defect.name for defect in DEFECTS]
    for name in wanted:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            raise SystemExit(
                f"no defect {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")
            )
    for line in chosen:
        for defect in DEFECTS:
            if (not wanted or defect.name in wanted) and (defect.each_core or not cores):
                yield defect, lines.get(line)


def main(arguments: list[str]) -> int:
    """Plant the defects that were asked for; return 1 when one is not caught."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--core", action="append", default=[], metavar="LINE")
    parser.add_argument("names", nargs="*", metavar="NAME")
    given = parser.parse_args(arguments)
    planned = list(plan(given.core, given.names))
    cores = list(dict.fromkeys(core for _defect, core in planned))
    for core in cores:
        if core is not None:
            core.bridge_python()
    missed: list[str] = []
    with tempfile.TemporaryDirectory(prefix="virtbridge-seeded-") as folder:
        # The clean copy shows that a red test is the defect's doing.
        if not works(copied(Path(folder) / "clean"), cores, ordinary=not given.core):
            sys.stdout.write("the tests fail without any defect; mend that first\n")
            return 1
        for number, (defect, line) in enumerate(planned):
            begin = time.monotonic()
            found = caught(defect, Path(folder) / str(number), line)
            missed += [] if found else [defect.name]
            word = "caught" if found else "MISSED"
            took = time.monotonic() - begin
            sys.stdout.write(f"{word}  {named(line):<10} {defect.name:<40} {took:6.1f} s\n")
            sys.stdout.flush()
    results.record("seeded", {"defects": len(planned), "missed": ", ".join(missed) or "none"})
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
