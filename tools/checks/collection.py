# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of the collection, by Ansible's own tools, on a copy below build/."""

from __future__ import annotations

import re
import shutil
import tarfile
from collections.abc import Mapping
from pathlib import Path

from tools.checks.steps import BUILD, ROOT, Found, Step, call
from tools.tree import build, tracked

SANITY_TESTS = 24
# It lists every file below the checkout, also those that another check only has for a moment.
_VANISHED, _TURNS = "[Errno 2]", 4
GOLDEN = ROOT / "tests/packaging/collection_files.txt"


def _home() -> Mapping[str, str]:
    """Return an environment in which Ansible's tools write below build/ only."""
    home = BUILD / "home"
    cache = home / ".ansible/test/cache"
    cache.mkdir(parents=True, exist_ok=True)
    # ansible-test would fetch this file; the interpreter brings its own pip.
    bootstrap = "import ensurepip\nensurepip.bootstrap(default_pip=True)\n"
    for version in ("20_3_4", "21_3_1", "24_2"):
        (cache / f"get_pip_{version}.py").write_text(bootstrap, encoding="utf-8")
    return {
        "HOME": str(home),
        "ANSIBLE_HOME": str(home / ".ansible"),
        "ANSIBLE_COLLECTIONS_PATH": str(BUILD / "tree"),
        "XDG_CACHE_HOME": str(home / ".cache"),
    }


def _sanity() -> Found:
    place = build(BUILD / "sanity")
    (place / "tests").mkdir()
    shutil.copy2(ROOT / "tests/config.yml", place / "tests")
    modules = len(list((place / "plugins/modules").glob("*.py")))
    # It finds its files by git, and looks for the place of the collection above.
    call(["git", "init", "-q", "."], cwd=place)
    call(["git", "add", "-A"], cwd=place)
    code, output = call(
        ["ansible-test", "sanity", "--color", "no", "--python", "3.11", "--requirements"],
        cwd=place,
        env=_home(),
    )
    tests = len(set(re.findall(r"^Running sanity test [\"']([\w-]+)[\"']", output, re.MULTILINE)))
    ok = code == 0 and tests == SANITY_TESTS and modules > 0
    return ok, tests, f"{tests} of {SANITY_TESTS} tests on {modules} modules\n{output}"


def _tree() -> Found:
    place = build(BUILD / "tree")
    return True, sum(1 for name in place.rglob("*") if name.is_file()), ""


def _lint() -> Found:
    place = BUILD / "tree/ansible_collections/virtbridge/core"
    shutil.copy2(ROOT / ".ansible-lint", place)
    code, output = call(
        ["ansible-lint", "--offline", "--profile", "production", "--nocolor"],
        cwd=place,
        env=_home(),
    )
    found = re.search(r"(\d+) files? processed|in (\d+) files", output)
    count = int(next(filter(None, found.groups()))) if found else 0
    return code == 0, count, output


def _documentation() -> Found:
    place = BUILD / "tree/ansible_collections/virtbridge/core"
    code, output = call(
        ["antsibull-docs", "lint-collection-docs", "--plugin-docs", "."], cwd=place, env=_home()
    )
    return code == 0, len(list((place / "plugins/modules").glob("*.py"))), output


def _changelog() -> Found:
    code, output = call(["antsibull-changelog", "lint"])
    return code == 0, len(list((ROOT / "changelogs/fragments").glob("*.yml"))), output


def _yaml() -> Found:
    names = [str(name) for name in tracked() if name.suffix in {".yml", ".yaml"}]
    names = [name for name in names if not name.startswith("tests/corpus/")]
    code, output = call(["yamllint", "-s", *names])
    return code == 0, len(names), output


def _tarball() -> Found:
    out = BUILD / "tarball"
    shutil.rmtree(out, ignore_errors=True)
    command = ["ansible-galaxy", "collection", "build", "--output-path", str(out), "--force"]
    for _turn in range(_TURNS):
        code, output = call(command, env=_home())
        if code == 0 or _VANISHED not in output:
            break
    if code:
        return False, 0, output
    with tarfile.open(next(out.glob("*.tar.gz"))) as archive:
        names = sorted(member.name for member in archive.getmembers() if member.isfile())
    return _against_golden(names)


def _against_golden(names: list[str]) -> Found:
    wanted = GOLDEN.read_text("utf-8").split("\n")[:-1] if GOLDEN.exists() else []
    added = [f"+ {name}" for name in names if name not in wanted]
    gone = [f"- {name}" for name in wanted if name not in names]
    listed = Path(BUILD / "collection_files.txt")
    listed.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    text = "\n".join([*added, *gone, f"if that is meant: cp {listed} {GOLDEN}"])
    return not added and not gone, len(names), text


LANES = (
    (
        Step("collection tree", "files", _tree),
        Step("changelog", "fragments", _changelog),
        Step("yaml", "files", _yaml),
        Step("collection tarball", "files", _tarball),
        Step("plugin docs", "modules", _documentation),
        Step("ansible-lint", "files", _lint),
        Step("sanity", "sanity tests", _sanity),
    ),
)
