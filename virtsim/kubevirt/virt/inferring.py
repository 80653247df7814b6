# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which instance type and preference a volume says its machine should have."""

from __future__ import annotations

from ..status import ApiError
from ..store import Object, Store
from . import names
from .rules import cause

_LABEL = "instancetype.kubevirt.io/default-"
_MATCHER = {"instancetype": "InstancetypeMatcher", "preference": "PreferenceMatcher"}


class CannotInferError(Exception):
    """The volume does not say it."""


def infer(store: Store, vm: Object, webhook: str) -> None:
    """Replace each inferFromVolume by the name that the volume carries."""
    for which in ("instancetype", "preference"):
        matcher = vm["spec"].get(which)
        if not isinstance(matcher, dict):
            continue
        source = matcher.get("inferFromVolume")
        _check(which, matcher, webhook)
        if not source:
            continue
        try:
            labels = _labels(store, vm, source)
            found = _matched(labels, which)
        except CannotInferError as error:
            if matcher.get("inferFromVolumeFailurePolicy") == "Ignore":
                del vm["spec"][which]
                continue
            raise ApiError(400, _said(webhook, str(error)), reason="") from None
        vm["spec"][which] = found


def _check(which: str, matcher: Object, webhook: str) -> None:
    name, source = matcher.get("name"), matcher.get("inferFromVolume")
    if name and source:
        text = "Name already set, should be cleared before setting inferFromVolume"
        row = cause(f"spec.{which}.name", text, "FieldValueNotSupported")
    elif not name and not source:
        text = f"Either Name or InferFromVolume should be provided within the {_MATCHER[which]}"
        row = cause(f"spec.{which}", text, "FieldValueNotFound")
    else:
        return
    raise ApiError(422, _said(webhook, text), details={"causes": [row]})


def _said(webhook: str, text: str) -> str:
    return f'admission webhook "{webhook}" denied the request: {text}'


def _matched(labels: dict[str, str], which: str) -> Object:
    label = f"{_LABEL}{which}"
    if label not in labels:
        raise CannotInferError(f"unable to find required {label} label on the volume")
    kind = labels.get(f"{label}-kind")
    return {"name": labels[label], **({"kind": kind} if kind else {})}


def _labels(store: Store, vm: Object, volume_name: str) -> dict[str, str]:
    volumes = vm["spec"]["template"]["spec"].get("volumes") or ()
    volume = next((each for each in volumes if each.get("name") == volume_name), None)
    place = vm["metadata"].get("namespace", "")
    if volume is None:
        raise CannotInferError(f"unable to find volume {volume_name} to infer defaults")
    if "persistentVolumeClaim" in volume:
        return _of(store, names.CLAIM, place, volume["persistentVolumeClaim"]["claimName"])
    if "dataVolume" not in volume:
        text = f"unable to infer defaults from volume {volume_name} as type is not supported"
        raise CannotInferError(text)
    return _of_data_volume(store, vm, place, volume["dataVolume"]["name"])


def _of_data_volume(store: Store, vm: Object, place: str, name: str) -> dict[str, str]:
    templates = vm["spec"].get("dataVolumeTemplates") or ()
    made = next((each for each in templates if each["metadata"].get("name") == name), None)
    volume = made or store.get(names.DATA_VOLUME, place, name)
    if volume is None:
        return _of(store, names.CLAIM, place, name)
    labels = volume["metadata"].get("labels") or {}
    if any(each.startswith(_LABEL) for each in labels):
        return dict(labels)
    spec = volume.get("spec") or {}
    claim = (spec.get("source") or {}).get("pvc")
    if claim:
        return _of(store, names.CLAIM, claim.get("namespace") or place, claim["name"])
    source = spec.get("sourceRef")
    if not source:
        raise CannotInferError("unable to infer defaults from DataVolumeSpec as it has no source")
    where = source.get("namespace") or place
    return _of(store, names.DATA_SOURCE, where, source["name"])


def _of(store: Store, key: str, place: str, name: str) -> dict[str, str]:
    found = store.get(key, place, name)
    if found is None:
        raise CannotInferError(f'{key} "{name}" not found')
    labels = dict(found["metadata"].get("labels") or {})
    claim = ((found.get("spec") or {}).get("source") or {}).get("pvc")
    if key == names.DATA_SOURCE and claim and not any(each.startswith(_LABEL) for each in labels):
        return _of(store, names.CLAIM, claim.get("namespace") or place, claim["name"])
    return labels
