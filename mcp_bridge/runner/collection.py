# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the collection that the bridge ships; it always comes first on the collections path."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ..errors import RunnerBroken

_NAME = Path("ansible_collections", "virtbridge", "core")
_PARTS = ("galaxy.yml", "meta", "playbooks", "plugins", "roles")
_PACKAGE = Path(__file__).parent.parent


def collection_path(links: Path | None = None) -> Path:
    """Return the folder `ansible_collections/virtbridge/core` to run from.

    An installed wheel carries it. A checkout has no such folder, so one of links to it is made
    below ``links`` (default: `build/links` of the checkout), which is never out of date.
    """
    shipped = _PACKAGE / "_collections" / _NAME
    if shipped.is_dir():
        return shipped
    checkout = _PACKAGE.parent
    if not (checkout / "plugins" / "modules").is_dir():
        raise RunnerBroken(
            f"The collection virtbridge.core is neither in {shipped} nor in {checkout}; "
            "install the wheel again."
        )
    folder = (links or checkout / "build" / "links") / _NAME
    folder.mkdir(parents=True, exist_ok=True)
    for part in _PARTS:
        if (checkout / part).exists():
            _link(folder / part, checkout / part)
    return folder


def collections_root(links: Path | None = None) -> Path:
    """Return what ANSIBLE_COLLECTIONS_PATH must name first."""
    return collection_path(links).parents[2]


def _link(link: Path, to: Path) -> None:
    """Point a link at a path, also while other processes do the same."""
    if link.is_symlink() and link.readlink() == to:
        return
    with tempfile.TemporaryDirectory(dir=link.parent, prefix=".link-") as folder:
        made = Path(folder, "link")
        made.symlink_to(to)
        made.replace(link)
