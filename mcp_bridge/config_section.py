# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every section of the configuration is built on."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


class Section(BaseModel):
    """A part of the file: unknown keys are errors, values are what they say they are."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def listed(value: Any) -> Any:
    """Return a list also where the file has a single text."""
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


Pattern = Annotated[str, Field(min_length=1, max_length=300)]
Patterns = Annotated[tuple[Pattern, ...], Field(min_length=1), BeforeValidator(listed)]
