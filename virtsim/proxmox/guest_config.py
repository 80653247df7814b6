# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changing and showing the configuration of a guest."""

from __future__ import annotations

import base64
import hashlib
import re
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from . import pending, propstring
from .config_text import digest
from .disks import Disks, is_drive
from .errors import BAD_PARAMETERS, ApiError
from .model import Cluster, Guest

if TYPE_CHECKING:
    from .api import Call

CONTROL = frozenset(
    [
        "background_delay",
        "delete",
        "digest",
        "force",
        "import-working-storage",
        "node",
        "revert",
        "skiplock",
        "vmid",
        "archive",
        "bwlimit",
        "ha-managed",
        "live-restore",
        "pool",
        "start",
        "storage",
        "unique",
    ]
)
CHANGED = "checksum mismatch (file change by other user?)\n"
MASK = "**********"
NO_OPTIONS = "no options specified\n"


def mac(state: Cluster) -> str:
    """Make the next MAC address of the cluster."""
    number = state.count("mac")
    return "BC:24:11:" + ":".join(f"{number >> s & 255:02X}" for s in (16, 8, 0))


def uuid_of(state: Cluster) -> str:
    """Make the next unique id, the same on every run."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"virtsim-{state.count('uuid')}"))


def unique_tags(text: str) -> str:
    """Sort and unite tags as the server stores them."""
    return ";".join(sorted({t.lower() for t in re.split(r"[,;\s]+", text) if t}))


def options(call: Call) -> Mapping[str, Mapping[str, Any]]:
    """Give the schema of everything a configuration may hold."""
    found = call.sim.catalog.operations["PUT /nodes/{node}/qemu/{vmid}/config"].params
    return {k: v for k, v in found.items() if k not in CONTROL}


def known(schema: Mapping[str, Any], key: str) -> bool:
    """Tell whether a configuration may hold a key."""
    return key in schema or f"{re.sub(chr(92) + 'd+$', '', key)}[n]" in schema


def wanted(call: Call) -> dict[str, Any]:
    """Take the configuration part out of the parameters."""
    found = {k: v for k, v in call.params.items() if k not in CONTROL}
    if "cdrom" in found:
        found["ide2"] = found.pop("cdrom")
    return found


def check_keys(text: str) -> None:
    """Refuse what is no SSH public key."""
    for line in unquote(text).splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        words = re.search(r"(ssh-[a-z0-9@.\-]+|ecdsa-\S+|sk-\S+)\s+(\S+)", line)
        try:
            blob = base64.b64decode(words[2], validate=True) if words else b""
        except ValueError:
            blob = b""
        if not words or blob[4 : 4 + len(words[1])] != words[1].encode():
            raise ApiError("SSH public key validation error\n")


def spell(call: Call, guest: Guest, key: str, value: Any) -> str:
    """Turn a parameter into what the configuration stores."""
    text = ("1" if value else "0") if isinstance(value, bool) else str(value)
    if is_drive(key):
        return call.sim.disks.settle(guest, key, text)
    if re.fullmatch(r"net\d+", key):
        return spell_card(call, text)
    if key == "cipassword" and not text.startswith("$5$"):
        text = "$5$virtsim$" + hashlib.sha256(text.encode()).hexdigest()
    elif key == "tags":
        text = unique_tags(text)
    elif key == "vmgenid" and text == "1":
        text = uuid_of(call.state)
    return text if key == "description" else text.strip("\n")


def spell_card(call: Call, text: str) -> str:
    """Print a network card, with a MAC address if it brings none."""
    values = propstring.split(call.sim.catalog.nested["qemu.net"]["props"], text)
    address = values.pop("macaddr", "") or mac(call.state)
    model = values.pop("model")
    rest = (f"{k}={v}" for k, v in sorted(values.items()))
    return ",".join([f"{model}={address.upper()}", *rest])


def check_lock(guest: Guest, call: Call) -> None:
    """Refuse a locked guest."""
    if "lock" in guest.conf and not call.flag("skiplock"):
        raise ApiError(f"VM is locked ({guest.conf['lock']})\n")


def prepare(call: Call, guest: Guest) -> None:
    """Make the checks of an update that need no worker."""
    if call.flag("skiplock"):
        call.root_only("user != root@pam")
    values, schema = wanted(call), options(call)
    if not values and not call.params.get("delete") and not call.params.get("revert"):
        raise ApiError(NO_OPTIONS)
    for word in ("revert", "delete"):
        for key in _listed(call, word):
            if not known(schema, key) and not known(schema, key.removeprefix("cdrom")):
                raise ApiError(BAD_PARAMETERS, 400, {word: f"unknown option '{key}'"})
            if key in values:
                text = f"you can't use '-{key}' and -{word} {key}' at the same time"
                raise ApiError(BAD_PARAMETERS, 400, {word: text})
    if "sshkeys" in values:
        check_keys(str(values["sshkeys"]))
    if "hookscript" in values:
        check_hook(call, str(values["hookscript"]))
    check_memory(values, guest.conf)
    given = call.text("digest")
    if given and given != digest(guest):
        raise ApiError(CHANGED)


def check_hook(call: Call, volume: str) -> None:
    """Refuse a hook script that is not there."""
    if volume not in call.state.volumes:
        text = f"script '{volume}' does not exist\n"
        raise ApiError(BAD_PARAMETERS, 400, {"hookscript": text})


def check_memory(values: Mapping[str, Any], conf: Mapping[str, str]) -> None:
    """Refuse a balloon larger than the memory."""
    memory = re.search(r"\d+", str(values.get("memory", conf.get("memory", "512"))))
    balloon = values.get("balloon", conf.get("balloon", 0))
    if memory and int(balloon) > int(memory[0]):
        text = "balloon value too large (must be smaller than assigned memory)"
        raise ApiError(BAD_PARAMETERS, 400, {"balloon": text})


def _listed(call: Call, name: str) -> list[str]:
    words = [w for w in re.split(r"[,;\s]+", call.text(name) or "") if w]
    return ["ide2" if w == "cdrom" else w for w in words]


def update(call: Call, guest: Guest) -> None:
    """Apply an update to a guest, as far as it can be applied now."""
    check_lock(guest, call)
    disks = call.sim.disks
    for key in _listed(call, "revert"):
        pending.forget(guest, key)
    for key in _listed(call, "delete"):
        _delete(guest, key, call.flag("force"), disks)
    values = wanted(call)
    for key in sorted(values):
        text = spell(call, guest, key, values[key])
        if is_drive(key):
            _release(guest, disks, key, text)
        pending.want(guest, key, text)
    if "boot" in values:
        check_boot(guest)
    pin_machine(values, {**guest.conf, **guest.pending}, guest.pending)
    pending.tidy(guest)
    pending.apply(guest, disks)


def _release(guest: Guest, disks: Disks, key: str, text: str) -> None:
    """Park the volume of a drive that was only waiting and is now replaced."""
    waiting = guest.pending.get(key)
    volume = disks.volume_of(key, waiting) if waiting else None
    if volume and volume != disks.volume_of(key, text):
        disks.park(guest, volume)


def _delete(guest: Guest, key: str, force: bool, disks: Disks) -> None:
    if key not in guest.conf and key not in guest.pending:
        return
    text = guest.conf.get(key, guest.pending.get(key, ""))
    protected = guest.conf.get("protection") == "1"
    if is_drive(key) and protected and disks.volume_of(key, text):
        raise ApiError(f"can't remove drive '{key}' - protection mode enabled\n")
    if key.startswith("unused") and protected:
        raise ApiError(f"can't remove unused disk '{text}' - protection mode enabled\n")
    if key not in guest.conf:
        volume = disks.volume_of(key, text) if is_drive(key) else None
        pending.forget(guest, key)
        if volume and force:
            disks.free(volume)
        elif volume:
            disks.park(guest, volume)
        return
    _unboot(guest, key)
    pending.want_gone(guest, key, force)


def pin_machine(values: Mapping[str, Any], conf: Mapping[str, str], target: dict[str, str]) -> None:
    """Pin the machine version of Windows guests, whose drivers depend on it."""
    windows = re.match(r"w(xp|2k|vista|in)", str(values.get("ostype", "")))
    if windows and "machine" not in conf:
        target["machine"] = "pc-i440fx-9.2+pve1"


def boot_order(conf: Mapping[str, str]) -> list[str] | None:
    """Give the devices of a boot order, None when there is none."""
    match = re.search(r"order=([^,]*)", conf.get("boot", ""))
    return [d for d in match[1].split(";") if d] if match else None


def _unboot(guest: Guest, key: str) -> None:
    order = boot_order({**guest.conf, **guest.pending})
    if order and key in order:
        left = [d for d in order if d != key]
        pending.want(guest, "boot", "order=" + ";".join(left) if left else " ")


def check_boot(guest: Guest) -> None:
    """Refuse a boot order that names a missing device."""
    merged = {**guest.conf, **guest.pending}
    for device in boot_order(merged) or []:
        if device not in merged:
            raise ApiError(f"invalid bootorder: device '{device}' does not exist'\n")


def typed(call: Call, key: str, value: str) -> Any:
    """Give a stored value the JSON type the server answers with."""
    schema = options(call)
    kind = (schema.get(key) or schema.get(re.sub(r"\d+$", "", key) + "[n]") or {}).get("type")
    if key in {"snaptime", "vmid", "template"} or kind in {"integer", "boolean"}:
        return int(value) if re.fullmatch(r"[+-]?\d+", value) else value
    if key == "description":
        return value.removesuffix("\n")
    return MASK if key == "cipassword" else value


def shown(call: Call, guest: Guest, current: bool) -> dict[str, Any]:
    """Give the configuration, with what waits unless the current one is asked for."""
    conf = dict(guest.conf)
    if not current:
        conf |= {k: v for k, v in guest.pending.items() if k != "delete"}
        for key in pending.deletions(guest):
            conf.pop(key, None)
    found = {k: typed(call, k, v) for k, v in conf.items()}
    return {**found, "digest": digest(guest)}


def waiting(call: Call, guest: Guest) -> list[dict[str, Any]]:
    """Give each key with its value, what waits for it and whether it will go."""
    gone = pending.deletions(guest)
    conf = {**{k: typed(call, k, v) for k, v in guest.conf.items()}, "digest": digest(guest)}
    rows: list[dict[str, Any]] = []
    for key in sorted({*conf, *guest.pending} - {"delete"}):
        row: dict[str, Any] = {"key": key}
        if key in conf:
            row["value"] = conf[key]
        if key in guest.pending:
            row["pending"] = typed(call, key, guest.pending[key])
        if key in gone:
            row["delete"] = 2 if gone[key] else 1
        rows.append(row)
    return rows
