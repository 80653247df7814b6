# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Formats of addresses, ports and interface names, with the server's texts."""

from __future__ import annotations

import ipaddress
import re

from .errors import FormatError

LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9\-]*[a-zA-Z0-9])?"
DNS_NAME = re.compile(rf"(?:{LABEL}\.)*{LABEL}")
MAC = re.compile(r"[a-f0-9][02468ace](?::[a-f0-9]{2}){5}", re.IGNORECASE)


def version(value: str) -> int | None:
    """Tell the version of an address, None when it is none."""
    try:
        return ipaddress.ip_address(value).version
    except ValueError:
        return None


def is_cidr(value: str, only: int | None = None) -> bool:
    """Tell whether the value is an address with a prefix of at least 8 bits."""
    address, slash, bits = value.partition("/")
    kind = version(address)
    if not slash or kind is None or (only and kind != only) or not bits.isdigit():
        return False
    return 7 < int(bits) <= (32 if kind == 4 else 128)


def _refuse(what: str) -> FormatError:
    return FormatError(f"value does not look like a valid {what}\n")


def ip(value: str) -> None:
    """Accept an IPv4 or IPv6 address."""
    if version(value) is None:
        raise _refuse("IP address")


def ipv4(value: str) -> None:
    """Accept an IPv4 address."""
    if version(value) != 4:
        raise _refuse("IPv4 address")


def ipv6(value: str) -> None:
    """Accept an IPv6 address."""
    if version(value) != 6:
        raise _refuse("IPv6 address")


def ip_with_interface(value: str) -> None:
    """Accept an address, link-local ones also with a zone."""
    address, percent, zone = value.partition("%")
    if percent and zone and value.lower().startswith("fe80"):
        value = address
    ip(value)


def ipv4mask(value: str) -> None:
    """Accept a netmask in dotted form."""
    try:
        number = int(ipaddress.IPv4Address(value))
    except ValueError:
        raise _refuse("IP netmask") from None
    inverted = number ^ 0xFFFFFFFF
    if inverted & (inverted + 1) or not number:
        raise _refuse("IP netmask")


def cidr(value: str) -> None:
    """Accept a network of either family."""
    if not is_cidr(value):
        raise _refuse("CIDR network")


def cidr4(value: str) -> None:
    """Accept an IPv4 network."""
    if not is_cidr(value, 4):
        raise _refuse("IPv4 CIDR network")


def cidr6(value: str) -> None:
    """Accept an IPv6 network."""
    if not is_cidr(value, 6):
        raise _refuse("IPv6 CIDR network")


def ip_or_cidr(value: str) -> None:
    """Accept an address or a network."""
    if version(value) is None and not is_cidr(value):
        raise _refuse("IP address or CIDR network")


def ip_or_cidr_or_alias(value: str) -> None:
    """Accept an address, a network or the name of an alias."""
    if not re.fullmatch(r"(?:dc/|guest/)?[A-Za-z][A-Za-z0-9\-_]+", value):
        ip_or_cidr(value)


def ipv4_config(value: str) -> None:
    """Accept `dhcp`, `manual` or an IPv4 network."""
    if value not in {"dhcp", "manual"} and not is_cidr(value, 4):
        raise _refuse("ipv4 network configuration")


def ipv6_config(value: str) -> None:
    """Accept `auto`, `dhcp`, `manual` or an IPv6 network."""
    if value not in {"auto", "dhcp", "manual"} and not is_cidr(value, 6):
        raise _refuse("ipv6 network configuration")


def dns_name(value: str) -> None:
    """Accept a host name with or without domain."""
    if not DNS_NAME.fullmatch(value):
        raise _refuse("DNS name")


def address(value: str) -> None:
    """Accept an address or a DNS name."""
    if version(value) is None and not DNS_NAME.fullmatch(value):
        raise FormatError(f"value does not look like a valid address: {value}\n")


def mac(value: str) -> None:
    """Accept a unicast MAC address."""
    if not MAC.fullmatch(value):
        raise _refuse("unicast MAC address")


def mac_prefix(value: str) -> None:
    """Accept one to five leading bytes of a unicast MAC address."""
    if not re.fullmatch(r"[a-f0-9][02468ace](?::[a-f0-9]{2}){0,2}:?", value, re.IGNORECASE):
        raise FormatError("value is not a valid unicast MAC address prefix\n")


def iface(value: str) -> None:
    """Accept the name of a network interface."""
    if not re.fullmatch(r"[a-zA-Z][a-zA-Z0-9_]{1,20}([:\.]\d+)?", value):
        raise FormatError(f"invalid network interface name '{value}'\n")


def bridge(value: str) -> None:
    """Accept the name of a bridge."""
    if not re.fullmatch(r"[-_.\w\d]+", value):
        raise FormatError(f"invalid network interface name '{value}'\n")


def vlan_range(value: str) -> None:
    """Accept a VLAN tag or a range of tags."""
    match = re.fullmatch(r"(\d+)(?:-(\d+))?", value)
    if not match:
        raise FormatError(f"invalid VLAN configuration '{value}'\n")
    for tag in (t for t in match.groups() if t):
        if not 2 <= int(tag) <= 4094:
            raise FormatError(f"invalid VLAN tag '{tag}'\n")
    if match[2] and int(match[1]) >= int(match[2]):
        raise FormatError(f"VLAN range must go from lower to higher tag '{value}'\n")


def portal(value: str) -> None:
    """Accept a host with an optional port."""
    host = re.sub(r":\d+\Z", "", value).strip("[]")
    if version(host) is None and not DNS_NAME.fullmatch(host):
        raise FormatError("value does not look like a valid portal address\n")


def isis_net(value: str) -> None:
    """Accept an IS-IS network entity title."""
    if not re.fullmatch(r"[a-fA-F0-9]{2}(?:\.[a-fA-F0-9]{4}){3,9}\.[a-fA-F0-9]{2}", value):
        raise FormatError("value does not look like a valid isis net\n")


def route_target(value: str) -> None:
    """Accept a BGP route target."""
    if not re.fullmatch(r"\d+:\d+", value):
        raise FormatError("value does not look like a valid bgp route-target\n")


def fabric(value: str) -> None:
    """Accept the name of an SDN fabric."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,6}[a-z0-9]?", value, re.IGNORECASE):
        raise FormatError(f"Fabric ID '{value}' contains illegal characters\n")
