# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on firmware, threads and further devices of a template. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from .rules import Cause, Scope, cause

_THREADS = ("", "shared", "auto", "supplementalPool")


def devices(scope: Scope) -> Iterator[Cause]:
    """Check input devices and I/O threads."""
    for row, each in enumerate(scope.rows("inputs")):
        here = scope.at(f"domain.devices.inputs[{row}]")
        if each.get("bus") not in (None, "", "virtio", "usb"):
            yield cause(f"{here}.bus", "Input device can have only virtio or usb bus.")
        if each.get("type") != "tablet":
            yield cause(f"{here}.type", "Input device can have only tablet type.")
    policy = scope.domain.get("ioThreadsPolicy") or ""
    if policy not in _THREADS:
        yield cause(scope.at("domain.ioThreadsPolicy"), f"Invalid IOThreadsPolicy ({policy})")
    count = (scope.domain.get("ioThreads") or {}).get("supplementalPoolThreadCount") or 0
    if policy == "supplementalPool" and count < 1:
        text = "the number of iothreads needs to be set and positive for the dedicated policy"
        yield cause(scope.at("domain.ioThreads.count"), text)


def domain(scope: Scope) -> Iterator[Cause]:
    """Check firmware and devices that a feature gate opens."""
    yield from _firmware(scope)
    yield from _encrypted(scope)
    yield from _gated(scope)


def _firmware(scope: Scope) -> Iterator[Cause]:
    firmware, path = scope.domain.get("firmware") or {}, scope.at("domain.firmware")
    loader = firmware.get("bootloader") or {}
    efi = loader.get("efi")
    if efi is not None and loader.get("bios") is not None:
        text = "has both EFI and BIOS configured, but they are mutually exclusive."
        yield cause(f"{path}.bootloader", f"{path}.bootloader {text}")
    smm = (scope.domain.get("features") or {}).get("smm")
    if efi is not None and efi.get("secureBoot", True) and not _is_on(smm):
        here = scope.at("domain")
        text = "has EFI SecureBoot enabled. SecureBoot requires SMM, which is currently disabled."
        yield cause(here, f"{here} {text}")
    yield from _kernel(firmware.get("kernelBoot"), f"{path}.kernelBoot")
    slic = (firmware.get("acpi") or {}).get("slicNameRef")
    if slic and slic not in {each.get("name") for each in scope.volumes}:
        here = scope.at("acpi")
        yield cause(f"{here}.slicNameRef", f"{here} does not have a matching Volume.")


def _is_on(state: object) -> bool:
    return isinstance(state, dict) and bool(state.get("enabled", True))


def _kernel(boot: dict[str, object] | None, path: str) -> Iterator[Cause]:
    container = (boot or {}).get("container")
    if boot and boot.get("kernelArgs") and not container:
        text = "kernel arguments cannot be provided without an external kernel"
        yield cause(f"{path}.kernelArgs", text)
    paths = ("kernelPath", "initrdPath")
    if isinstance(container, dict) and not any(container.get(each) for each in paths):
        here = f"{path}.container"
        text = f"{here} must be defined with at least one of the following: {', '.join(paths)}"
        yield cause(here, text, "FieldValueRequired")


def _encrypted(scope: Scope) -> Iterator[Cause]:
    if "sev" not in (scope.domain.get("launchSecurity") or {}):
        return
    loader = (scope.domain.get("firmware") or {}).get("bootloader") or {}
    if loader.get("efi") is None:
        yield cause(scope.at("launchSecurity"), "SEV requires OVMF (UEFI)")
    elif loader["efi"].get("secureBoot", True):
        yield cause(scope.at("launchSecurity"), "SEV does not work along with SecureBoot")


def _gated(scope: Scope) -> Iterator[Cause]:
    path, found = scope.at("domain.devices"), scope.devices
    if found.get("autoattachVSOCK") and not scope.gates.on("VSOCK"):
        text = "VSOCK feature gate is not enabled in kubevirt-config"
        yield cause(f"{path}.autoattachVSOCK", text)
    if found.get("downwardMetrics") is not None and not scope.gates.on("DownwardMetrics"):
        text = "downwardMetrics virtio serial is not allowed: DownwardMetrics feature gate is not"
        yield cause(f"{path}.downwardMetrics", f"{text} enabled")
    claims = {
        each.get("name")
        for each in scope.volumes
        if "persistentVolumeClaim" in each or "dataVolume" in each
    }
    shares = any(each.get("name") in claims for each in scope.rows("filesystems"))
    if shares and not scope.gates.on("EnableVirtioFsStorageVolumes"):
        text = "virtiofs is not allowed: virtiofs feature gate is not enabled for PVC"
        yield cause(f"{path}.filesystems", text)
    if found.get("video") is not None and found.get("autoattachGraphicsDevice") is False:
        text = "Video configuration is not allowed when autoattachGraphicsDevice is set to false"
        yield cause(scope.at("video"), text)
