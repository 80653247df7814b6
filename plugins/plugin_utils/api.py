# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controller's side of the raw modules: look the operation up in the vendor's catalog.

The catalogs are data, which Ansible does not send to other hosts. So a call is checked here,
before a host or an endpoint is touched, and the module gets only what it needs of the catalog.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..module_utils.engine.errors import ValidationFailed
from . import action, cloudstack_api, kubevirt_api, proxmox_api

RESOLVERS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "cloudstack": cloudstack_api.resolve,
    "kubevirt": kubevirt_api.resolve,
    "proxmox": proxmox_api.resolve,
}
"""By platform: the checked options, with ``operation``; raises ValidationFailed."""


class ActionModule(action.ActionModule):
    """Runs a raw module with its operation looked up."""

    def resolved(self, module: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments with the operation and the target's connection options."""
        return super().resolved(module, looked_up(module, arguments))

    def reads(self, module: str, arguments: Mapping[str, Any]) -> bool:
        """Whether the catalog says that this operation only reads."""
        del module
        return bool(arguments["operation"]["risk"] == "read")


def looked_up(module: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments with their operation, secret parameters apart from the others.

    Raises ValidationFailed with everything that the catalog says is wrong.
    """
    if arguments.get("operation") is not None:
        raise ValidationFailed(
            "operation is written by the collection's action plugin; leave it unset.",
            fields={"operation": "must be unset"},
        )
    for name in ("params", "secret_params"):
        if not isinstance(arguments.get(name) or {}, Mapping):
            raise ValidationFailed(
                f"{name} must be a mapping of parameter names to values. Nothing was sent.",
                fields={name: "must be a mapping"},
            )
    return RESOLVERS[module.removesuffix("_api")](arguments)
