# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Load the authorities that modules will trust, in a process that forks them.

Only certificates of authorities are loaded here, never a client's certificate or its key.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..module_utils import trust
from ..module_utils.engine.errors import VirtbridgeError
from . import schema_check, targets
from .target_secrets import absolute

_OFF = ("0", "false", "no", "off", "n", "f")


def of_targets(file: Path | None = None) -> None:
    """Load what the targets of a file trust; a file that cannot be used is reported elsewhere."""
    schema_check.prepare(targets.schema())
    with suppress(VirtbridgeError):
        path = file or targets.location()
        for target in targets.read(path).values():
            by_kubeconfig = "url" not in target and "urls" not in target
            if not by_kubeconfig and target.get("verify_tls", True):
                given = target.get("ca_file")
                _load(absolute(path.parent, given) if given else None, target.get("fingerprint"))


def of_arguments(arguments: Mapping[str, Any]) -> None:
    """Load what a module will trust that gets these arguments."""
    checks = str(arguments.get("validate_certs", True)).lower() not in _OFF
    # A kubeconfig names authorities of its own; the usual ones would be loaded for nothing.
    elsewhere = arguments.get("kubeconfig") and not arguments.get("ca_path")
    if checks and "ca_path" in arguments and not elsewhere:
        _load(arguments["ca_path"], arguments.get("fingerprint"))


def _load(ca_path: Any, fingerprint: Any) -> None:
    if not fingerprint and (ca_path is None or isinstance(ca_path, str)):
        trust.prepare(ca_path or None)
