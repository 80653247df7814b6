# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on networks and interfaces of a template. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Iterator

from ..store import Object
from .rules import Cause, Scope, cause

BINDINGS = (
    "masquerade",
    "bridge",
    "sriov",
    "slirp",
    "macvtap",
    "passt",
    "passtBinding",
    "binding",
)
_STATES = ("", "up", "down", "absent")
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_PORT_NAME = re.compile(r"(?=.*[a-z])[a-z0-9]([a-z0-9-]{0,13}[a-z0-9])?")
_PCI = re.compile(r"[0-9a-fA-F]{4}:[0-9a-fA-F]{2}:[01][0-9a-fA-F]\.[0-7]")
_MAC = re.compile(r"[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2})*")
_MAC_BYTES = (6, 8, 20)
_RESERVED_MAC = "02:00:00:00:00:00"
_OPTIONS = range(224, 255)


def networks(scope: Scope) -> Iterator[Cause]:
    """Check networks, interfaces, and that each has its other."""
    pods = [each for each in scope.networks if "pod" in each]
    multus = [each for each in scope.networks if (each.get("multus") or {}).get("default")]
    if len(pods) > 1:
        path = scope.at("interfaces")
        text = f"more than one interface is connected to a pod network in {path}"
        yield cause(path, text, "FieldValueDuplicate")
    if pods and multus:
        text = "Pod network cannot be defined when Multus default network is defined"
        yield cause(scope.at("networks"), text)
    if len(multus) > 1:
        yield cause(scope.at("networks"), "Multus CNI should only have one default network")
    yield from _sources(scope)
    for row, interface in enumerate(scope.rows("interfaces")):
        here = scope.at(f"domain.devices.interfaces[{row}]")
        yield from _binding(scope, interface, row, here)
        yield from _address(interface, here)
        yield from _ports(interface, here)
        yield from _dhcp(scope, interface, here)
    yield from _pairs(scope)


def _sources(scope: Scope) -> Iterator[Cause]:
    for row, network in enumerate(scope.networks):
        kinds = [name for name in ("pod", "multus", "resourceClaim") if name in network]
        if len(kinds) != 1:
            text = "should have only one network type" if kinds else "should have a network type"
            yield cause(scope.at(f"networks[{row}]"), text, "FieldValueRequired")


def _binding(scope: Scope, interface: Object, row: int, here: str) -> Iterator[Cause]:
    name = interface.get("name", "")
    given = [kind for kind in BINDINGS if interface.get(kind) is not None]
    if len(given) != 1:
        text = f"logical {name} interface must have exactly one binding method or binding plugin"
        yield cause(here, text)
    network = next((each for each in scope.networks if each.get("name") == name), {})
    if "masquerade" in given and "pod" not in network:
        yield cause(f"{here}.name", "Masquerade interface only implemented with pod network")
    permitted = scope.gates.setting("network", "permitBridgeInterfaceOnPodNetwork", default=True)
    if given == ["bridge"] and "pod" in network and not permitted:
        text = "Bridge on pod network configuration is not enabled under kubevirt-config"
        yield cause(f"{here}.name", text)
    for kind, words in (
        ("slirp", "Slirp interface support"),
        ("passt", "Passt network binding"),
    ):
        if kind in given:
            # The real path of these names no template.
            where = f"spec.domain.devices.interfaces[{row}].{kind}"
            yield cause(where, f"{words} has been discontinued since v1.3")
    yield from _state(interface, given, here)


def _state(interface: Object, given: list[str], here: str) -> Iterator[Cause]:
    name, state = interface.get("name", ""), interface.get("state") or ""
    if state not in _STATES:
        text = f"logical {name} interface state value is unsupported: {state}"
        yield cause(f"{here}.state", text)
    elif "sriov" in given and state in ("up", "down"):
        text = f'"{name}" interface\'s state "{state}" is not supported for SR-IOV NICs'
        yield cause(f"{here}.state", text)
    if name and not _NAME.fullmatch(name):
        text = "Network interface name can only contain alphabetical characters, numbers, dashes"
        yield cause(f"{here}.name", f"{text} (-) or underscores (_)")


