# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Formats of names, ids and guest settings, with the server's texts."""

from __future__ import annotations

import re

from .errors import FormatError
from .privileges import PRIVILEGES

STORAGE = r"[a-z][a-z0-9\-_.]*[a-z0-9]"
VOLUME = re.compile(rf"({STORAGE}):(.+)", re.IGNORECASE | re.DOTALL)
REALM = r"[A-Za-z][A-Za-z0-9.\-_]+"
CONTENT = frozenset(["images", "rootdir", "vztmpl", "iso", "backup", "snippets", "none", "import"])
LIMITS = {"ide": 4, "scsi": 31, "virtio": 16, "sata": 6, "net": 32, "usb": 14, "hostpci": 16}
LONGEST_USER = 64
POOL_LEVELS = 3


def configid(value: str) -> None:
    """Accept an id that starts with a letter."""
    if not re.fullmatch(r"[a-z][a-z0-9_-]+", value, re.IGNORECASE):
        raise FormatError(f"invalid configuration ID '{value}'\n")


def node(value: str) -> None:
    """Accept the name of a node."""
    if not re.fullmatch(r"[a-zA-Z0-9]([a-zA-Z0-9\-]*[a-zA-Z0-9])?", value):
        raise FormatError("value does not look like a valid node name\n")


def vmid(value: str) -> None:
    """Accept a guest id."""
    if not re.fullmatch(r"[1-9][0-9]{2,8}", value):
        raise FormatError("value does not look like a valid VM ID\n")


def storage_id(value: str) -> None:
    """Accept the name of a storage."""
    minimum = 2
    if len(value) < minimum:
        raise FormatError(f"storage ID '{value}' cannot be shorter than 2 characters\n")
    if not re.fullmatch(STORAGE, value, re.IGNORECASE):
        raise FormatError(f"storage ID '{value}' contains illegal characters\n")


def volume_id(value: str) -> None:
    """Accept `storage:name`."""
    if not VOLUME.fullmatch(value):
        raise FormatError(f"unable to parse volume ID '{value}'\n")


def drive_file(value: str) -> None:
    """Accept what a drive can point to."""
    if value not in {"none", "cdrom"} and not value.startswith("/"):
        volume_id(value)


def volume_or_path(value: str) -> None:
    """Accept a volume or an absolute path."""
    if not value.startswith("/"):
        volume_id(value)


def user(value: str) -> None:
    """Accept `name@realm`."""
    shortest = 3
    if len(value) < shortest and "@" not in value:
        raise FormatError(f"user name '{value}' is too short\n")
    if len(value) > LONGEST_USER:
        raise FormatError(f"user name '{value}' is too long ({len(value)} > {LONGEST_USER})\n")
    if not re.fullmatch(rf"[^\s:/@!]+@{REALM}", value):
        raise FormatError(f"value '{value}' does not look like a valid user name\n")


def token(value: str) -> None:
    """Accept `name@realm!token`."""
    if not re.fullmatch(rf"[^\s:/@!]+@{REALM}!{REALM}", value):
        raise FormatError(f"value '{value}' does not look like a valid token ID\n")


def realm(value: str) -> None:
    """Accept the name of a realm."""
    if not re.fullmatch(REALM, value):
        raise FormatError("value does not look like a valid realm\n")


def group(value: str) -> None:
    """Accept the name of a group."""
    if not re.fullmatch(r"[A-Za-z0-9.\-_]+", value):
        raise FormatError(f"group name '{value}' contains invalid characters\n")


def role(value: str) -> None:
    """Accept the name of a role."""
    if not re.fullmatch(r"[A-Za-z0-9.\-_]+", value):
        raise FormatError(f"role name '{value}' contains invalid characters\n")


def privilege(value: str) -> None:
    """Accept a known privilege."""
    if value not in PRIVILEGES:
        raise FormatError(f"invalid privilege '{value}'\n")


def pool(value: str) -> None:
    """Accept the id of a pool of at most three levels."""
    parts = value.split("/")
    if len(parts) > POOL_LEVELS:
        raise FormatError(f"pool name '{value}' nested too deeply (max levels = {POOL_LEVELS})\n")
    if not all(re.fullmatch(r"[A-Za-z0-9.\-_]+", part) for part in parts):
        raise FormatError(f"pool name '{value}' contains invalid characters\n")


def tag(value: str) -> None:
    """Accept one tag of a guest."""
    if not re.fullmatch(r"(?i:[a-z0-9_][a-z0-9_\-+.]*)", value):
        raise FormatError("invalid characters in tag\n")


def email(value: str) -> None:
    """Accept a mail address."""
    if not re.fullmatch(r"[\w+\-~]+(?:\.[\w+\-~]+)*@[a-zA-Z0-9\-]+(?:\.[a-zA-Z0-9\-]+)*", value):
        raise FormatError("value does not look like a valid email address\n")


def email_or_user(value: str) -> None:
    """Accept a mail address or a local user."""
    try:
        email(value)
    except FormatError:
        if not re.fullmatch(r"[^\s:/@!]+@[A-Za-z][A-Za-z0-9.\-_]+", value):
            text = "value does not look like a valid email address or user name\n"
            raise FormatError(text) from None


def absolute_path(value: str) -> None:
    """Accept an absolute path of a storage."""
    if not value.startswith("/"):
        raise FormatError("value does not look like a valid absolute path\n")


