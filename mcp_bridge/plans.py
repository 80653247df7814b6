# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan: what a preview showed, and what may be done of it once. Pure: no I/O, no clock.

Its digest covers everything that it depends on (its *terms*). Whoever approves it approves that
digest, and it is applied only while the terms, made anew, still give the same one.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from .policy import Approval, identity_of
from .redact import is_secret_key

State = Literal[
    "planned", "pending", "approved", "applying", "applied", "failed", "uncertain", "rejected",
    "expired", "stale",
]  # fmt: skip
OPEN: tuple[State, ...] = ("planned", "pending", "approved")
"""The states out of which a plan can still be applied."""
NEXT: Mapping[State, tuple[State, ...]] = {
    "planned": ("pending", "applying", "rejected", "expired", "stale"),
    "pending": ("approved", "applying", "rejected", "expired", "stale"),
    "approved": ("applying", "rejected", "expired", "stale"),
    "applying": ("applied", "failed", "uncertain", "stale"),
}
"""What may follow a state; what is not in it is an end."""

_WORDS: Mapping[str, str] = {
    "diff": "what it would change",
    "seen": "the object",
    "policy": "the policy of the bridge",
    "version": "the version of the collection",
    "targets": "the target's configuration",
    "risk": "its risk",
}
# What says that an object is another, or another version, and does not move by itself.
_TELLING = (
    "ref", "id", "uuid", "uid", "vmid", "namespace", "name", "platform", "state", "cpus",
    "memory_mib", "disks", "tags", "template", "digest", "resource_version", "generation",
    "created", "snaptime",
)  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """One plan as it is stored.

    ``shown`` is what a person sees before approving, without secrets. ``by`` and ``four_eyes`` are
    what policy asks for when ``verdict`` is `approve`. ``owner`` is the bridge that applies it.
    """

    id: str
    state: State
    digest: str
    terms: Mapping[str, Any]
    shown: Mapping[str, Any]
    created: int
    expires: int
    verdict: str = "allow"
    by: str | None = None
    four_eyes: bool = False
    code: str | None = None
    approval: Approval | None = None
    approved: int = 0
    owner: str | None = None
    run_id: str | None = None

    @property
    def intact(self) -> bool:
        """Whether the stored terms are those of the digest, and say what the row says."""
        return self.digest == digest_of(self.terms) and all(
            self.terms.get(part) == value
            for part, value in (
                ("plan", self.id),
                ("expires", self.expires),
                ("verdict", [self.verdict, self.by, self.four_eyes]),
                ("shown", identity_of(self.shown)),
            )
        )

    def is_over(self, now: float) -> bool:
        """Whether its time has passed, also when the clock was set back behind its beginning."""
        return not self.created <= now < self.expires

    def approval_is_over(self, now: float, seconds: float) -> bool:
        """Whether the approval is too old to be used."""
        return not self.approved <= now < self.approved + seconds

    def asks_for_approval(self) -> bool:
        """Whether it still lacks an approval that policy asks for."""
        return self.verdict == "approve" and self.state != "approved"


def digest_of(terms: Mapping[str, Any]) -> str:
    """Return the digest of a plan's terms; equal for equal terms only."""
    return identity_of(terms)


def drift(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, ...]:
    """Return in words what of the terms is no longer as it was."""
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return tuple(_WORDS.get(name, name) for name in names)


def diff_hash(results: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the hash of what a preview says would change, by target."""
    return identity_of({name: each.get("diff") for name, each in results.items()})


def seen_hash(results: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the hash of the objects as a preview saw them: their version, else their state."""
    return identity_of({name: _seen(each) for name, each in results.items()})


def covered(value: Any, secrets: Sequence[str], key: bytes) -> Any:
    """Return arguments as a digest covers them: secrets only as HMAC, all else as it is."""
    if isinstance(value, Mapping):
        return {
            str(name): {"hmac": _mac(part, key)}
            if is_secret_key(str(name)) and part is not None
            else covered(part, secrets, key)
            for name, part in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [covered(part, secrets, key) for part in value]
    if any(str(value) == secret or (secret and secret in str(value)) for secret in secrets):
        return {"hmac": _mac(value, key)}
    return value


def _seen(result: Mapping[str, Any]) -> Any:
    found = result.get("object")
    told = found if isinstance(found, Mapping) else {}
    before = (result.get("diff") or {}).get("before")
    shown = {name: told[name] for name in _TELLING if name in told}
    return [shown, result.get("uid"), before, result.get("failed")]


def _mac(value: Any, key: bytes) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str)
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
