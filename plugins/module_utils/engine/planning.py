# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""Decide what to do: ``make_plan`` compares what the user gave with what is there. All pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .compare import missing
from .errors import ValidationFailed
from .field import Field
from .plan import Change, Plan
from .resource import Resource

SECRET = "(secret)"  # noqa: S105  # it is what a secret is shown as
SECRET_CHANGED = "(secret, changed)"  # noqa: S105  # see above
_POWER = {"started": "running", "stopped": "stopped"}

Actual = Mapping[str, Any]


def make_plan(resource: Resource, desired: Mapping[str, Any], actual: Actual | None) -> Plan:
    """Return what a run must do so that ``actual`` (None: no such object) says ``desired``.

    Only what ``desired`` holds is compared. Raise ValidationFailed when a field would change
    that cannot, unless ``allow_replace``.
    """
    state = desired.get("state", "present")
    if state == "absent":
        return Plan(action="none" if actual is None else "delete")
    power = _POWER.get(state)
    if actual is None:
        return _creation(resource, desired, power)
    changes, after = _changes(resource, desired, actual)
    refused = [item for item in resource.compared if item.immutable and item.name in after]
    if refused and not desired.get("allow_replace"):
        raise _immutable(resource, refused, changes, actual)
    if refused:
        keep = "running" if actual.get("state") == "running" else None
        created = _creation(resource, desired, power or keep)
        return Plan("replace", changes, created.power, after=created.after)
    stop_first = _needs_stop(resource, desired, actual, changes)
    power = None if actual.get("state") == power else power
    return Plan(
        action="update" if changes else "none",
        changes=changes,
        power=power,
        restart=not stop_first and _restarts(desired, actual, changes, power),
        stop_first=stop_first,
        after=after,
    )


