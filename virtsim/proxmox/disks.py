# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drives of a guest and the volumes behind them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .catalog import Catalog
from .errors import ApiError, missing
from .model import Cluster, Guest
from .propstring import render, split

UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
DRIVE = re.compile(r"(?:ide|sata|scsi|virtio|efidisk|tpmstate)\d+")
FILE_BASED = frozenset({"dir", "nfs", "cifs", "btrfs"})
GIB = UNITS["G"]
UNKNOWN_SIZE = 4 * GIB
FIRMWARE_SIZE = {"efidisk": 4 << 20, "tpmstate": 4 << 20}


def is_drive(key: str) -> bool:
    """Tell whether a configuration key is a drive."""
    return DRIVE.fullmatch(key) is not None


def parse_size(text: str) -> int | None:
    """Read a size such as `32G`."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([KMGT]?)(?:iB)?", text)
    return int(float(match[1]) * UNITS[match[2]]) if match else None


def format_size(size: int) -> str:
    """Spell a size with the largest unit that divides it."""
    for unit in ("T", "G", "M", "K"):
        if size and size % UNITS[unit] == 0:
            return f"{size // UNITS[unit]}{unit}"
    return str(size)


def format_name(key: str) -> str:
    """Name the nested format of a drive key."""
    name = re.sub(r"\d+$", "", key)
    return f"qemu.{key}" if name in FIRMWARE_SIZE else f"qemu.{name}"


class Disks:
    """Allocate, resize and free the volumes of one cluster."""

    def __init__(self, state: Cluster, catalog: Catalog) -> None:
        """Work on a cluster with the drive formats of a catalog."""
        self._state = state
        self._catalog = catalog

    def parse(self, key: str, text: str) -> dict[str, str]:
        """Split a drive's property string."""
        return split(self._catalog.nested[format_name(key)]["props"], text)

    def render(self, key: str, values: Mapping[str, str]) -> str:
        """Print a drive's property string."""
        return render(self._catalog.nested[format_name(key)]["props"], values)

    def storage(self, name: str) -> Mapping[str, Any]:
        """Find a storage."""
        found: Mapping[str, Any] | None = self._state.storages.get(name)
        if found is None:
            raise missing(f"storage '{name}' does not exist")
        return found

    def volume_of(self, key: str, text: str) -> str | None:
        """Give the volume a drive or unused entry owns."""
        values = {"file": text} if key.startswith("unused") else self.parse(key, text)
        volume = values.get("file", "")
        owned = ":" in volume and "/iso/" not in f"/{volume.partition(':')[2]}"
        return volume if owned and ":iso/" not in volume else None

    def volumes(self, conf: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """List drive keys and their volumes."""
        for key, text in sorted(conf.items()):
            if is_drive(key) or key.startswith("unused"):
                volume = self.volume_of(key, text)
                if volume:
                    yield key, volume

    def size_of(self, volume: str) -> int:
        """Give the size of a volume; an unknown one counts as 4 GiB."""
        return int(self._state.volumes.get(volume, {}).get("size", UNKNOWN_SIZE))

    def allocate(
        self, storage: str, vmid: int, size: int, *, kind: str = "disk", form: str | None = None
    ) -> str:
        """Create a volume for a guest and give its id."""
        row = self.storage(storage)
        if "images" not in row["content"]:
            raise ApiError(f"storage '{storage}' does not support vm images\n")
        file_based = row["type"] in FILE_BASED
        suffix = "." + (form or ("qcow2" if kind == "cloudinit" else "raw"))
        taken = {re.split("[:/]", v)[-1].partition(".")[0] for v in self._volumes_of(storage)}
        if kind == "cloudinit":
            name = f"vm-{vmid}-cloudinit"
        else:
            names = (f"vm-{vmid}-disk-{n}" for n in range(10_000))
            name = next(n for n in names if n not in taken)
        path = f"{vmid}/{name}{suffix}" if file_based else name
        volume = f"{storage}:{path}"
        self._state.volumes[volume] = {
            "size": size,
            "vmid": vmid,
            "content": "images",
            "format": suffix[1:] if file_based else "raw",
        }
        return volume

    def _volumes_of(self, storage: str) -> Iterator[str]:
        return (v for v in self._state.volumes if v.startswith(f"{storage}:"))

    def free(self, volume: str) -> None:
        """Destroy a volume."""
        self._state.volumes.pop(volume, None)

    def settle(self, guest: Guest, key: str, text: str) -> str:
        """Turn what a caller sent for a drive into what is stored."""
        values = self.parse(key, text)
        file = values.get("file", "")
        storage, _, rest = file.partition(":")
        kind = re.sub(r"\d+$", "", key)
        if file in {"none", "cdrom"}:
            values["media"] = "cdrom"
        elif rest == "cloudinit":
            values["file"] = self.allocate(storage, guest.vmid, 4 << 20, kind="cloudinit")
            values |= {"media": "cdrom", "size": "4M"}
        elif re.fullmatch(r"\d+(\.\d+)?", rest):
            self._allocate_drive(guest, kind, values, storage, float(rest))
        elif rest.startswith("iso/"):
            self._must_exist(file)
            values["media"] = "cdrom"
            values["size"] = format_size(self.size_of(file))
        elif ":" in file:
            self.storage(storage)
            values["size"] = format_size(self.size_of(file))
        return self.render(key, values)

    def _must_exist(self, volume: str) -> None:
        self.storage(volume.partition(":")[0])
        if self._state.volumes and volume not in self._state.volumes:
            raise ApiError(f"volume '{volume}' does not exist\n")

    def _allocate_drive(
        self, guest: Guest, kind: str, values: dict[str, str], storage: str, amount: float
    ) -> None:
        source = values.pop("import-from", None)
        size = FIRMWARE_SIZE.get(kind, int(amount * GIB))
        if source:
            if source not in self._state.volumes:
                raise ApiError(f"cannot import from '{source}' - volume does not exist\n")
            size = self.size_of(source)
        elif amount == 0:
            raise ApiError("disk size 0 is only allowed together with 'import-from'\n")
        values["file"] = self.allocate(storage, guest.vmid, size, form=values.pop("format", None))
        values["size"] = format_size(size)

    def park(self, guest: Guest, volume: str) -> None:
        """Keep a detached volume as the next free `unusedN`."""
        if any(volume == v for _, v in self.volumes(guest.conf)):
            return
        free = next(n for n in range(256) if f"unused{n}" not in guest.conf)
        guest.conf[f"unused{free}"] = volume

    def register(self, guest: Guest) -> None:
        """Enter the volumes of a configuration text into the list of volumes."""
        for key, volume in self.volumes(guest.conf):
            if volume in self._state.volumes:
                continue
            size = UNKNOWN_SIZE
            if is_drive(key):
                size = parse_size(self.parse(key, guest.conf[key]).get("size", "4G")) or size
            self._state.volumes[volume] = {
                "size": size,
                "vmid": guest.vmid,
                "content": "images",
                "format": "raw",
            }
