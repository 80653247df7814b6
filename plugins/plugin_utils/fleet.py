# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The fleet facade: one vocabulary over all platforms, on the controller.

A facade module resolves its target, calls the module of the target's platform, and gives its
answer the fleet's form. It validates its own declaration, because no module of that name runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ..module_utils.engine.checks import check_values
from ..module_utils.engine.errors import Unsupported, ValidationFailed, VirtbridgeError
from ..module_utils.engine.resource import Action, Declaration, Query
from ..module_utils.engine.spec import all_fields, argument_spec, constraints
from . import action, ready
from .fleet_platforms import PLATFORMS, FleetPlatform, nearest_ref
from .fleet_vm import VM, VM_SNAPSHOT
from .fleet_vm_info import VM_INFO
from .fleet_vm_power import VM_POWER
from .targets import Target

DECLARATIONS: Mapping[str, Declaration] = {
    each.name: each for each in (VM, VM_INFO, VM_POWER, VM_SNAPSHOT)
}
_STEERING = ("target", "ref", "raw")


class ActionModule(action.ActionModule):
    """Runs the platform's module for a facade module."""

    _supports_async = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Import for all tasks what each would: the modules of the platforms that may be called."""
        super().__init_subclass__(**kwargs)
        package, _folder, name = cls.__module__.rpartition(".action.")
        called = [
            (platform, facts.modules[name])
            for platform, facts in PLATFORMS.items()
            if name in facts.modules
        ]
        ready.for_facade(f"{package}.modules", called)

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the platform module's answer in the fleet's form."""
        del tmp
        declaration = DECLARATIONS[self._task.action.rsplit(".", 1)[-1]]
        try:
            if self._task.async_val:
                raise Unsupported(
                    f"{declaration.name} cannot run async; call the platform's own module for "
                    "that, or run the whole play in the background."
                )
            options = _validated(declaration, self._task.args)
            target = self.target(options["target"])
            return self._called(declaration, options, target, task_vars)
        except VirtbridgeError as error:
            return action.failure(error)

    def _called(
        self,
        declaration: Declaration,
        options: Mapping[str, Any],
        target: Target,
        task_vars: dict[str, Any] | None,
    ) -> dict[str, Any]:
        platform = PLATFORMS.get(target.platform)
        if platform is None or declaration.name not in platform.modules:
            known = ", ".join(sorted(PLATFORMS))
            raise Unsupported(
                f"{declaration.name} does not support {target.platform} yet, the platform of "
                f"target {target.name}; it supports {known}."
            )
        module = platform.modules[declaration.name]
        name = f"{action.COLLECTION}.{module}"
        arguments = _mapped(declaration, options, target, platform)
        if arguments.get("state") == []:
            return {"changed": False, "objects": [], "total": 0, "truncated": False}
        # Ansible applies module_defaults to the name in the task only, which is the facade's.
        arguments = {**self.defaults(name), **arguments, "target": target.name}
        result = self.execute(name, self.resolved(module, arguments), task_vars)
        if declaration is VM_SNAPSHOT:
            return _snapshot(result, target)
        return _normalised(result, target, platform, raw=bool(options.get("raw")))


def _validated(declaration: Declaration, arguments: Mapping[str, Any]) -> dict[str, Any]:
    validator = ArgumentSpecValidator(argument_spec(declaration), **constraints(declaration))
    checked = validator.validate(dict(arguments))
    if checked.error_messages:
        raise ValidationFailed(f"{declaration.name}: {'; '.join(checked.error_messages)}")
    options: dict[str, Any] = checked.validated_parameters
    check_values(all_fields(declaration), options)
    return {name: value for name, value in options.items() if value is not None}


def _mapped(
    declaration: Declaration,
    options: Mapping[str, Any],
    target: Target,
    platform: FleetPlatform,
) -> dict[str, Any]:
    _refuse_lacking(declaration, options, platform)
    arguments = {name: value for name, value in options.items() if name not in _STEERING}
    if arguments.get("tags"):
        arguments |= platform.tags(arguments.pop("tags"))
    if isinstance(declaration, Action) and arguments["state"] not in platform.powers:
        able = ", ".join(sorted(platform.powers))
        raise Unsupported(
            f"A machine of target {target.name} cannot be {arguments['state']}: {target.platform} "
            f"has no such power state. It has {able}."
        )
    if isinstance(declaration, Query) and arguments.get("state"):
        arguments["state"] = [each for each in arguments["state"] if each in platform.states]
    ref = options.get("ref")
    if ref is not None:
        parts = str(ref).split("/")
        if len(parts) != 3 or parts[0] != target.name or not all(parts):
            raise ValidationFailed(
                f"ref {ref!r} does not name a machine of target {target.name}; it looks like "
                f"{nearest_ref(target.name, platform)}.",
                fields={"ref": f"expected {nearest_ref(target.name, platform)}"},
            )
        arguments |= platform.identity(parts[1], parts[2])
    translated = platform.options.get(declaration.name)
    return translated(arguments) if translated else arguments


def _refuse_lacking(
    declaration: Declaration, options: Mapping[str, Any], platform: FleetPlatform
) -> None:
    lacking = platform.lacks.get(declaration.name, ())
    wrong = [name for name in lacking if options.get(name) is not None]
    if wrong:
        raise Unsupported(
            f"{platform.title} has no {' and no '.join(wrong)} as the fleet means it; leave it "
            "out. Nothing was sent.",
            fields=dict.fromkeys(wrong, f"not on {platform.title}"),
        )


def _snapshot(result: dict[str, Any], target: Target) -> dict[str, Any]:
    normalised = {name: value for name, value in result.items() if name != "invocation"}
    found = result.get("object")
    if isinstance(found, Mapping):
        normalised["object"] = {
            "snapshot": found.get("name"),
            "target": target.name,
            "platform": target.platform,
            "description": found.get("description"),
            "created": found.get("created", found.get("snaptime")),
        }
    return normalised


def _normalised(
    result: dict[str, Any], target: Target, platform: FleetPlatform, *, raw: bool
) -> dict[str, Any]:
    normalised = {name: value for name, value in result.items() if name != "invocation"}
    if isinstance(result.get("object"), Mapping):
        normalised["object"] = _machine(result["object"], target, platform, raw=raw)
    if isinstance(result.get("objects"), list):
        normalised["objects"] = [
            _machine(each, target, platform, raw=raw) for each in result["objects"]
        ]
    return normalised


_FIELDS = ("name", "state", "cpus", "memory_mib", "disks", "nics", "host", "tags", "os")


def _machine(
    found: Mapping[str, Any], target: Target, platform: FleetPlatform, *, raw: bool
) -> dict[str, Any]:
    machine: dict[str, Any] = {
        "ref": f"{target.name}/{platform.ref(found)}",
        "target": target.name,
        "platform": target.platform,
    }
    machine |= {name: found.get(name) for name in _FIELDS}
    if raw:
        machine["raw"] = {
            name: value for name, value in found.items() if name not in {*_FIELDS, "platform"}
        }
    return machine
