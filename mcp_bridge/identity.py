# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""With which credential a caller acts on a target: its own, and never somebody else's.

A user of this machine acts with the credential that stands at the target. A caller with a token
of an issuer acts with the one that the configuration gives to it; the token goes nowhere.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, Protocol

from . import targets as targets_file
from .targets import Target
from .targets_problems import Problem, nearest, problems_of

_ACTING = frozenset({"impersonate_user", "impersonate_groups"})
_ANYONE = "someone"
_SUBJECT = "{subject}"
_FOREIGN = "oauth:"
# A name that the issuer's users could choose must not become one of the cluster's own.
_RESERVED = "system:"


class Entry(Protocol):
    """One entry of `identity.map`."""

    @property
    def principal(self) -> Sequence[str]:
        """Return patterns of principals."""

    @property
    def credentials(self) -> Mapping[str, Mapping[str, Any]]:
        """Return a credential for each named target, in the form of targets.yml."""


class Identities:
    """Gives each caller its own view of a target."""

    def __init__(
        self, mode: Literal["map", "service"] = "service", entries: Sequence[Entry] = ()
    ) -> None:
        self._mode, self._entries = mode, entries

    def target(self, principal: str, target: Target) -> Target:
        """Return the target with the credential of a principal.

        One that has none there gets the target ``withheld``: without any credential.
        """
        if self._mode == "service" or not principal.startswith(_FOREIGN):
            return target
        for entry in self._entries:
            given = entry.credentials.get(target.name)
            if given is not None and any(
                fnmatch.fnmatchcase(principal, pattern) for pattern in entry.principal
            ):
                return _with(target, given, principal.partition("#")[2])
        return _withheld(target)


def problems(entries: Sequence[Entry], targets: Mapping[str, Target]) -> list[Problem]:
    """Return what is wrong with the map of principals, for these targets."""
    found = []
    for place, name, credential in _each(entries):
        if name not in targets:
            found.append(Problem(place, f"no such target{nearest(name, targets)}"))
            continue
        whole = {"targets": {name: _with(targets[name], credential, _ANYONE).spec}}
        found += _moved(problems_of(whole), name, place)
    return found


def check_secrets(entries: Sequence[Entry], targets: Mapping[str, Target]) -> list[Problem]:
    """Return what would keep a run from using a secret of a good map, without reading any."""
    found = []
    for place, name, credential in _each(entries):
        target = _with(targets[name], credential, _ANYONE)
        found += _moved(targets_file.check_secrets(target), name, place)
    return found


def _each(entries: Sequence[Entry]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for index, entry in enumerate(entries):
        for name, credential in entry.credentials.items():
            yield f"identity.map[{index}].credentials.{name}", name, credential


def _with(target: Target, given: Mapping[str, Any], subject: str) -> Target:
    """Return a target with another credential, or with its own that acts as somebody."""
    credential = dict(given)
    if set(given) <= _ACTING and target.platform == "kubevirt":
        credential = {**target.spec["credential"], **given}
    for name in _ACTING & credential.keys():
        made = _named(credential[name], subject)
        if made is None:
            return _withheld(target)
        credential[name] = made
    return replace(target, spec={**target.spec, "credential": credential})


def _named(value: Any, subject: str) -> Any:
    """Return a name, or names, with the caller's in it; None for one that it must not become."""
    if isinstance(value, list):
        names = [_named(each, subject) for each in value]
        return None if None in names else names
    if not isinstance(value, str) or _SUBJECT not in value:
        return value
    name = value.replace(_SUBJECT, subject)
    return None if name.startswith(_RESERVED) else name


def _withheld(target: Target) -> Target:
    return replace(target, spec={**target.spec, "credential": {}}, withheld=True)


def _moved(found: Sequence[Problem], name: str, place: str) -> list[Problem]:
    """Return problems of a target at the place of the map from which they come."""
    here = f"targets.{name}"

    def moved(path: str) -> str:
        return place + path.removeprefix(f"{here}.credential").removeprefix(here)

    return [Problem(moved(each.path), each.text) for each in found]
