# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Formats of firewall rules, with the server's texts."""

from __future__ import annotations

import ipaddress
import re

from .errors import FormatError

PROTOCOLS = frozenset(
    [
        "ip",
        "hopopt",
        "icmp",
        "igmp",
        "ggp",
        "ipencap",
        "st",
        "tcp",
        "egp",
        "igp",
        "pup",
        "udp",
        "hmp",
        "xns-idp",
        "rdp",
        "iso-tp4",
        "dccp",
        "xtp",
        "ddp",
        "idpr-cmtp",
        "ipv6",
        "ipv6-route",
        "ipv6-frag",
        "idrp",
        "rsvp",
        "gre",
        "esp",
        "ah",
        "skip",
        "ipv6-icmp",
        "icmpv6",
        "ipv6-nonxt",
        "ipv6-opts",
        "vmtp",
        "eigrp",
        "ospf",
        "ax.25",
        "ipip",
        "etherip",
        "encap",
        "pim",
        "ipcomp",
        "vrrp",
        "l2tp",
        "isis",
        "sctp",
        "fc",
        "mobility-header",
        "udplite",
        "mpls-in-ip",
        "hip",
        "shim6",
        "wesp",
        "rohc",
    ]
)
ICMP_NAMES = frozenset(
    [
        "any",
        "echo-reply",
        "destination-unreachable",
        "network-unreachable",
        "host-unreachable",
        "protocol-unreachable",
        "port-unreachable",
        "fragmentation-needed",
        "source-route-failed",
        "network-unknown",
        "host-unknown",
        "network-prohibited",
        "host-prohibited",
        "TOS-network-unreachable",
        "TOS-host-unreachable",
        "communication-prohibited",
        "host-precedence-violation",
        "precedence-cutoff",
        "source-quench",
        "redirect",
        "network-redirect",
        "host-redirect",
        "TOS-network-redirect",
        "TOS-host-redirect",
        "echo-request",
        "router-advertisement",
        "router-solicitation",
        "time-exceeded",
        "ttl-zero-during-transit",
        "ttl-zero-during-reassembly",
        "parameter-problem",
        "ip-header-bad",
        "required-option-missing",
        "timestamp-request",
        "timestamp-reply",
        "address-mask-request",
        "address-mask-reply",
        "no-route",
        "beyond-scope",
        "address-unreachable",
        "failed-policy",
        "reject-route",
        "packet-too-big",
        "bad-header",
        "unknown-header-type",
        "unknown-option",
        "neighbor-solicitation",
        "neighbour-solicitation",
        "neighbor-advertisement",
        "neighbour-advertisement",
    ]
)


def ports(value: str) -> None:
    """Accept a list of ports and port ranges of a firewall rule."""
    for part in value.split(","):
        match = re.fullmatch(r"([0-9]{1,5}):([0-9]{1,5})", part)
        if match:
            low, high = int(match[1]), int(match[2])
            if max(low, high) > 65535:
                raise FormatError(f"invalid port '{match[1] if low > 65535 else match[2]}'\n")
            if low > high:
                text = f"backwards range '{low}:{high}' not allowed, did you mean '{high}:{low}'?"
                raise FormatError(text + "\n")
        elif part.isdigit():
            if int(part) > 65535:
                raise FormatError(f"invalid port '{part}'\n")
        elif not re.fullmatch(r"[a-z][a-z0-9\-]+", part) or not re.search("[a-z]", part):
            raise FormatError(f"invalid port '{part}'\n")


def protocol(value: str) -> None:
    """Accept a protocol of a firewall rule by number or lower-case name."""
    if value.isdigit() and int(value) <= 255:
        return
    if value not in PROTOCOLS:
        raise FormatError(f"unknown protocol '{value}'\n")


def icmp_type(value: str) -> None:
    """Accept an ICMP type by number or name."""
    if value.isdigit() and int(value) <= 255:
        return
    if value not in ICMP_NAMES:
        raise FormatError(f"invalid icmp-type value '{value}'\n")


def addresses(value: str) -> None:
    """Accept the source or destination of a firewall rule."""
    if value.startswith("+"):
        if not re.fullmatch(r"\+(?:dc/|guest/|sdn/)?[A-Za-z][A-Za-z0-9\-_]+", value):
            raise FormatError("invalid ipset name\n")
        return
    if re.fullmatch(r"(?:dc/|guest/)?[A-Za-z][A-Za-z0-9\-_]+", value):
        if len(value.rpartition("/")[2]) > 64:
            raise FormatError("alias name too long\n")
        return
    seen: set[int] = set()
    for part in value.split(","):
        seen.add(_address_part(part))
    if len(seen) > 1:
        raise FormatError(f"detected mixed ipv4/ipv6 addresses in address list '{value}'\n")


def _address_part(part: str) -> int:
    low, dash, high = part.partition("-")
    if dash:
        first, last = _plain(low), _plain(high)
        if int(first) > int(last):
            raise FormatError(
                f"invalid IP address: Begin address is greater than End address {low} - {high}\n"
            )
        return first.version
    try:
        return ipaddress.ip_interface(part).version
    except ValueError:
        return _plain(part.partition("/")[0]).version


def _plain(value: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        return ipaddress.ip_address(value)
    except ValueError:
        pass
    quads = value.split(".")
    if len(quads) == 4 and all(q.isdigit() for q in quads):
        bad = next((q for q in quads if int(q) > 255), quads[0])
        raise FormatError(
            f"invalid IP address: Invalid quad in IP address {value} - {bad}\n"
        ) from None
    raise FormatError(f"invalid IP address: Invalid chars in IP {value}\n") from None
