# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The seam between a tool call and whatever runs it: job in, outcome out, permit required.

How a back end is written: what stands between a job and its outcome exists once, in `LocalCold`
(turns, folder, play, targets, the guard's lines, results). A back end derives from it and changes
where the run takes place: `_launch` gives a guard (`LocalWarm` lets one be forked), `_prepared`
says what that guard runs. With ``worker`` in there the guard's runner speaks ansible-runner's
stream protocol: it sends the job's folder as ``transmit`` makes it to a process and reads what
comes back with ``process``. Any command will do that speaks it on its input and output; for a
Receptor mesh, one that submits its input as a unit of work and prints that unit's results.
"""

from __future__ import annotations

import abc
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, final

from ..errors import JobRefused, NotPermitted
from ..policy import Permit, identity_of, joined_identity
from ..targets import Target

Status = Literal["successful", "failed", "timeout", "canceled", "error"]

# How many hosts of a run go on at the same time; the others wait for their turn.
MOST_AT_ONCE = 20


@dataclass(frozen=True)
class Job:
    """One module, literal arguments, and the targets to run it on, each as its own host.

    ``secret_values`` are arguments that no outcome may show. ``run_id`` is known before the run, so
    that the audit can name it. One that ``writes`` waits while another writes the same object. A
    job made by `together` has ``parts`` and runs nothing but these.
    """

    module: str
    args: Mapping[str, Any]
    targets: tuple[Target, ...]
    check: bool = False
    diff: bool = True
    timeout: float = 100.0
    keep: bool = False
    secret_values: tuple[str, ...] = field(default=(), repr=False)
    run_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    writes: bool = True
    parts: tuple[Job, ...] = ()

    @classmethod
    def together(cls, parts: Sequence[Job], timeout: float) -> Job:
        """Return one job of several, each with one target: one run, in which all go on at once.

        They agree in ``check`` and ``run_id``; part N answers as host ``call-N``, from 1.
        """
        if len({(part.check, part.diff, part.run_id) for part in parts}) != 1:
            raise JobRefused("the parts of a job differ in check, diff or run_id, or there is none")
        if any(part.parts or len(part.targets) != 1 for part in parts):
            raise JobRefused("a part of a job has one target, and no parts of its own")
        return cls(
            module=", ".join(dict.fromkeys(part.module for part in parts)),
            args={
                host: {"module": part.module, "target": part.targets[0].name, "args": part.args}
                for host, part in zip(_hosts(parts), parts, strict=True)
            },
            targets=tuple({part.targets[0].name: part.targets[0] for part in parts}.values()),
            check=parts[0].check,
            diff=parts[0].diff,
            timeout=timeout,
            secret_values=tuple(value for part in parts for value in part.secret_values),
            run_id=parts[0].run_id,
            parts=tuple(parts),
        )

    @property
    def hosts(self) -> tuple[str, ...]:
        """Return the names under which results come back: targets, or those of the parts."""
        if self.parts:
            return _hosts(self.parts)
        return tuple(target.name for target in self.targets)

    @property
    def identity(self) -> str:
        """Return the digest that a permit for this job must cover."""
        if self.parts:
            return joined_identity([part.identity for part in self.parts])
        names = sorted(target.name for target in self.targets)
        return identity_of(self.module, self.args, names, self.check)


def _hosts(parts: Sequence[Job]) -> tuple[str, ...]:
    return tuple(f"call-{number}" for number in range(1, len(parts) + 1))


@dataclass(frozen=True)
class Progress:
    """One event of a running job, small and free of arguments."""

    event: str
    host: str = ""
    seconds: float = 0.0

    def __str__(self) -> str:
        """Return one line for a person."""
        return f"{self.event.removeprefix('runner_').replace('_', ' ')} {self.host}".strip()


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    ``hosts`` has one result for each host of the job, also for one that never answered: that has
    ``failed`` and an ``error`` with its kind. ``artifacts`` is set only when the job asked to keep.
    """

    run_id: str
    status: Status
    hosts: Mapping[str, Mapping[str, Any]]
    rc: int | None
    stages_ms: Mapping[str, int]
    how: str
    stdout: str = ""
    artifacts: Path | None = None

    @property
    def failed_hosts(self) -> tuple[str, ...]:
        """Return the targets whose result is a failure, in order."""
        return tuple(name for name, result in self.hosts.items() if result.get("failed"))


@dataclass(frozen=True)
class Signals:
    """The two wires of a running job: events out, cancellation in."""

    on_progress: Callable[[Progress], None] | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)


class Executor(abc.ABC):
    """Runs jobs. A back end implements `_execute`; nobody calls that but `run`."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Refuse a back end that would bring a door of its own."""
        super().__init_subclass__(**kwargs)
        if "run" in cls.__dict__:
            raise TypeError(f"{cls.__name__} must not override Executor.run, the only door")

    @final
    def run(
        self,
        job: Job,
        permit: Permit,
        on_progress: Callable[[Progress], None] | None = None,
        cancelled: threading.Event | None = None,
    ) -> Outcome:
        """Run a job once; blocks until it has ended, was cancelled, or ran out of time.

        Raises NotPermitted without a fresh permit for this very job, and JobRefused for arguments
        that cannot be carried. What the module reports is in the outcome, not an exception.
        """
        if not isinstance(permit, Permit) or not permit.redeem(job.identity):
            raise NotPermitted(f"{job.module}: no permit of policy.decide() covers this job")
        return self._execute(job, Signals(on_progress, cancelled or threading.Event()))

    @abc.abstractmethod
    def _execute(self, job: Job, signals: Signals) -> Outcome:
        """Run a permitted job."""

    def ready(self, seconds: float) -> bool:
        """Wait until jobs run as quickly as they can; whether they do."""
        return True

    @abc.abstractmethod
    def close(self) -> None:
        """Cancel what is running and wait for its end; nothing runs afterwards."""
