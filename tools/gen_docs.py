# Copyright: (c) 2026, the virtbridge maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write everything that follows from the declarations; with ``--check`` say what is stale.

Modules keep their EXAMPLES, which are written by hand; all other text in the generated files
comes from ``tools/declarations.py``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools.declarations import Declared, load
from tools.docgen.files import GenerationError, lacks_examples, orphans, render

ROOT = Path(__file__).resolve().parent.parent


def generate(root: Path, everything: Sequence[Declared], *, check: bool) -> list[str]:
    """Write the files below ``root``, or only look; return what is wrong, a line each."""
    problems = []
    rendered = dict(render(root, everything))
    for path, text in rendered.items():
        place = path.relative_to(root)
        if path.parent.name == "modules" and path.suffix == ".py" and lacks_examples(text):
            problems.append(
                f"{place}: no examples; write some tasks between the quotes of EXAMPLES"
            )
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        if check:
            problems.append(f"{place}: stale; run tools/gen_docs.py")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    for path in orphans(root, set(rendered)):
        problems.append(f"{path.relative_to(root)}: belongs to no declaration; delete it")
    return problems


def main(argv: Sequence[str] | None = None) -> int:
    """Generate or check; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="write nothing, fail on a difference")
    options = parser.parse_args(argv)
    everything = load()
    try:
        problems = generate(ROOT, everything, check=options.check)
    except GenerationError as error:
        problems = [str(error)]
    sys.stderr.write("".join(f"{problem}\n" for problem in problems))
    sys.stdout.write(f"{len(everything)} modules, {len(problems)} problems\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
