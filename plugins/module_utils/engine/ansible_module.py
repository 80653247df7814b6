# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""The one place that builds an AnsibleModule, and makes its own complaints speak our language."""

from __future__ import annotations

import difflib
import re
from typing import Any, NoReturn

from ansible.module_utils.basic import AnsibleModule

from .errors import ValidationFailed
from .resource import Declaration
from .spec import argument_spec, constraints

_UNKNOWN = re.compile(r"Unsupported parameters for .*? module: (.*?)\. Supported parameters", re.S)
_KNOWN = re.compile(r"Supported parameters include: (.*)\.?$", re.S)


class Module(AnsibleModule):
    """AnsibleModule whose argument errors also carry ``error``, with the nearest right name."""

    def fail_json(self, msg: str, **kwargs: Any) -> NoReturn:
        """End with a failure; what Ansible itself found wrong becomes a validation error."""
        if "error" not in kwargs:
            hint, fields = _unknown_options(msg)
            msg = f"{msg}{hint}"
            kwargs["error"] = ValidationFailed(msg, fields=fields).as_result()
        super().fail_json(msg=msg, **kwargs)


def build(declaration: Declaration) -> Module:
    """Return the module for a declaration; ends the program when the arguments are wrong."""
    return Module(  # type: ignore[no-untyped-call]  # ansible-core does not annotate it
        argument_spec=argument_spec(declaration),
        supports_check_mode=True,
        **constraints(declaration),
    )


def _unknown_options(msg: str) -> tuple[str, dict[str, str]]:
    unknown, known = _UNKNOWN.search(msg), _KNOWN.search(msg)
    if not unknown or not known:
        return "", {}
    names = re.sub(r"\([^)]*\)", "", known.group(1)).rstrip(". ")
    right = [name.strip() for name in names.split(",")]
    hints, fields = [], {}
    for path in (name.strip() for name in unknown.group(1).split(",")):
        name = path.rsplit(".", 1)[-1]
        near = difflib.get_close_matches(name, right, n=1)
        fields[path] = f"unknown option; did you mean {near[0]}?" if near else "unknown option"
        if near:
            hints.append(f" For {path}, did you mean {near[0]}?")
    return "".join(hints), fields
