# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of what is installed: Python, ansible-core, libraries, and the collection's files."""

from __future__ import annotations

import hashlib
import json
import os
import site
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.version import Version

from .. import __version__
from .finding import Finding, fail, ok, warn

OLDEST_PYTHON = (3, 11)
# What the tests run on, from the oldest to the newest.
CORES = ("2.16", "2.21")
PACKAGE = Path(__file__).parent.parent
_CORE = Path("ansible_collections", "virtbridge", "core")
_AGAIN = "Install virtbridge again: pip install --force-reinstall virtbridge."
_SHOWN = 5


def python(version: tuple[int, int] = sys.version_info[:2]) -> Finding:
    """Check the interpreter, which also runs the modules."""
    words = f"Python {version[0]}.{version[1]} at {sys.executable}"
    if version < OLDEST_PYTHON:
        need = ".".join(map(str, OLDEST_PYTHON))
        return fail("python", words, f"Install virtbridge with Python {need} or newer.")
    return ok("python", words)


def ansible_core() -> Finding:
    """Check that ansible-core is of a line that virtbridge is tested with."""
    found = _version("ansible-core")
    if found is None:
        return fail("ansible-core", "it is not installed", _AGAIN)
    line = Version(found).release[:2]
    oldest, newest = (Version(each).release[:2] for each in CORES)
    words = f"{found}; tested are {CORES[0]} to {CORES[1]}"
    if line < oldest:
        return fail("ansible-core", words, f'Run pip install "ansible-core>={CORES[0]}".')
    if line > newest:
        advice = f'When runs fail, go back: pip install "ansible-core<={CORES[1]}.99".'
        return warn("ansible-core", words, advice)
    return ok("ansible-core", words)


def libraries() -> Finding:
    """Check what the modules and the bridge import, against the oldest versions that will do."""
    try:
        wanted = [Requirement(text) for text in metadata.requires("virtbridge") or ()]
    except metadata.PackageNotFoundError:
        words = "virtbridge runs from a folder and is not installed: its needs are not known"
        return warn("libraries", words, "Install it: pip install virtbridge, or -e CHECKOUT.")
    wrong, versions = [], {}
    for need in wanted:
        needed = need.marker is None or need.marker.evaluate({"extra": ""})
        if not needed or need.name == "ansible-core":
            continue
        found = _version(need.name)
        versions[need.name] = found
        if found is None:
            wrong.append(f"{need.name} is not installed")
        elif not need.specifier.contains(found, prereleases=True):
            wrong.append(f"{need.name} is {found}, must be {need.specifier}")
    if wrong:
        return fail("libraries", "; ".join(wrong), "Run pip install --upgrade virtbridge.")
    names = ("ansible-runner", "kubernetes", "proxmoxer", "requests", "mcp")
    shown = ", ".join(f"{name} {versions[name]}" for name in names if versions.get(name))
    return ok("libraries", f"all {len(versions)} there: {shown}")


def collection(package: Path = PACKAGE) -> Finding:
    """Check that the shipped collection is as it was built; a checkout is said to be one."""
    shipped = package / "_collections"
    if not shipped.is_dir():
        if (package.parent / "plugins" / "modules").is_dir():
            return ok("collection", f"a checkout in {package.parent}: its files may be changed")
        words = f"virtbridge.core is neither in {shipped} nor in {package.parent}"
        return fail("collection", words, _AGAIN)
    try:
        sums = _sums(shipped / "SHA256SUMS")
    except (OSError, ValueError):
        return fail("collection", f"{shipped / 'SHA256SUMS'} is missing or damaged", _AGAIN)
    root = shipped / _CORE
    wrong = [text for name, digest in sums.items() if (text := _differs(root / name, digest))]
    wrong += [f"{name} was added" for name in _files(root) if name not in sums]
    if wrong:
        more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        return fail("collection", f"in {root}: {', '.join(wrong[:_SHOWN])}{more}", _AGAIN)
    return ok("collection", f"virtbridge.core {__version__}, {len(sums)} files as they were built")


def other_copy(environ: Mapping[str, str] | None = None) -> Finding:
    """Check whether a playbook would take another virtbridge.core than the bridge does."""
    environ = os.environ if environ is None else environ
    for root in _default_paths(environ):
        place = root / _CORE
        if place.is_dir() and not place.resolve().is_relative_to(PACKAGE):
            found = _collection_version(place) or "of no known version"
            words = f"playbooks take virtbridge.core {found} in {place}"
            if found == __version__:
                return ok("other copy", f"{words}, the same version")
            advice = f"Install {__version__} there, or remove it; the bridge uses its own."
            return warn("other copy", f"{words}, the bridge {__version__}", advice)
    return ok("other copy", "none on the default collections path")


def _default_paths(environ: Mapping[str, str]) -> Iterator[Path]:
    given = environ.get("ANSIBLE_COLLECTIONS_PATH")
    usual = ["~/.ansible/collections", "/usr/share/ansible/collections"]
    for path in given.split(os.pathsep) if given else usual:
        yield Path(path).expanduser()
    yield from map(Path, site.getsitepackages())


def _collection_version(place: Path) -> str | None:
    try:
        manifest = place / "MANIFEST.json"
        if manifest.exists():
            facts = json.loads(manifest.read_text(encoding="utf-8"))["collection_info"]
        else:
            facts = yaml.safe_load((place / "galaxy.yml").read_text(encoding="utf-8"))
        return str(facts["version"])
    except (OSError, ValueError, LookupError, TypeError, yaml.YAMLError):
        return None


def _sums(file: Path) -> dict[str, str]:
    sums = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        digest, name = line.split("  ", 1)
        sums[name] = digest
    if not sums:
        raise ValueError("it is empty")
    return sums


def _differs(path: Path, digest: str) -> str:
    try:
        content = path.read_bytes()
    except OSError:
        return f"{path.name} is missing"
    return "" if hashlib.sha256(content).hexdigest() == digest else f"{path.name} was changed"


def _files(root: Path) -> list[str]:
    return [
        str(path.relative_to(root))
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.suffix != ".pyc"
    ]


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
