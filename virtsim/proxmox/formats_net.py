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
PROTOCOLS = frozenset(
    "ip hopopt icmp igmp ggp ipencap st tcp egp igp pup udp hmp xns-idp rdp iso-tp4 dccp xtp ddp "
    "idpr-cmtp ipv6 ipv6-route ipv6-frag idrp rsvp gre esp ah skip ipv6-icmp icmpv6 ipv6-nonxt "
    "ipv6-opts vmtp eigrp ospf ax.25 ipip etherip encap pim ipcomp vrrp l2tp isis sctp fc "
    "mobility-header udplite mpls-in-ip hip shim6 wesp rohc".split()
)
ICMP_NAMES = frozenset(
    "any echo-reply destination-unreachable network-unreachable host-unreachable "
    "protocol-unreachable port-unreachable fragmentation-needed source-route-failed "
    "network-unknown host-unknown network-prohibited host-prohibited TOS-network-unreachable "
    "TOS-host-unreachable communication-prohibited host-precedence-violation precedence-cutoff "
    "source-quench redirect network-redirect host-redirect TOS-network-redirect "
    "TOS-host-redirect echo-request router-advertisement router-solicitation time-exceeded "
    "ttl-zero-during-transit ttl-zero-during-reassembly parameter-problem ip-header-bad "
    "required-option-missing timestamp-request timestamp-reply address-mask-request "
    "address-mask-reply no-route beyond-scope address-unreachable failed-policy reject-route "
    "packet-too-big bad-header unknown-header-type unknown-option neighbor-solicitation "
    "neighbour-solicitation neighbor-advertisement neighbour-advertisement".split()
)


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
    return 7 < int(bits) <= (32 if kind == 4 else 128)  # noqa: PLR2004  (address families)


def _refuse(what: str) -> FormatError:
    return FormatError(f"value does not look like a valid {what}\n")


def ip(value: str) -> None:
    """Accept an IPv4 or IPv6 address."""
    if version(value) is None:
        raise _refuse("IP address")


def ipv4(value: str) -> None:
    """Accept an IPv4 address."""
    if version(value) != 4:  # noqa: PLR2004
        raise _refuse("IPv4 address")


def ipv6(value: str) -> None:
    """Accept an IPv6 address."""
    if version(value) != 6:  # noqa: PLR2004
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
        if not 2 <= int(tag) <= 4094:  # noqa: PLR2004  (802.1Q)
            raise FormatError(f"invalid VLAN tag '{tag}'\n")
    if match[2] and int(match[1]) >= int(match[2]):
        raise FormatError(f"VLAN range must go from lower to higher tag '{value}'\n")


def portal(value: str) -> None:
    """Accept a host with an optional port."""
    host = re.sub(r":\d+\Z", "", value).strip("[]")
    if version(host) is None and not DNS_NAME.fullmatch(host):
        raise FormatError("value does not look like a valid portal address\n")


def ports(value: str) -> None:
    """Accept a list of ports and port ranges of a firewall rule."""
    for part in value.split(","):
        match = re.fullmatch(r"([0-9]{1,5}):([0-9]{1,5})", part)
        if match:
            low, high = int(match[1]), int(match[2])
            if max(low, high) > 65535:  # noqa: PLR2004  (ports are 16 bits)
                raise FormatError(f"invalid port '{match[1] if low > 65535 else match[2]}'\n")  # noqa: PLR2004
            if low > high:
                text = f"backwards range '{low}:{high}' not allowed, did you mean '{high}:{low}'?"
                raise FormatError(text + "\n")
        elif part.isdigit():
            if int(part) > 65535:  # noqa: PLR2004
                raise FormatError(f"invalid port '{part}'\n")
        elif not re.fullmatch(r"[a-z][a-z0-9\-]+", part) or not re.search("[a-z]", part):
            raise FormatError(f"invalid port '{part}'\n")


def protocol(value: str) -> None:
    """Accept a protocol of a firewall rule by number or lower-case name."""
    if value.isdigit() and int(value) <= 255:  # noqa: PLR2004  (8 bits)
        return
    if value not in PROTOCOLS:
        raise FormatError(f"unknown protocol '{value}'\n")


def icmp_type(value: str) -> None:
    """Accept an ICMP type by number or name."""
    if value.isdigit() and int(value) <= 255:  # noqa: PLR2004
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
        if len(value.rpartition("/")[2]) > 64:  # noqa: PLR2004  (vendor limit)
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
    if len(quads) == 4 and all(q.isdigit() for q in quads):  # noqa: PLR2004
        bad = next((q for q in quads if int(q) > 255), quads[0])  # noqa: PLR2004
        raise FormatError(
            f"invalid IP address: Invalid quad in IP address {value} - {bad}\n"
        ) from None
    raise FormatError(f"invalid IP address: Invalid chars in IP {value}\n") from None
