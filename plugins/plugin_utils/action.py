# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controller's side of every module: resolves ``target``, then runs the module.

A module never opens targets.yml: on another host it would not be there. So the name becomes the
platform's ordinary connection options here, on whatever way the module then runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ..module_utils.engine.errors import PermissionDenied, ValidationFailed, VirtbridgeError
from ..module_utils.engine.resource import Declaration
from . import ready
from .direct import DirectBase
from .targets import Target, find, location

COLLECTION = "virtbridge.core"


@dataclass(frozen=True)
class Connection:
    """How a target becomes the connection options of its platform's modules.

    ``place`` options say where to connect; ``login`` options are one credential, which comes
    from one source as a whole, with ``acting``, as whom it acts.
    """

    options: Callable[[Target], dict[str, Any]]
    place: tuple[str, ...]
    login: tuple[str, ...]
    acting: tuple[str, ...] = ()


def _proxmox(target: Target) -> dict[str, Any]:
    credential = target.credential
    return {
        "api_host": target.addresses,
        "api_token_id": credential.get("token_id"),
        "api_token_secret": credential.get("token_secret"),
        "api_user": credential.get("username"),
        "api_password": credential.get("password"),
        "api_totp": credential.get("totp"),
        **_trust(target),
    }


def _cloudstack(target: Target) -> dict[str, Any]:
    return {
        "api_url": list(target.urls),
        "api_key": target.credential.get("api_key"),
        "api_secret": target.credential.get("secret_key"),
        **_trust(target),
    }


def _kubevirt(target: Target) -> dict[str, Any]:
    credential = target.credential
    return {
        "api_url": list(target.urls) or None,
        "api_token": credential.get("token"),
        "client_cert": credential.get("client_cert_file"),
        "client_key": credential.get("client_key_file"),
        "kubeconfig": credential.get("kubeconfig"),
        "context": credential.get("context"),
        "impersonate_user": credential.get("impersonate_user"),
        "impersonate_groups": credential.get("impersonate_groups"),
        **_trust(target),
    }


def _trust(target: Target) -> dict[str, Any]:
    return {
        "validate_certs": target.verify_tls,
        "ca_path": target.ca_file,
        "fingerprint": target.fingerprint,
        "proxy": target.proxy,
        "timeout": target.timeout,
    }


CONNECTIONS: Mapping[str, Connection] = {
    "proxmox": Connection(
        options=_proxmox,
        place=("api_host", "api_port"),
        login=("api_token_id", "api_token_secret", "api_user", "api_password", "api_totp"),
    ),
    "cloudstack": Connection(
        options=_cloudstack, place=("api_url",), login=("api_key", "api_secret")
    ),
    "kubevirt": Connection(
        options=_kubevirt,
        place=("api_url", "kubeconfig", "context"),
        login=("api_token", "client_cert", "client_key"),
        acting=("impersonate_user", "impersonate_groups"),
    ),
}


def connected(
    given: Mapping[str, Any], target: Target, defaults: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a task's arguments with its target's connection options; explicit ones win.

    Three things keep a credential away from a host that it is not meant for. What the target
    leaves open is passed as None, so that the module does not look into its environment. A
    credential is the task's or the target's, never a mixture. A place beside the target is
    refused, unless it only comes from ``defaults`` (module_defaults): then the target wins.
    """
    connection = CONNECTIONS[target.platform]
    explicit = {option: value for option, value in given.items() if value is not None}
    for option in (*connection.place, *connection.login):
        if option in explicit and explicit[option] == defaults.get(option):
            del explicit[option]
    beside = [option for option in connection.place if option in explicit]
    if beside:
        raise ValidationFailed(
            f"Both target and {' and '.join(beside)} say where to connect. Give one of them, so "
            f"that the credentials of {target.name} go to no other host.",
            fields=dict.fromkeys(beside, "cannot stand beside target"),
        )
    options = connection.options(target)
    if any(option in explicit for option in connection.login):
        options |= dict.fromkeys((*connection.login, *connection.acting))
    return {**options, **explicit}


def failure(error: VirtbridgeError) -> dict[str, Any]:
    """Return a failed result in the form that modules use."""
    return {
        "failed": True,
        "changed": False,
        "msg": error.message,
        "error": error.as_result(),
    }


class ActionModule(DirectBase):
    """Runs the module of the same name, with its target resolved."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = True
    declaration: ClassVar[Declaration | None] = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Do for all tasks what is slow to do for each."""
        super().__init_subclass__(**kwargs)
        if cls.declaration is not None:
            ready.for_module(cls.declaration)
        if cls.__module__.rpartition(".")[2].startswith("kubevirt_"):
            ready.for_kubevirt()

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the module's result, or a failed one when its target cannot be used."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        del tmp
        name = self._task.action.rsplit(".", 1)[-1]
        arguments = dict(self._task.args)
        try:
            arguments = self.resolved(name, arguments)
        except VirtbridgeError as error:
            return {**result, **failure(error)}
        return {**result, **self.execute(None, arguments, task_vars)}

    def execute(
        self, module: str | None, arguments: dict[str, Any], task_vars: dict[str, Any] | None
    ) -> dict[str, Any]:
        """Run a module as Ansible's normal action does, and return its result."""
        wrap_async = self._task.async_val and not self._connection.has_native_async
        ran: dict[str, Any] = self._execute_module(
            module_name=module,
            module_args=arguments,
            task_vars=task_vars,
            wrap_async=wrap_async,
        )
        if not wrap_async:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        return ran

    def resolved(self, module: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments with the target's connection options, as `connected` says.

        Raises ValidationFailed for a target that is unknown or of another platform, and
        PermissionDenied for a change on a target that is read-only.
        """
        given = dict(arguments)
        name = given.pop("target", None)
        if name is None:
            return given
        target = self.target(name)
        if not module.startswith(f"{target.platform}_"):
            raise ValidationFailed(
                f"{module} cannot use target {name}: that is a {target.platform} endpoint.",
                fields={"target": f"is a {target.platform} endpoint"},
            )
        if target.read_only and not self._task.check_mode and not self.reads(module, given):
            raise PermissionDenied(
                f"Target {name} is read_only in {location()}: {module} may only run in check mode "
                "there."
            )
        return connected(given, target, self.defaults(f"{COLLECTION}.{module}"))

    def reads(self, module: str, _arguments: Mapping[str, Any]) -> bool:
        """Whether this call of a module changes nothing, and so may run on a read-only target."""
        return module.endswith("_info")

    def defaults(self, module: str) -> dict[str, Any]:
        """Return what module_defaults give a module, be it the one in the task or another."""
        play = getattr(self._task._parent, "_play", None)
        groups = (getattr(play, "_action_groups", None) or {}).get(module, [])
        merged: dict[str, Any] = {}
        for name in (*(f"group/{group}" for group in groups), module):
            for given in self._task.module_defaults or []:
                merged.update(self._templar.template(given.get(name) or {}))
        return merged

    def target(self, name: Any) -> Target:
        """Return a configured target with its secrets; ValidationFailed when there is none."""
        if not isinstance(name, str):
            raise ValidationFailed("target must be the name of a target, as text.")
        return find(name, location(), self._decrypt)

    def _decrypt(self, ciphertext: str) -> str:
        plain: bytes = self._loader._vault.decrypt(ciphertext.encode("utf-8"))
        return plain.decode("utf-8").rstrip("\r\n")
