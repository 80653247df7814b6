# Copyright: (c) 2026, the virtbridge maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DOCUMENTATION and RETURN of a module, and the documentation fragments, as YAML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from plugins.module_utils.engine.field import Field
from plugins.module_utils.engine.resource import (
    Action,
    Api,
    Declaration,
    Platform,
    Query,
    Resource,
)
from plugins.module_utils.engine.spec import connection_fields, own_fields
from tools.declarations import FLEET, Declared

from .options import option, returned

AUTHOR = "virtbridge maintainers (@virtbridge)"
ATTRIBUTES = {
    "check_mode": "Says what would change, and sends nothing that writes.",
    "diff_mode": "Says what changes, before and after; O(ignore:diff) is returned in any case.",
    "platform": "Where the module runs; it talks to the endpoint over HTTPS.",
    "action_group": "Groups for C(module_defaults).",
}
_OPERATIONS = Field(
    "operations",
    list,
    elements=dict,
    doc="Every write that was sent, also when the module failed.",
    fields=(
        Field("call", doc="What was called.", samples=("POST /nodes/pve1/qemu/100/status/start",)),
        Field("id", doc="The platform's id of the operation, if it has one."),
        Field("seconds", float, doc="How long it took."),
    ),
)
_UID = Field(
    "uid",
    doc="Tells the object that was seen from another that is made later under the same id or name.",
)
_DIFF = Field(
    "diff",
    dict,
    doc="The fields that change, and only those; a secret shows only that it changes.",
    fields=(
        Field("before", dict, doc="Values as they were found."),
        Field("after", dict, doc="Values as they are now, or would be."),
    ),
)
_ERROR = Field(
    "error",
    dict,
    doc="What went wrong, in a form for programs; RV(ignore:msg) says it for people.",
    fields=(
        Field(
            "kind",
            doc=(
                "One of C(auth), C(permission), C(not_found), C(exists), C(ambiguous), C(locked), "
                "C(conflict), C(validation), C(unsupported), C(limit), C(capacity), "
                "C(unavailable), C(timeout), C(operation_failed), C(cancelled), C(uncertain) "
                "and C(internal).",
            ),
            samples=("not_found",),
        ),
        Field("message", doc="What, where, and what to do about it."),
        Field("http_status", int, doc="Status of the answer, if there was one."),
        Field("fields", dict, doc="What is wrong with which option."),
        Field("retryable", bool, doc="Whether the same call may succeed later."),
        Field("request", doc="The call that failed."),
        Field("log", list, elements=str, doc="The last lines that the platform logged."),
    ),
)


def documentation(declared: Declared) -> str:
    """Return the YAML of DOCUMENTATION."""
    declaration = declared.declaration
    page: dict[str, Any] = {
        "module": declaration.name,
        "short_description": declaration.summary,
        "version_added": declaration.version_added,
        "author": [AUTHOR],
        "description": list(declaration.description or (f"{declaration.summary}.",)),
    }
    if declaration.platform.requirements:
        page["requirements"] = list(declaration.platform.requirements)
    fragments = [f"virtbridge.core.{declaration.platform.name}", "virtbridge.core.attributes"]
    page["extends_documentation_fragment"] = fragments
    page["attributes"] = {
        "check_mode": {"support": "full"},
        "diff_mode": {"support": "full" if declaration.writes else "none"},
        "platform": {"platforms": "posix", "support": "full"},
        "action_group": {"support": "full", "membership": groups(declared)},
    }
    page["options"] = {item.name: option(item) for item in own_fields(declaration)}
    if declaration.notes:
        page["notes"] = list(declaration.notes)
    return dump(page)


def groups(declared: Declared) -> list[str]:
    """Return the full names of the action groups of a module."""
    names = ["all"] if declared.platform == FLEET else [declared.platform, "all"]
    return [f"virtbridge.core.{name}" for name in names]


def returns(declaration: Declaration) -> dict[str, tuple[Field, str]]:
    """Return what the module answers: the field and when it is there, by name."""
    found: dict[str, tuple[Field, str]] = {}
    if isinstance(declaration, (Resource, Action)):
        found["object"] = (_object("object", dict, declaration), "when it exists")
    elif isinstance(declaration, Query):
        found["objects"] = (_object("objects", list, declaration), "success")
        found["total"] = (Field("total", int, doc="How many there are."), "success")
        cut = Field("truncated", bool, doc="Whether O(limit) left some out.")
        found["truncated"] = (cut, "success")
    elif isinstance(declaration, Api):
        result = Field("result", "raw", doc="What the platform answered; none in check mode.")
        found["result"] = (result, "success")
    if isinstance(declaration, Resource):
        pending = Field("pending", dict, doc="Values that take effect after a restart, by option.")
        restart = Field("restart_required", bool, doc="Whether a restart is needed for them.")
        found |= {"pending": (pending, "success"), "restart_required": (restart, "success")}
    if isinstance(declaration, (Resource, Action)):
        found["diff"] = (_DIFF, "success")
        found["uid"] = (_UID, "in check mode, where the platform has such")
    if declaration.writes:
        found["operations"] = (_OPERATIONS, "always")
    found["error"] = (_ERROR, "failure")
    return found


def return_text(declaration: Declaration) -> str:
    """Return the YAML of RETURN."""
    return dump({name: returned(item, when) for name, (item, when) in returns(declaration).items()})


def fragment(platform: Platform, declaration: Declaration) -> str:
    """Return the YAML of a platform's documentation fragment."""
    options = {item.name: option(item) for item in connection_fields(declaration)}
    return dump({"options": options})


def attributes_fragment() -> str:
    """Return the YAML of the fragment that describes the attributes."""
    entries = {name: {"description": [text]} for name, text in ATTRIBUTES.items()}
    return dump({"attributes": entries})


def dump(content: Mapping[str, Any]) -> str:
    """Return YAML as the sanity tests like it, with a newline at both ends."""
    text = yaml.dump(
        content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=64, indent=2
    )
    return f"---\n{text}"


class _Dumper(yaml.SafeDumper):
    """Indents lists below their keys."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _object(name: str, kind: type, declaration: Declaration) -> Field:
    fields = declaration.returns
    if not fields and isinstance(declaration, Resource):
        fields = tuple(item for item in declaration.fields if not item.secret)
    if kind is list:
        return Field(name, list, elements=dict, doc="What was found.", fields=fields)
    return Field(name, dict, doc="The object as it is now; in check mode as it was.", fields=fields)