def mapped_path(value: str) -> None:
    """Accept an absolute path inside a property string."""
    if not re.fullmatch(r"/[^;,()]*", value):
        raise FormatError(
            "Value does not look like a valid absolute path. "
            "These symbols are currently not allowed in path: ;,=()\n"
        )


def mount_point(value: str) -> None:
    """Accept a volume, or a path without parent references."""
    if value.startswith("/") and ".." in value.split("/"):
        raise FormatError(f"{value} is not a valid mount point\n")


def device_path(value: str) -> None:
    """Accept the path of a device."""
    if not value.startswith("/dev/") or ".." in value.split("/"):
        raise FormatError(f"{value} is not a valid device path\n")


def content(value: str) -> None:
    """Accept a kind of storage content."""
    if value not in CONTENT:
        raise FormatError(f"invalid content type '{value}'\n")


def disk_size(value: str) -> None:
    """Accept a size with an optional unit."""
    if not re.fullmatch(r"\d+(?:\.\d+)?(?:[KMGT](?:iB)?)?", value):
        raise FormatError(f"value does not look like a valid disk size: {value}\n")


def urlencoded(value: str) -> None:
    """Accept percent-encoded text."""
    if not re.fullmatch(r"[-%a-zA-Z0-9_.!~*'()]*", value):
        raise FormatError(f"invalid urlencoded string: {value}\n")


def cpuset(value: str) -> None:
    """Accept a list of CPU numbers and ranges."""
    if not re.fullmatch(r"\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*", value):
        raise FormatError("unable to parse cpuset option\n")


def phys_bits(value: str) -> None:
    """Accept 8 to 64 or `host`."""
    if value != "host" and not (value.isdigit() and 8 <= int(value) <= 64):
        raise FormatError("value must be an integer between 8 and 64 or 'host'\n")


def boot_device(value: str) -> None:
    """Accept a device that a guest can boot from."""
    match = re.fullmatch(r"([a-z]+)(\d+)", value)
    if not match or int(match[2]) >= LIMITS.get(match[1], 0):
        raise FormatError(f"invalid boot device '{value}'\n")


def boot_disk(value: str) -> None:
    """Accept a drive name."""
    match = re.fullmatch(r"(ide|sata|scsi|virtio)(\d+)", value)
    if not match or int(match[2]) >= LIMITS[match[1]]:
        raise FormatError(f"invalid boot disk '{value}'\n")


def hotplug(value: str) -> None:
    """Accept 0, 1 or a list of features."""
    if value in {"0", "1"}:
        return
    known = {"network", "disk", "cpu", "memory", "usb", "cloudinit"}
    if any(part not in known for part in re.split(r"[,;\s]+", value) if part):
        raise FormatError(f"unable to parse hotplug option\n'{value}'\n")


def startup(value: str) -> None:
    """Accept start order and delays."""
    for part in value.split(","):
        if not re.fullmatch(r"(?:(?:order=)?\d+|(?:up|down)=\d+)", part.strip()):
            raise FormatError("unable to parse startup options\n")


def ldap_attribute(value: str) -> None:
    """Accept the name of an LDAP attribute."""
    if not re.fullmatch(r"[a-zA-Z][a-zA-Z0-9\-]*", value):
        raise FormatError(f"value '{value}' does not look like a simple ldap attribute name\n")


def replication_job(value: str) -> None:
    """Accept `guest-number`."""
    if not re.fullmatch(r"[1-9][0-9]{2,8}-\d{1,9}", value):
        raise FormatError(f"invalid replication job id '{value}'\n")


def task_status(value: str) -> None:
    """Accept a kind of task result."""
    if value not in {"ok", "error", "warning", "unknown"}:
        raise FormatError(f"invalid status '{value}'\n")


def graphite_path(value: str) -> None:
    """Accept a dotted metric path."""
    if not re.fullmatch(r"[a-zA-Z0-9_\-]+(?:\.[a-zA-Z0-9_\-]+)*", value):
        raise FormatError("value does not look like a valid graphite path\n")


def acme_domain(value: str) -> None:
    """Accept a host name with a dot."""
    if not re.fullmatch(r"(?:[\w-]+\.)+[\w-]+", value) or "." not in value:
        raise FormatError(f"value '{value}' does not look like a valid domain name!\n")


def zfs_blocksize(value: str) -> None:
    """Accept a block size of ZFS."""
    if not re.fullmatch(r"[1-9][0-9]*[kKmM]?", value):
        raise FormatError(
            f"invalid ZFS blocksize format '{value}'. Use a positive number "
            "(no leading zeros) with an optional 'k' or 'm' suffix.\n"
        )


def dir_override(value: str) -> None:
    """Accept `content=path` of a directory storage."""
    kind, equals, path = value.partition("=")
    if not equals or kind not in CONTENT or not path or path.startswith("/"):
        raise FormatError(f"invalid override '{value}'\n")


def anything(value: str) -> None:
    """Accept what the published schema does not describe further."""


def storage_pair(value: str) -> None:
    """Accept `source:target` or one storage for all."""
    if value == "1":
        return
    for part in value.partition(":")[::2] if ":" in value else (value,):
        try:
            storage_id(part)
        except FormatError as error:
            text = f"entry '{value}' contains invalid ID - {error.message}\n\n"
            raise FormatError(text) from None
