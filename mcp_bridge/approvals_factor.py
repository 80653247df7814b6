# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The second factor of who approves: a code of an authenticator (TOTP), or a passphrase.

There is one factor for a store. What checks it is stored sealed. Every try is counted before it is
looked at, so that ending the process in between gives no free one.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import pyotp

from .errors import ApprovalRefused
from .sealed import Sealer
from .store import Store

PART = "factor"
MIGRATIONS = (
    """
    CREATE TABLE factor (
        id INTEGER PRIMARY KEY CHECK (id = 1), kind TEXT NOT NULL, sealed BLOB NOT NULL,
        step INTEGER NOT NULL, failures INTEGER NOT NULL, locked REAL NOT NULL
    );
    """,
)
Kind = Literal["totp", "passphrase"]
KINDS: tuple[Kind, ...] = ("totp", "passphrase")
SHORTEST = 10
FREE_TRIES = 5
_FIRST_LOCK = 60
_LONGEST_LOCK = 3600
_STEP = 30
_CONTEXT = b"factor"
_COST = {"n": 1 << 15, "r": 8, "p": 1}
_MEMORY = 64 << 20


@dataclass(frozen=True)
class Enrolment:
    """A factor that is not stored yet; ``uri`` is what an authenticator reads."""

    kind: Kind
    content: dict[str, object]
    secret: str = ""
    uri: str = ""


class Factors:
    """The factor of one store: enrolled once, checked at each approval."""

    def __init__(
        self, store: Store, sealer: Sealer, clock: Callable[[], float] = time.time
    ) -> None:
        self._store, self._sealer, self._clock = store, sealer, clock

    def kind(self) -> Kind | None:
        """Return which factor is enrolled, if any."""
        rows = self._store.rows("SELECT kind FROM factor")
        return rows[0]["kind"] if rows else None

    def enrol(
        self, enrolment: Enrolment, answer: str, record: Callable[[], None] = lambda: None
    ) -> None:
        """Store a factor in the place of the one before, once its owner has shown that it works.

        ``answer`` is the code, or the passphrase once more. Raises ApprovalRefused otherwise.
        Nothing is stored when ``record`` raises, which is called right before.
        The caller has checked the factor before.
        """
        step = self._step_of(enrolment.kind, enrolment.content, answer, -1)
        if step is None:
            raise ApprovalRefused("That does not match; nothing was enrolled.")
        sealed = self._sealer.seal(json.dumps(enrolment.content).encode(), _CONTEXT)
        record()
        with self._store.writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO factor VALUES (1, ?, ?, ?, 0, 0)",
                (enrolment.kind, sealed, step),
            )

    def remove(self, record: Callable[[Kind], None]) -> None:
        """Take the factor away; ApprovalRefused when there is none.

        Nothing is taken away when ``record`` raises, which is called right before. The caller has
        checked the factor, or knows that its owner lost it.
        """
        with self._store.writing() as connection:
            row = connection.execute("SELECT kind FROM factor").fetchone()
            if row is None:
                raise ApprovalRefused("No second factor is enrolled, so there is none to remove.")
            record(row["kind"])
            connection.execute("DELETE FROM factor")

    def check(self, answer: str) -> None:
        """Return when the answer is right; ApprovalRefused when it is not, or must wait.

        A code that was used once is wrong. After some wrong answers each further one locks the
        factor, for longer each time.
        """
        now = self._clock()
        with self._store.writing() as connection:
            row = connection.execute("SELECT * FROM factor").fetchone()
            if row is None:
                raise ApprovalRefused(
                    "No second factor is enrolled; run `virtbridge approve --enroll totp`."
                )
            if now < row["locked"]:
                raise ApprovalRefused(
                    f"Locked after {row['failures']} wrong answers; try again in "
                    f"{int(row['locked'] - now) + 1} s."
                )
            failures = row["failures"] + 1
            connection.execute(
                "UPDATE factor SET failures = ?, locked = ?", (failures, now + _lock(failures))
            )
        content = json.loads(self._sealer.open(row["sealed"], _CONTEXT))
        step = self._step_of(row["kind"], content, answer, row["step"])
        if step is None:
            raise ApprovalRefused("That is wrong, or was used before. Nothing was approved.")
        with self._store.writing() as connection:
            done = connection.execute(
                "UPDATE factor SET step = ?, failures = 0, locked = 0 WHERE sealed = ? "
                "AND (kind != 'totp' OR step < ?)",
                (step, row["sealed"], step),
            )
        if done.rowcount != 1:
            raise ApprovalRefused("That code was just used by somebody else.")

    def _step_of(
        self, kind: Kind, content: dict[str, object], answer: str, used: int
    ) -> int | None:
        """Return the time step of a right answer (0 for a passphrase); None for a wrong one."""
        if kind == "passphrase":
            right = hmac.compare_digest(_stretched(answer, content), str(content["hash"]))
            return 0 if right else None
        totp = pyotp.TOTP(str(content["secret"]), interval=_STEP)
        now = int(self._clock()) // _STEP
        given = answer.strip().replace(" ", "").encode()
        for step in (now, now - 1, now + 1):
            if step > used and hmac.compare_digest(totp.generate_otp(step).encode(), given):
                return step
        return None


def new_totp(name: str) -> Enrolment:
    """Return a new TOTP factor for the authenticator of ``name``."""
    secret = pyotp.random_base32()
    uri = pyotp.TOTP(secret, interval=_STEP).provisioning_uri(name=name, issuer_name="virtbridge")
    return Enrolment("totp", {"secret": secret}, secret, uri)


def new_passphrase(text: str) -> Enrolment:
    """Return a passphrase as a factor; ApprovalRefused when it is too short."""
    if len(text) < SHORTEST:
        raise ApprovalRefused(f"A passphrase needs at least {SHORTEST} characters.")
    content: dict[str, object] = {"salt": secrets.token_hex(16), **_COST}
    return Enrolment("passphrase", {**content, "hash": _stretched(text, content)})


def _stretched(text: str, content: dict[str, object]) -> str:
    return hashlib.scrypt(
        text.encode("utf-8", "surrogatepass"),
        salt=bytes.fromhex(str(content["salt"])),
        n=int(str(content["n"])),
        r=int(str(content["r"])),
        p=int(str(content["p"])),
        maxmem=_MEMORY,
    ).hex()


def _lock(failures: int) -> float:
    """Return for how long the factor is locked if this try is wrong."""
    if failures < FREE_TRIES:
        return 0.0
    return float(min(_LONGEST_LOCK, _FIRST_LOCK * 2 ** min(failures - FREE_TRIES, 20)))
