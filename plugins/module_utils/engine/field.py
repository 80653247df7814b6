# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""One option of a resource, declared once: the source of its argument spec, docs and comparison."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from .compare import Comparison, as_set, same, subset

ROLES = ("compared", "create_only", "option")
TYPES = ("str", "int", "float", "bool", "list", "dict", "path", "raw")
_NAMES = {str: "str", int: "int", float: "float", bool: "bool", list: "list", dict: "dict"}


@dataclass(frozen=True)
class Field:
    """One option, as a user types it.

    ``type`` and ``elements`` are Python types or the Ansible words ``path`` and ``raw``.
    ``role`` says what a value is for: ``compared`` fields are desired state; ``create_only``
    fields are used when the object is created and ignored afterwards (a clone source);
    ``option`` fields steer the run and are never state (``purge``).
    ``api`` is the vendor's name where it differs. ``unit`` is shown in the docs.
    ``fields`` are the sub-options of a dict or of a list of dicts; ``key`` names the sub-option
    by which the items of a list of dicts are matched. An item may carry ``state: absent``
    when ``key`` is set; the engine adds that sub-option.
    ``secret`` makes ``no_log``; ``write_only`` values cannot be read back and follow
    ``update_secrets``. ``immutable`` fields are compared and refuse to change unless
    ``allow_replace``. ``restart`` marks a field whose change waits for a restart of a running
    guest; ``offline`` one that the platform changes only while the guest is stopped.
    ``default`` is the option's own default; a compared field of a Resource has none,
    because what the user did not give is never written. ``absent_as`` is the value that the
    platform means where it reports none. ``samples`` are two or more valid values for the
    generated contract tests, as the user writes them.
    """

    name: str
    type: Any = str
    doc: str | tuple[str, ...] = ""
    api: str = ""
    role: str = "compared"
    elements: Any = None
    choices: tuple[Any, ...] = ()
    default: Any = None
    absent_as: Any = None
    required: bool = False
    unit: str = ""
    min: int | None = None
    max: int | None = None
    pattern: str = ""
    compare: Comparison = same
    immutable: bool = False
    restart: bool = False
    offline: bool = False
    secret: bool = False
    write_only: bool = False
    key: str = ""
    fields: tuple[Field, ...] = ()
    aliases: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    samples: tuple[Any, ...] = ()
    version_added: str = ""

    def __post_init__(self) -> None:
        """Refuse a declaration that contradicts itself."""
        if self.type_name not in TYPES:
            raise ValueError(f"{self.name}: unknown type {self.type!r}")
        if self.role not in ROLES:
            raise ValueError(f"{self.name}: unknown role {self.role!r}")
        # A wrong pattern shows here; Python remembers a right one for whoever is forked.
        re.compile(self.pattern)
        if not self.doc:
            raise ValueError(f"{self.name}: a field needs doc text")
        if (self.elements is not None) != (self.type_name == "list"):
            raise ValueError(f"{self.name}: elements goes with type list, and only with it")
        if self.key and self.key not in {sub.name for sub in self.fields}:
            raise ValueError(f"{self.name}: key {self.key!r} is not one of its sub-options")
        if self.key and self.elements_name != "dict":
            raise ValueError(f"{self.name}: key goes with a list of dicts")

    @property
    def type_name(self) -> str:
        """Return the Ansible word for the type."""
        return self.type if isinstance(self.type, str) else _NAMES.get(self.type, "?")

    @property
    def elements_name(self) -> str | None:
        """Return the Ansible word for the type of the elements, if this is a list."""
        if self.elements is None or isinstance(self.elements, str):
            return self.elements
        return _NAMES.get(self.elements, "?")

    @property
    def merges(self) -> bool:
        """Whether values that the user did not list are kept unless ``exact`` is set."""
        if self.type_name == "list":
            return bool(self.key) or self.compare is as_set
        return self.type_name == "dict" and not self.fields and self.compare is subset

    @property
    def doc_lines(self) -> tuple[str, ...]:
        """Return the doc text as paragraphs."""
        return (self.doc,) if isinstance(self.doc, str) else self.doc

    @property
    def api_name(self) -> str:
        """Return the vendor's name of this field."""
        return self.api or self.name
