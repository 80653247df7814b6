# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The error every simulated call answers with."""

from __future__ import annotations

from collections.abc import Mapping

BAD_PARAMETERS = "Parameter verification failed.\n"


class ApiError(Exception):
    """Carry the status, message and parameter errors of a refused call."""

    def __init__(
        self, message: str, status: int = 500, errors: Mapping[str, str] | None = None
    ) -> None:
        """Keep the full text; the reason phrase is its first line."""
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = dict(errors or {})


class FormatError(Exception):
    """Carry the text of a value that its format refuses."""

    def __init__(self, message: str, errors: Mapping[str, str] | None = None) -> None:
        """Keep the text and, for property strings, the errors by key."""
        super().__init__(message)
        self.message = message
        self.errors = dict(errors or {})

    def text(self) -> str:
        """Spell the error as the server embeds it into a parameter error."""
        rows = "".join(f"{key}: {value}\n" for key, value in sorted(self.errors.items()))
        return self.message + rows


def bad_parameter(**errors: str) -> ApiError:
    """Build the 400 answer for named parameters (`_` stands for `-`)."""
    return ApiError(BAD_PARAMETERS, 400, {k.replace("_", "-"): v for k, v in errors.items()})


def missing(text: str) -> ApiError:
    """Build the ordinary "not found", which this API answers with 500."""
    return ApiError(text + "\n", 500)
