# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""The options of a module, from its declaration: its own, the engine's and the platform's."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from ansible.module_utils.common.parameters import env_fallback

from .field import Field
from .resource import Action, Api, Declaration, Query, Resource

DEFAULT_LIMIT = 1000
DEFAULT_WAIT = 600

TARGET = Field(
    "target",
    doc=(
        "Name of the endpoint in C(targets.yml), which holds its address and credentials.",
        "The file is E(VIRTBRIDGE_TARGETS), else C($XDG_CONFIG_HOME/virtbridge/targets.yml), on "
        "the controller. Connection options given in the task win over the file.",
    ),
    role="option",
)
ITEM_STATE = Field(
    "state",
    choices=("present", "absent"),
    default="present",
    doc="Whether this entry should be there; V(absent) needs only its key.",
    role="option",
)
_WAIT = Field(
    "wait",
    bool,
    default=True,
    doc="Wait until the platform has finished, and verify the end state.",
    role="option",
)
_UPDATE_SECRETS = Field(
    "update_secrets",
    choices=("on_create", "always"),
    default="on_create",
    doc=(
        "When to write values that cannot be read back and so cannot be compared.",
        "V(always) reports a change in each run that gives such a value.",
    ),
    role="option",
)
_ALLOW_REPLACE = Field(
    "allow_replace",
    bool,
    default=False,
    doc="Delete the object and create it anew when an option differs that cannot be changed.",
    role="option",
)
_EXACT = Field(
    "exact",
    bool,
    default=False,
    doc="Remove what the lists and mappings in this task do not name. Others are not touched.",
    role="option",
)
_RESTART = Field(
    "restart",
    choices=("never", "if_needed"),
    default="never",
    doc="Whether to restart a running guest when a change takes effect, or can be made, only so.",
    role="option",
)
_EXISTING = Field(
    "existing",
    choices=("any", "required", "forbidden"),
    default="any",
    doc=(
        "What may be there already.",
        "V(required) never creates, so that a mistyped name does not.",
        "V(forbidden) never changes what exists: it is left alone when it is what the task says, "
        "and the task fails with the differences when not.",
    ),
    role="option",
)
_LIMIT = Field(
    "limit",
    int,
    default=DEFAULT_LIMIT,
    min=0,
    doc="The most objects to return; V(0) returns all.",
    role="option",
)
_API = (
    Field(
        "params",
        dict,
        role="option",
        doc="Parameters of the operation, by the names that the platform gives them.",
    ),
    Field(
        "secret_params",
        dict,
        secret=True,
        role="option",
        doc="Parameters that are never shown. Those that the catalog knows to be secret are taken "
        "for such also when they stand in O(params).",
    ),
    Field(
        "reveal",
        bool,
        default=False,
        role="option",
        doc="Return the secrets of the answer, such as a new token, which are masked otherwise. "
        "Set C(no_log) on the task.",
    ),
    Field(
        "operation",
        dict,
        role="option",
        doc="What the catalog says of the operation. Leave it unset: the collection's action "
        "plugin looks it up on the controller.",
    ),
)
_RESOURCE_STATES = {
    "present": "V(present) creates it or changes what differs, and leaves its power alone.",
    "absent": "V(absent) deletes it; nothing to delete is a success.",
    "started": "V(started) is V(present) and running.",
    "stopped": "V(stopped) is V(present) and not running.",
}


def connection_fields(declaration: Declaration) -> tuple[Field, ...]:
    """Return the options by which the endpoint is found."""
    own = declaration.platform.connection
    return own if any(item.name == "target" for item in own) else (TARGET, *own)


@cache
def own_fields(declaration: Declaration) -> tuple[Field, ...]:
    """Return the options without those of the connection, each as the user sees it."""
    fields = [_as_option(item, declaration) for item in declaration.fields]
    if isinstance(declaration, Resource):
        fields += _resource_fields(declaration)
    elif isinstance(declaration, Action):
        fields.append(_transitions(declaration))
    elif isinstance(declaration, Query):
        fields.append(_LIMIT)
    elif isinstance(declaration, Api):
        fields += _API
    if declaration.writes:
        fields += [_WAIT, _wait_timeout(declaration)]
    return tuple(fields)


@cache
def all_fields(declaration: Declaration) -> tuple[Field, ...]:
    """Return every option of the module."""
    return own_fields(declaration) + connection_fields(declaration)


@cache
def argument_spec(declaration: Declaration) -> dict[str, dict[str, Any]]:
    """Return what AnsibleModule takes as ``argument_spec``: the same each time, for reading."""
    return {item.name: _argument(item) for item in all_fields(declaration)}


def constraints(declaration: Declaration) -> dict[str, list[list[str]]]:
    """Return what AnsibleModule takes besides the argument spec."""
    platform = declaration.platform
    rules = {
        "required_together": [list(names) for names in platform.required_together],
        "required_one_of": [list(declaration.identity)] if len(declaration.identity) > 1 else [],
    }
    if isinstance(declaration, (Query, Api)):
        rules["required_one_of"] = []
    return {name: rule for name, rule in rules.items() if rule}


def sub_fields(field: Field) -> tuple[Field, ...]:
    """Return the sub-options of a field as the user sees them."""
    if field.key:
        subs = tuple(replace(sub, required=sub.name == field.key) for sub in field.fields)
        return (*subs, ITEM_STATE)
    return field.fields


def _as_option(field: Field, declaration: Declaration) -> Field:
    if isinstance(declaration, (Resource, Action)) and declaration.identity == (field.name,):
        return replace(field, required=True)
    return field


def _resource_fields(resource: Resource) -> list[Field]:
    fields = [
        Field(
            "state",
            choices=resource.states,
            default="present",
            doc=tuple(_RESOURCE_STATES[state] for state in resource.states),
            role="option",
        )
    ]
    if "started" in resource.states:
        fields.append(_EXISTING)
    if any(item.write_only for item in resource.fields):
        fields.append(_UPDATE_SECRETS)
    if any(item.immutable for item in resource.fields):
        fields.append(_ALLOW_REPLACE)
    if any(item.merges for item in resource.fields):
        fields.append(_EXACT)
    if any(item.restart or item.offline for item in _flat(resource.fields)):
        fields.append(_RESTART)
    return fields


def _flat(fields: tuple[Field, ...]) -> list[Field]:
    return [each for item in fields for each in (item, *_flat(item.fields))]


def _transitions(action: Action) -> Field:
    return Field(
        "state",
        choices=tuple(item.name for item in action.transitions),
        required=True,
        doc=tuple(f"V({item.name}): {item.doc}" for item in action.transitions),
        role="option",
    )


def _wait_timeout(declaration: Declaration) -> Field:
    return Field(
        "wait_timeout",
        int,
        default=getattr(declaration, "wait_timeout", DEFAULT_WAIT),
        min=1,
        unit="seconds",
        doc="How long to wait at most.",
        role="option",
    )


def _argument(field: Field) -> dict[str, Any]:
    argument: dict[str, Any] = {"type": field.type_name, "no_log": field.secret}
    if field.elements_name:
        argument["elements"] = field.elements_name
    if field.choices:
        argument["choices"] = list(field.choices)
    if field.required:
        argument["required"] = True
    elif field.default is not None:
        argument["default"] = field.default
    if field.aliases:
        argument["aliases"] = list(field.aliases)
    if field.env:
        argument["fallback"] = (env_fallback, list(field.env))
    if field.fields:
        argument["options"] = {sub.name: _argument(sub) for sub in sub_fields(field)}
    return argument