def diff_of(resource: Resource, plan: Plan, actual: Actual | None) -> dict[str, Any]:
    """Return ``before`` and ``after`` of what changes, by path, with secrets hidden."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    created, deleted = plan.action == "create", plan.action == "delete"
    guest = (actual or {}).get("state")
    if created or deleted:
        before["state"] = "absent" if created else guest or "present"
        after["state"] = "absent" if deleted else plan.power or "present"
    elif plan.restart or plan.stop_first or plan.power:
        before["state"] = guest
        after["state"] = plan.power or "restarted"
    if plan.action == "replace":
        before["object"], after["object"] = "present", "replaced"
    for change in plan.changes:
        hidden = change.secret
        old, new = _shown(change)
        if not created:
            before[change.path] = old
        after[change.path] = SECRET if hidden and created else new
    return {"before": before, "after": after}


def unreadable(resource: Resource, plan: Plan) -> bool:
    """Whether reading the object cannot show if this update was applied."""
    write_only = {item.name for item in resource.fields if item.write_only}
    return plan.action == "update" and any(change.path in write_only for change in plan.changes)


def _creation(resource: Resource, desired: Mapping[str, Any], power: str | None) -> Plan:
    after: dict[str, Any] = {}
    changes: list[Change] = []
    for field in resource.fields:
        value = desired.get(field.name)
        if value is None or field.role == "option":
            continue
        if field.key:
            value = [entry for entry in value if not _absent(entry)]
        value = _stated(field, value)
        after[field.name] = value
        changes.append(Change(field.name, None, _presentable(field, value), field.secret))
    return Plan("create", tuple(changes), power, after=after)


def _changes(
    resource: Resource, desired: Mapping[str, Any], actual: Actual
) -> tuple[tuple[Change, ...], dict[str, Any]]:
    exact = bool(desired.get("exact"))
    secrets = desired.get("update_secrets", "on_create") == "always"
    changes: list[Change] = []
    after: dict[str, Any] = {}
    for field in resource.compared:
        value = desired.get(field.name)
        if value is None or (field.write_only and not secrets):
            continue
        found, merged = _compare(field, value, actual.get(field.name), field.name, exact=exact)
        if found:
            changes += found
            after[field.name] = merged
    return tuple(changes), after


def _compare(
    field: Field, desired: Any, actual: Any, path: str, *, exact: bool
) -> tuple[list[Change], Any]:
    """Return the changes of one field, and the whole value it will have."""
    if actual is None:
        actual = field.absent_as
    if field.write_only:
        return [_change(field, path, None, desired)], desired
    if field.key:
        return _by_key(field, desired, actual or (), path, exact=exact)
    if field.fields and field.type_name == "dict":
        return _by_sub_option(field, desired, actual or {}, path, exact=exact)
    desired = _stated(field, desired)
    merged = desired if exact or not field.merges else _merged(desired, actual)
    equal = field.compare(merged, actual) and (not exact or _no_more_keys(field, desired, actual))
    return ([], actual) if equal else ([_change(field, path, actual, merged)], merged)


def _by_sub_option(
    field: Field, desired: Mapping[str, Any], actual: Actual, path: str, *, exact: bool
) -> tuple[list[Change], dict[str, Any]]:
    changes: list[Change] = []
    merged = dict(actual)
    for sub in field.fields:
        value = desired.get(sub.name)
        if value is None or (sub.role == "create_only" and actual):
            continue
        found, whole = _compare(sub, value, actual.get(sub.name), f"{path}.{sub.name}", exact=exact)
        changes += _inherit(field, found)
        merged[sub.name] = whole
    return changes, merged


def _by_key(
    field: Field, desired: Sequence[Any], actual: Sequence[Any], path: str, *, exact: bool
) -> tuple[list[Change], list[Any]]:
    """Merge a list of mappings by key: update what differs, add, remove what is marked absent."""
    changes: list[Change] = []
    merged = {entry[field.key]: entry for entry in actual}
    for entry in desired:
        name = entry[field.key]
        where = f"{path}[{name}]"
        if _absent(entry):
            if name in merged:
                changes.append(_change(field, where, _presentable(field, merged.pop(name)), None))
        elif name in merged:
            found, merged[name] = _by_sub_option(field, entry, merged[name], where, exact=exact)
            changes += found
        else:
            merged[name] = _stated(field, entry)
            changes.append(_change(field, where, None, _presentable(field, merged[name])))
    if exact:
        listed = {entry[field.key] for entry in desired}
        for name in [name for name in merged if name not in listed]:
            before = _presentable(field, merged.pop(name))
            changes.append(_change(field, f"{path}[{name}]", before, None))
    return changes, list(merged.values())


def _inherit(field: Field, changes: Sequence[Change]) -> Iterator[Change]:
    for each in changes:
        yield replace(
            each,
            secret=each.secret or field.secret,
            restart=each.restart or field.restart,
            offline=each.offline or field.offline,
        )


def _change(field: Field, path: str, before: Any, after: Any) -> Change:
    return Change(path, before, after, field.secret, field.restart, field.offline)


def _merged(desired: Any, actual: Any) -> Any:
    if isinstance(desired, Mapping):
        return {**(actual or {}), **desired}
    return [*(actual or ()), *missing(desired, actual or ())]


def _no_more_keys(field: Field, desired: Any, actual: Any) -> bool:
    return field.type_name != "dict" or not field.merges or set(actual or ()) <= set(desired)


def _absent(entry: Any) -> bool:
    return bool(entry.get("state") == "absent")


def _stated(field: Field, value: Any) -> Any:
    """Return the value without the sub-options that Ansible fills in as None, and ``state``."""
    if not field.fields:
        return value
    if isinstance(value, (list, tuple)):
        return [_stated(field, entry) for entry in value]
    return {
        sub.name: _stated(sub, value[sub.name])
        for sub in field.fields
        if value.get(sub.name) is not None
    }


def _presentable(field: Field, value: Any) -> Any:
    """Return the value with secret sub-options hidden and empty ones left out."""
    if not field.fields:
        return value
    if isinstance(value, (list, tuple)):
        return [_presentable(field, entry) for entry in value]
    return {
        sub.name: SECRET if sub.secret else _presentable(sub, value[sub.name])
        for sub in field.fields
        if value.get(sub.name) is not None
    }


def _shown(change: Change) -> tuple[Any, Any]:
    if not change.secret:
        return change.before, change.after
    return SECRET, None if change.after is None else SECRET_CHANGED


def _restarts(
    desired: Mapping[str, Any], actual: Actual, changes: Sequence[Change], power: str | None
) -> bool:
    """Whether a running guest must be stopped and started for what was asked to take effect."""
    if desired.get("restart") != "if_needed" or actual.get("state") != "running" or power:
        return False
    waiting = any(desired.get(name) is not None for name in actual.get("_pending") or ())
    return waiting or any(change.restart for change in changes)


def _needs_stop(
    resource: Resource, desired: Mapping[str, Any], actual: Actual, changes: Sequence[Change]
) -> bool:
    """Whether a guest must be stopped before the changes can be made.

    ``_online`` in an actual names fields that this very guest takes over while it runs.
    Raise ValidationFailed when it must, and the user did not allow it.
    """
    guest = actual.get("state")
    if guest in (None, "stopped"):
        return False
    online = actual.get("_online") or ()
    paths = [each.path for each in changes if each.offline and _root(each.path) not in online]
    if paths and desired.get("restart") != "if_needed" and desired.get("state") != "stopped":
        raise ValidationFailed(
            f"{actual.get('_label') or resource.name} is {guest}, and {', '.join(paths)} can be "
            "changed only while it is stopped. Nothing was changed. Give restart: if_needed, or "
            "stop it first.",
            fields=dict.fromkeys(paths, "can be changed only while the guest is stopped"),
        )
    return bool(paths)


def _root(path: str) -> str:
    return path.split("[", maxsplit=1)[0].split(".", maxsplit=1)[0]


def _immutable(
    resource: Resource, refused: Sequence[Field], changes: Sequence[Change], actual: Actual
) -> ValidationFailed:
    names = {item.name for item in refused}
    texts = {}
    for change in changes:
        if _root(change.path) in names:
            old, new = _shown(change)
            texts[change.path] = f"is {old!r} and cannot be changed to {new!r}"
    label = actual.get("_label") or resource.name
    return ValidationFailed(
        f"{label}: {'; '.join(f'{path} {text}' for path, text in texts.items())}. Nothing was "
        "changed. allow_replace: true deletes the object and creates it anew.",
        fields=texts,
    )