def is_malformed(mac: str) -> bool:
    """Whether a text is no hardware address of any length."""
    return not _MAC.fullmatch(mac) or len(re.split("[:-]", mac)) not in _MAC_BYTES


def _address(interface: Object, here: str) -> Iterator[Cause]:
    mac, pci = interface.get("macAddress"), interface.get("pciAddress")
    if mac:
        size = len(re.split("[:-]", mac))
        if is_malformed(mac):
            text = f"interface {here}.name has malformed MAC address ({mac})."
            yield cause(f"{here}.macAddress", text)
        elif size > _MAC_BYTES[0]:
            text = f"interface {here}.name has too long MAC address ({mac})."
            yield cause(f"{here}.macAddress", text)
        elif mac.replace("-", ":").lower() == _RESERVED_MAC:
            text = "The requested MAC address is reserved for the in-pod bridge."
            yield cause(f"{here}.macAddress", f"{text} Please choose another one.")
    if pci and not _PCI.fullmatch(pci):
        text = f"interface {here}.name has malformed PCI address ({pci})."
        yield cause(f"{here}.pciAddress", text)


def _ports(interface: Object, here: str) -> Iterator[Cause]:
    seen: set[str] = set()
    for row, port in enumerate(interface.get("ports") or ()):
        path, name = f"{here}.ports[{row}]", port.get("name") or ""
        if not port.get("port"):
            yield cause(f"{path}.port", "Port field is mandatory.", "FieldValueRequired")
        elif not 0 < port["port"] < 65536:  # the range that the text names
            yield cause(f"{path}.port", "Port field must be in range 0 < x < 65536.")
        if port.get("protocol") not in (None, "", "TCP", "UDP"):
            yield cause(f"{path}.protocol", "Unknown protocol, only TCP or UDP allowed")
        if name and name in seen:
            text = f"Duplicate name of the port: {name}"
            yield cause(f"{path}.name", text, "FieldValueDuplicate")
        if name and not _PORT_NAME.fullmatch(name):
            yield cause(f"{path}.name", f"Invalid name of the port: {name}")
        seen.add(name)


def _dhcp(scope: Scope, interface: Object, here: str) -> Iterator[Cause]:
    dhcp = interface.get("dhcpOptions") or {}
    options = [each.get("option", 0) for each in dhcp.get("privateOptions") or ()]
    if any(each not in _OPTIONS for each in options):
        text = "provided DHCPPrivateOptions are out of range, must be in range 224 to 254"
        yield cause(scope.path, text)
    if any(count > 1 for count in Counter(options).values()):
        text = "Found Duplicates: you have provided duplicate DHCPPrivateOptions"
        yield cause(scope.path, text)
    for row, server in enumerate(dhcp.get("ntpServers") or ()):
        try:
            ipaddress.IPv4Address(server)
        except ValueError:
            text = "NTP servers must be a list of valid IPv4 addresses."
            yield cause(f"{here}.dhcpOptions.ntpServers[{row}]", text)


def _pairs(scope: Scope) -> Iterator[Cause]:
    """Check that networks and interfaces belong to each other, one to one."""
    attached = {each.get("name", "") for each in scope.rows("interfaces")}
    seen: set[str] = set()
    for row, network in enumerate(scope.networks):
        here, name = scope.at(f"networks[{row}]"), network.get("name", "")
        if name in seen:
            text = f'Network with name "{name}" already exists, every network must have a unique'
            yield cause(f"{here}.name", f"{text} name", "FieldValueDuplicate")
        seen.add(name)
        if name not in attached:
            yield cause(f"{here}.name", f"{here}.name '{name}' not found.", "FieldValueRequired")
    used: set[str] = set()
    for row, interface in enumerate(scope.rows("interfaces")):
        here = scope.at(f"domain.devices.interfaces[{row}]")
        name = interface.get("name", "")
        if name not in seen:
            yield cause(f"{here}.name", f"{here}.name '{name}' not found.")
        elif name in used:
            text = "Only one interface can be connected to one specific network"
            yield cause(f"{here}.name", text, "FieldValueDuplicate")
        used.add(name)
