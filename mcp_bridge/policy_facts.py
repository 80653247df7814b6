# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a decision is made of: the call, its target and object, the rules, what surrounds them.

Plain values. What is not known of an object is absent and never guessed.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

Risk = Literal["read", "write", "disruptive", "destructive"]
RISKS: tuple[Risk, ...] = ("read", "write", "disruptive", "destructive")
UNKNOWN = "unknown"
Decision = Literal["allow", "approve", "deny"]
Channel = Literal["client", "person"]

CALL_PARTS = ("tool", "operation", "risk", "target", "platform", "principal", "client")
"""Parts of a rule that every call answers."""
OBJECT_PARTS = ("namespace", "pool", "zone", "project", "name", "ref", "tags")
"""Parts of a rule that speak of the object of a call, which may not be known."""


@dataclass(frozen=True)
class TargetFacts:
    """What policy knows of a target."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    read_only: bool = False
    platform: str = ""


@dataclass(frozen=True)
class Approval:
    """Somebody's consent to one plan.

    ``channel`` is how it came: `client` when only the client says that its user agreed, `person`
    when it came by a way that the client does not have. ``digest`` is the plan that was shown.
    """

    channel: Channel
    approver: str
    digest: str


@dataclass(frozen=True)
class Call:
    """One resolved call, ready to be judged.

    ``identity`` is the digest of the job (see `identity_of`); the permit covers that job alone.
    ``risk`` is what `risk_of` says. A preview (``check``) changes nothing, so it counts as read.
    ``about`` has what is known of the object, by part: an absent part is not known, an empty one
    is known to be none. ``after`` has the parts that the call would change, as it would leave
    them. ``objects`` is how many objects the whole request touches.
    ``own`` is a read by the bridge itself, for a verdict: no caller gets what it finds.
    ``plan_digest`` is the plan that an ``approval`` must be for.
    """

    tool: str
    operation: str
    risk: str
    targets: tuple[TargetFacts, ...]
    identity: str
    check: bool = False
    principal: str = ""
    client: str = ""
    about: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    after: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    own: bool = False
    objects: int = 1
    plan_digest: str = ""
    approval: Approval | None = None

    @property
    def effective_risk(self) -> str:
        """Return the risk of what this call really does."""
        return "read" if self.check and self.risk in RISKS else self.risk


class Window(Protocol):
    """A time in which something may be done."""

    @property
    def name(self) -> str:
        """Return the name by which rules call it."""

    def is_open(self, now: datetime.datetime) -> bool:
        """Whether an instant lies in it."""


class Rule(Protocol):
    """One rule of the configuration; every given part must match, absent parts match all."""

    @property
    def name(self) -> str:
        """Return the words by which audit and answers call the rule."""

    @property
    def verdict(self) -> Decision:
        """Return what the rule says when it matches."""

    @property
    def by(self) -> Channel:
        """Return who can approve; a person can wherever a client can."""

    @property
    def four_eyes(self) -> bool:
        """Whether the approver must be another than the caller."""

    @property
    def patterns(self) -> Mapping[str, Sequence[str]]:
        """Return patterns (`*`, `?`) by part, see `CALL_PARTS` and `OBJECT_PARTS`."""

    @property
    def labels(self) -> Mapping[str, str]:
        """Return labels that the target must carry."""

    @property
    def window(self) -> Window | None:
        """Return the time in which the rule speaks; always when None."""


@dataclass(frozen=True)
class Flags:
    """Switches that no rule can overrule."""

    read_only: bool = False
    no_destructive: bool = False


@dataclass(frozen=True)
class Done:
    """How many objects were touched lately, by what the limits count."""

    destructive_per_hour: int = 0
    disruptive_per_hour: int = 0
    writes_per_minute: int = 0


@dataclass(frozen=True)
class Recent:
    """What the caller did lately, and all callers together."""

    each: Done = Done()
    overall: Done = Done()


@dataclass(frozen=True)
class Surroundings:
    """What a verdict depends on besides the call: given, because nothing here asks a clock.

    ``recent`` is None where it is not known.
    """

    now: datetime.datetime | None = None
    recent: Recent | None = None


NOWHERE = Surroundings()
"""Nothing is known of what surrounds the call."""
