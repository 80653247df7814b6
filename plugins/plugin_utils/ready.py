# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the modules of a playbook import, imported once in the process that forks all of them.

Ansible looks at the class of a task's action in that process, before it forks a worker. An action
of one module has that module's imports anyway. What is left is imported here: a facade's action
does not know which platform it will call, and the library that reads kubeconfigs is slow and not
always needed. All of this only saves time, so whatever goes wrong is left to the module to say.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable
from contextlib import suppress

from ..module_utils.engine.resource import Declaration
from ..module_utils.engine.spec import argument_spec
from . import forked
from .direct import OFF, SWITCH
from .targets import location

KUBERNETES = ("kubernetes.config", "kubernetes.client")
_KUBECONFIG = b"kubeconfig"
_VARIABLE = "K8S_AUTH_KUBECONFIG"


def for_module(declaration: Declaration) -> None:
    """Derive the options of a module from its declaration; they are remembered."""
    if _wanted():
        argument_spec(declaration)


def for_facade(package: str, modules: Iterable[tuple[str, str]]) -> None:
    """Import the modules, given with their platforms, whose platform has a target.

    ``package`` is the one that has the modules.
    """
    known = _targets()
    if known is None or not _wanted():
        return
    for platform, module in modules:
        if platform.encode() in known:
            _imported(f"{package}.{module}")
    if _KUBECONFIG in known:
        _imported(*KUBERNETES)


def for_kubevirt() -> None:
    """Import what reads kubeconfigs, unless it is clear that no task needs it."""
    known = _targets()
    needed = known is None or _KUBECONFIG in known or os.environ.get(_VARIABLE)
    if needed and _wanted():
        _imported(*KUBERNETES)
        _configured()


def _wanted() -> bool:
    return forked.AVAILABLE and os.environ.get(SWITCH, "1").lower() not in OFF


def _targets() -> bytes | None:
    """Return the text of the targets file, None when there is none."""
    with suppress(Exception):
        return location().read_bytes()
    return None


def _configured() -> None:
    """Make a configuration once, and forget it: its loggers and what it looks up stay."""
    with suppress(Exception):
        importlib.import_module("kubernetes.client").Configuration()


def _imported(*names: str) -> None:
    for name in names:
        with suppress(Exception):
            importlib.import_module(name)
