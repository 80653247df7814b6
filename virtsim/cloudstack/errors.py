# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""CloudStack's errors: the HTTP status is the error code, the text stands in the envelope."""

from __future__ import annotations

MALFORMED = 430
PARAMETER = 431
UNSUPPORTED = 432
UNAUTHORIZED = 401
INTERNAL = 530
PERMISSION = 531
CAPACITY = 533
IN_USE = 536
CONFLICT = 537

FOR_USERS = "Internal error executing command, please contact your system administrator"
_HIDDEN = frozenset({INTERNAL, CAPACITY, 534})
_CS = {PARAMETER: 4350, PERMISSION: 4365, CAPACITY: 4325, IN_USE: 4375, CONFLICT: 4360, 532: 4545}


class ApiError(Exception):
    """An answer that is an error, or why a job failed."""

    def __init__(self, code: int, text: str, cserror: int | None = None) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.cserror = _CS.get(code, 9999) if cserror is None else cserror


def told(error: ApiError, role: str) -> str:
    """Return the text that a role is told: only admins learn why the cloud failed."""
    return FOR_USERS if error.code in _HIDDEN and role != "Admin" else error.text


def unmodelled(what: str) -> ApiError:
    """Return the refusal of something that the real server can do."""
    return ApiError(UNSUPPORTED, f"{what} is valid, but it is not modelled by virtsim")


def invalid(command: str, name: str, value: object) -> ApiError:
    """Return the refusal of an id that never existed, or that is none."""
    return ApiError(
        PARAMETER,
        f"Unable to execute API command {command.lower()} due to invalid value. Invalid parameter "
        f"{name} value={value} due to incorrect long value format, or entity does not exist or "
        "due to incorrect parameter annotation for the field in api cmd class.",
        9999,
    )
