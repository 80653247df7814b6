# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Turn a target into the connection options that the modules of its platform have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..module_utils.engine.errors import Unsupported, ValidationFailed
from .targets import Target


@dataclass(frozen=True)
class Mapped:
    """The connection options of one platform.

    ``place`` options say where to connect and may not stand beside a target. Of a credential
    (``login`` options) the task gives all or nothing. ``manner`` options of the task win.
    A value of None keeps the module from looking into its environment for that option.
    """

    title: str
    place: tuple[str, ...]
    login: Callable[[Mapping[str, str]], dict[str, str]]
    login_options: tuple[str, ...]
    options: Callable[[Target], dict[str, Any]]


def _proxmox(target: Target) -> dict[str, Any]:
    return {
        "api_host": target.addresses,
        "validate_certs": target.verify_tls,
        "ca_path": target.ca_file,
        "fingerprint": target.fingerprint,
        "proxy": target.proxy,
        **({"timeout": target.timeout} if target.timeout is not None else {}),
    }


_PROXMOX_LOGIN = {
    "token_id": "api_token_id",
    "token_secret": "api_token_secret",
    "username": "api_user",
    "password": "api_password",
    "totp": "api_totp",
}


def _proxmox_login(credential: Mapping[str, str]) -> dict[str, str]:
    return {_PROXMOX_LOGIN[name]: value for name, value in credential.items()}


PLATFORMS: dict[str, Mapped] = {
    "proxmox": Mapped(
        title="Proxmox VE",
        place=("api_host", "api_port"),
        login=_proxmox_login,
        login_options=tuple(_PROXMOX_LOGIN.values()),
        options=_proxmox,
    ),
}


def connect(
    args: Mapping[str, Any], target: Target, platform: str, defaults: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the arguments of a task with the connection options of its target filled in.

    ``defaults`` are what module_defaults gave: a place or credential that comes from there
    gives way to the target, which is nearer to the task.
    """
    mapped = PLATFORMS.get(platform)
    if mapped is None:
        raise Unsupported(f"Targets of platform {platform} cannot be used in this release.")
    if target.platform != platform:
        raise ValidationFailed(
            f"Target {target.name} is a {target.platform} target; this module needs one of "
            f"platform {platform}.",
            fields={"target": f"platform {target.platform}, not {platform}"},
        )
    given = {name: value for name, value in args.items() if value is not None}
    for name in (*mapped.place, *mapped.login_options):
        if name in given and name in defaults and given[name] == defaults[name]:
            del given[name]
    beside = sorted(name for name in mapped.place if name in given)
    if beside:
        raise ValidationFailed(
            f"target says where to connect, and so does {', '.join(beside)}; give one of them, "
            f"so that the credentials of {target.name} are sent to no other host.",
            fields={name: "cannot stand beside target" for name in beside},
        )
    login: dict[str, Any] = {}
    if not any(name in given for name in mapped.login_options):
        login = mapped.login(target.credential)
    return {**mapped.options(target), **login, **given}
