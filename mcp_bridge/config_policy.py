# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The section `policy` of the configuration."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from .config_section import Patterns, Section, listed
from .policy_facts import CALL_PARTS, OBJECT_PARTS, Window

_PRINCIPLE = "(every part given must match; at least one part)"

RiskName = Literal["read", "write", "disruptive", "destructive"]
Risks = Annotated[tuple[RiskName, ...], Field(min_length=1), BeforeValidator(listed)]


class Match(Section):
    """What a rule speaks of; names are patterns with * and ?."""

    tool: Patterns | None = Field(default=None, description="names of tools")
    operation: Patterns | None = Field(
        default=None, description="names of modules or vendor operations"
    )
    risk: Risks | None = Field(default=None, description="risk classes")
    target: Patterns | None = Field(default=None, description="names of targets")
    labels: dict[str, str] | None = Field(
        default=None, description="labels that the target carries"
    )
    platform: Patterns | None = Field(
        default=None, description="platform of the target: kubevirt, proxmox, cloudstack"
    )
    namespace: Patterns | None = Field(
        default=None, description="namespace of the object (KubeVirt)"
    )
    pool: Patterns | None = Field(default=None, description="pool of the object (Proxmox VE)")
    zone: Patterns | None = Field(
        default=None, description="zone (CloudStack) or node (Proxmox VE, KubeVirt) of the object"
    )
    project: Patterns | None = Field(default=None, description="project of the object (CloudStack)")
    name: Patterns | None = Field(default=None, description="name of the object")
    ref: Patterns | None = Field(default=None, description="ref of the object")
    tags: Patterns | None = Field(default=None, description="tags, one of which the object carries")
    principal: Patterns | None = Field(default=None, description="who calls, for example os:alice")
    client: Patterns | None = Field(default=None, description="name and version of the MCP client")

    @model_validator(mode="after")
    def _says_something(self) -> Match:
        if all(getattr(self, name) is None for name in type(self).model_fields):
            raise ValueError(f"expected at least one of {', '.join(type(self).model_fields)}")
        return self


class Rule(Section):
    """One rule of the policy; the first that matches decides."""

    name: str = Field(
        default="", max_length=100, description="what audit and answers call the rule"
    )
    match: Match = Field(description=f"what the rule speaks of {_PRINCIPLE}")
    verdict: Literal["allow", "approve", "deny"] = Field(description="what the rule says")
    by: Literal["client", "person"] = Field(
        default="person",
        description="who can approve: the user of the client (or a person), or a person alone",
    )
    four_eyes: bool = Field(
        default=False, description="the approver must be another than the caller"
    )

    @model_validator(mode="after")
    def _approves(self) -> Rule:
        asked = {"by", "four_eyes"} & self.model_fields_set
        if asked and self.verdict != "approve":
            raise ValueError(f"expected verdict: approve beside {' and '.join(sorted(asked))}")
        if self.four_eyes and self.by == "client":
            raise ValueError("expected by: person beside four_eyes: a client cannot be another")
        return self

    @property
    def patterns(self) -> dict[str, tuple[str, ...]]:
        """Return the patterns by part, only those given."""
        given = {part: getattr(self.match, part) for part in (*CALL_PARTS, *OBJECT_PARTS)}
        return {part: patterns for part, patterns in given.items() if patterns is not None}

    @property
    def labels(self) -> dict[str, str]:
        """Return the labels that the target must carry."""
        return self.match.labels or {}

    @property
    def window(self) -> Window | None:
        """Return the time in which the rule speaks; always when None."""
        return None


class Policy(Section):
    """What may run. Without a rule what interrupts or destroys needs approval."""

    rules: tuple[Rule, ...] = Field(
        default=(), description="rules in order; the first that matches wins"
    )

    @model_validator(mode="after")
    def _named(self) -> Policy:
        rules = (
            rule if rule.name else rule.model_copy(update={"name": f"policy.rules[{index}]"})
            for index, rule in enumerate(self.rules)
        )
        object.__setattr__(self, "rules", tuple(rules))
        return self
