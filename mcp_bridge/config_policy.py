# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The section `policy` of the configuration."""

from __future__ import annotations

import datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, Field, PrivateAttr, field_validator, model_validator

from .config_section import Pattern, Patterns, Section, listed
from .policy_facts import CALL_PARTS, OBJECT_PARTS, Window
from .policy_guards import Guards, Limits, Protected, Rates
from .policy_windows import DAYS, Day, WeeklyWindow

_PRINCIPLE = "(every part given must match; at least one part)"

RiskName = Literal["read", "write", "disruptive", "destructive"]
Days = Annotated[tuple[Day, ...], Field(min_length=1), BeforeValidator(listed)]
ProtectedPatterns = Annotated[tuple[Pattern, ...], BeforeValidator(listed)]
Count = Annotated[int, Field(ge=0, le=1_000_000)]
WindowName = Annotated[str, Field(min_length=1, max_length=100)]
_MINUTES_OF_DAY = 24 * 60


def _wall(value: Any) -> Any:
    """Return a time of day as text: YAML reads 22:30 without quotes as the number 1350."""
    if isinstance(value, int) and 0 <= value < _MINUTES_OF_DAY:
        return f"{value // 60:02}:{value % 60:02}"
    return value


WallTime = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$"), BeforeValidator(_wall)]
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
    window: WindowName | None = Field(
        default=None, description="name of a window of policy.windows that is open"
    )

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

    _window: Window | None = PrivateAttr(default=None)

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
        return self._window


class WeeklyTimes(Section):
    """A maintenance window: on these days, from one time to another, which may be past midnight."""

    days: Days = Field(default=DAYS, description="days on which it opens [default: every day]")
    begins: WallTime = Field(alias="from", description="time of day when it opens, such as 22:00")
    ends: WallTime = Field(alias="to", description="time of day when it closes, such as 02:00")
    timezone: str = Field(default="UTC", description="time zone, such as Europe/Berlin")

    @field_validator("timezone")
    @classmethod
    def _exists(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("expected a time zone that exists, such as Europe/Berlin") from None
        return name

    def named(self, name: str) -> WeeklyWindow:
        """Return the window as policy judges by it."""
        begins, ends = map(datetime.time.fromisoformat, (self.begins, self.ends))
        return WeeklyWindow(name, frozenset(self.days), begins, ends, ZoneInfo(self.timezone))


class ProtectedObjects(Section):
    """What is never interrupted or destroyed through the bridge, whatever the rules say."""

    labels: dict[str, str] = Field(
        default_factory=dict, description="labels, each of which protects all of a target"
    )
    tags: ProtectedPatterns = Field(
        default=(), description="tags of objects; a plain write cannot remove them either"
    )
    names: ProtectedPatterns = Field(default=(), description="names of objects")


class RateLimits(Section):
    """The most objects in a time; previews do not count."""

    destructive_per_hour: Count | None = Field(default=None, description="most objects destroyed")
    disruptive_per_hour: Count | None = Field(default=None, description="most objects interrupted")
    writes_per_minute: Count | None = Field(
        default=None, description="most objects written, whatever the risk"
    )

    @property
    def rates(self) -> Rates:
        """Return them as policy judges by them."""
        return Rates(self.destructive_per_hour, self.disruptive_per_hour, self.writes_per_minute)


class CallLimits(RateLimits):
    """Limits for each principal, and for all of them together."""

    objects_per_call: Count | None = Field(
        default=None, description="most objects that one call may write"
    )
    overall: RateLimits = Field(
        default_factory=RateLimits, description="the same for all principals together"
    )


class Policy(Section):
    """What may run. Without a rule what interrupts or destroys needs approval."""

    rules: tuple[Rule, ...] = Field(
        default=(), description="rules in order; the first that matches wins"
    )
    protected: ProtectedObjects = Field(
        default_factory=ProtectedObjects, description="what is never interrupted or destroyed"
    )
    limits: CallLimits = Field(
        default_factory=CallLimits, description="how much may be done, whatever the rules say"
    )
    windows: dict[WindowName, WeeklyTimes] = Field(
        default_factory=dict, description="maintenance windows by name, for rules"
    )

    @model_validator(mode="after")
    def _named(self) -> Policy:
        windows = {name: times.named(name) for name, times in self.windows.items()}
        rules = []
        for index, rule in enumerate(self.rules):
            named = rule.model_copy(update={"name": rule.name or f"policy.rules[{index}]"})
            wanted = rule.match.window
            if wanted is not None:
                if wanted not in windows:
                    known = ", ".join(windows) or "none is there"
                    raise ValueError(
                        f"expected a window of policy.windows ({known}) in rules[{index}], "
                        f"which names {wanted!r}"
                    )
                named._window = windows[wanted]
            rules.append(named)
        object.__setattr__(self, "rules", tuple(rules))
        return self

    @property
    def guards(self) -> Guards:
        """Return what denies whatever the rules say."""
        kept, limits = self.protected, self.limits
        return Guards(
            Protected(kept.labels, kept.tags, kept.names),
            Limits(limits.rates, limits.overall.rates, limits.objects_per_call),
        )
