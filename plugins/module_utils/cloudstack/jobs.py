# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""CloudStack's asynchronous jobs: wait for their end, find one again whose answer was lost."""

from __future__ import annotations

import time
from typing import Any

from ..engine.errors import (
    InternalError,
    NotFound,
    Unavailable,
    ValidationFailed,
    VirtbridgeError,
    WaitTimeout,
)
from ..engine.resource import Wait
from . import wire
from .client import Client, JobLost
from .errors import job_error

_PENDING, _DONE = 0, 1
_INTERVALS = (0.1, 0.2, 0.5, 1.0, 2.0)
_LOOKS = 4
_BETWEEN_LOOKS = 0.5


class Jobs:
    """Runs asynchronous commands of one module call, and remembers the one that got lost."""

    def __init__(self, client: Client, wait: Wait) -> None:
        self._client, self._wait = client, wait
        self._lost: JobLost | None = None

    def run(self, command: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its job; return the object that it made or changed.

        Without waiting the answer is what the server said at once. Raises OperationFailed (or
        CapacityExceeded, Locked …) with the job's text, and WaitTimeout naming the job.
        """
        self._lost = None
        try:
            job, answer = self._client.start(command, **parameters)
        except JobLost as lost:
            self._lost = lost
            raise
        if not self._wait.enabled or "jobid" not in answer:
            return answer
        return wire.the_object(self.wait(job, command))

    def wait(self, job: str, command: str) -> Any:
        """Return the result of a job when it has succeeded."""
        ends = time.monotonic() + self._wait.timeout
        turn = 0
        while True:
            status = self._status(job, ends)
            state = _PENDING if status is None else int(status.get("jobstatus", _PENDING))
            if state == _DONE:
                return status.get("jobresult") if status else None
            if state != _PENDING:
                raise _failed(status or {}, job, command)
            if time.monotonic() >= ends:
                raise WaitTimeout(
                    f"{command} was accepted but has not ended within {self._wait.timeout:g} s. "
                    f"It goes on as job {job}; wait for it, or run this again with a longer "
                    "wait_timeout.",
                    request=command,
                )
            interval = _INTERVALS[min(turn, len(_INTERVALS) - 1)]
            time.sleep(max(0.0, min(interval, ends - time.monotonic())))
            turn += 1

    def settle(self) -> bool | None:
        """Wait for the job of the lost write; False when the server knows of none.

        None when no asynchronous write was lost: then only the object itself can tell.
        """
        lost = self._lost
        if lost is None:
            return None
        for look in range(_LOOKS):
            if self._known(lost.job):
                try:
                    self.wait(lost.job, lost.request or "the command")
                except VirtbridgeError:
                    # It failed: reading back shows what is left to do, and the retry says why.
                    return None
                return True
            if look < _LOOKS - 1:
                time.sleep(_BETWEEN_LOOKS)
        return False

    def _known(self, job: str) -> bool:
        try:
            self._client.read("queryAsyncJobResult", jobid=job)
        except (NotFound, ValidationFailed):
            return False
        return True

    def _status(self, job: str, ends: float) -> dict[str, Any] | None:
        try:
            return self._client.read("queryAsyncJobResult", jobid=job)
        except Unavailable:
            if time.monotonic() >= ends:
                raise
            return None
        except (NotFound, ValidationFailed) as error:
            raise InternalError(
                f"The server accepted job {job} and does not know it now: {error.message}"
            ) from None


def _failed(status: dict[str, Any], job: str, command: str) -> VirtbridgeError:
    result = status.get("jobresult")
    result = result if isinstance(result, dict) else {}
    code = int(result.get("errorcode") or status.get("jobresultcode") or 530)
    return job_error(code, str(result.get("errortext") or ""), job, command)
