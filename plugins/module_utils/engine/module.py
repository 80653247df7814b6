# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""Run a declaration as an Ansible module. The only entry, and the one place that catches."""

from __future__ import annotations

import signal
import threading
import traceback
from collections.abc import Mapping
from pathlib import PurePath
from types import FrameType
from typing import Any, NoReturn

from .action import perform_action
from .ansible_module import build
from .checks import check_exclusive, check_values
from .errors import Cancelled, InternalError, ValidationFailed, VirtbridgeError
from .execute import reconcile
from .query import read_rows
from .raw import call_api
from .redact import SHORTEST, Redactor, secrets_in
from .resource import Access, Action, Api, Declaration, Operation, Query, Resource, Wait
from .spec import all_fields, connection_fields, own_fields

ISSUES = "https://github.com/virtbridge/virtbridge/issues"
_STEERING = ("wait", "wait_timeout")


def run(declaration: Declaration) -> NoReturn:
    """Run the module that is declared: read its arguments, answer in JSON, end the process."""
    module = build(declaration)
    session = Session(declaration, module.params, check=module.check_mode)
    result, error = session.answer()
    for text in session.warnings():
        module.warn(text)
    for secret in session.late_secrets:
        module.no_log_values.add(secret)
    if error is None:
        module.exit_json(**result)
    module.fail_json(msg=result.pop("msg"), **result)


class Stopped(BaseException):
    """The process was asked to end. Not an Exception, so that no library swallows it."""


class Session:
    """One run of a module: what it was given, and what it noted on the way."""

    def __init__(self, declaration: Declaration, params: Mapping[str, Any], *, check: bool) -> None:
        self.declaration = declaration
        self.params = params
        self.check = check
        self.operations: list[Operation] = []
        self.late_secrets: set[str] = set()
        self._warnings: list[str] = []
        self._redactor = Redactor()

    def answer(self) -> tuple[dict[str, Any], VirtbridgeError | None]:
        """Return the redacted result, and the error it reports if it is a failure."""
        error: VirtbridgeError | None = None
        result: dict[str, Any] = {}
        try:
            with _Stoppable():
                result = self._result()
        except VirtbridgeError as expected:
            error = expected
        except (Stopped, KeyboardInterrupt):
            error = _cancelled(self.operations)
        except Exception as unexpected:
            error = _defect(unexpected)
        if error is not None:
            result = {"changed": bool(self.operations), "msg": error.message}
            result["error"] = error.as_result()
            if error.diff is not None:
                result["diff"] = error.diff
        if self.declaration.writes:
            result["operations"] = [vars(each) for each in self.operations]
        clean: dict[str, Any] = self._redactor.value(result)
        return clean, error

    def warnings(self) -> list[str]:
        """Return the warnings, each once, redacted."""
        return [self._redactor.text(text) for text in dict.fromkeys(self._warnings)]

    def _result(self) -> dict[str, Any]:
        fields = all_fields(self.declaration)
        for secret in secrets_in(fields, self.params):
            self._register(secret)
        self._refuse_unresolved_target()
        check_values(fields, self.params)
        check_exclusive(self.declaration.platform.mutually_exclusive, self.params)
        connection = {
            item.name: self.params.get(item.name) for item in connection_fields(self.declaration)
        }
        access = Access(
            read_only=self.check or not self.declaration.writes,
            warn=self._warnings.append,
            secret=self._late,
            record=self.operations.append,
        )
        with self.declaration.platform.connect(connection, access) as client:
            return self._reconcile(client)

    def _reconcile(self, client: Any) -> dict[str, Any]:
        declaration, desired = self.declaration, self._desired()
        wait = Wait(
            enabled=bool(self.params.get("wait", True)),
            timeout=float(self.params.get("wait_timeout") or Wait.timeout),
        )
        operations = declaration.operations(client, desired, wait)
        if isinstance(declaration, Resource):
            result = reconcile(
                declaration, operations, desired, check=self.check, wait=wait.enabled
            )
            self._warnings += result.pop("warnings")
            return result
        if isinstance(declaration, Action):
            return perform_action(
                declaration, operations, desired, check=self.check, wait=wait.enabled
            )
        if isinstance(declaration, Query):
            return read_rows(operations, desired["limit"])
        if isinstance(declaration, Api):
            return call_api(operations, desired, check=self.check)
        raise InternalError(f"{declaration.name}: unknown kind of declaration.")

    def _desired(self) -> dict[str, Any]:
        given = ((item.name, self.params.get(item.name)) for item in own_fields(self.declaration))
        return {name: value for name, value in given if value is not None and name not in _STEERING}

    def _register(self, secret: str) -> None:
        if not self._redactor.add(secret):
            self._warnings.append(
                f"A secret is shorter than {SHORTEST} characters. Masking it would blank ordinary "
                "words, so it is masked only where it stands alone; use a longer one."
            )

    def _late(self, secret: str) -> None:
        """Register a secret that came from a file or from the platform."""
        self._register(secret)
        if len(secret) >= SHORTEST:
            self.late_secrets.add(secret)

    def _refuse_unresolved_target(self) -> None:
        target = self.params.get("target")
        own = {item.name for item in self.declaration.platform.connection}
        if target is not None and "target" not in own:
            raise ValidationFailed(
                f"target {target!r} reached the module unresolved. It is resolved on the "
                "controller by the collection's action plugin: call the module by its full name, "
                f"virtbridge.core.{self.declaration.name}, or give the connection options.",
                fields={"target": "not resolved on the controller"},
            )


class _Stoppable:
    """While inside, SIGTERM raises Stopped once; later signals are ignored, to answer in peace."""

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._stop)

    def __exit__(self, *_reason: object) -> None:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, signal.SIG_IGN)

    @staticmethod
    def _stop(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise Stopped


def _cancelled(operations: list[Operation]) -> Cancelled:
    if not operations:
        return Cancelled("Stopped on request; nothing had been sent that changes anything.")
    calls = ", ".join(each.call for each in operations)
    return Cancelled(
        f"Stopped on request. What was sent may still be applied by the platform: {calls}."
    )


def _defect(error: Exception) -> InternalError:
    """Say what broke and where, without the error's text: it may quote arguments."""
    frames = [
        f"{'/'.join(PurePath(frame.filename).parts[-3:])}:{frame.lineno} in {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    return InternalError(
        f"A defect of virtbridge.core: {type(error).__name__} at {frames[-1]}. "
        f"Please report it with the module's name and the lines under error.log at {ISSUES}.",
        log=tuple(frames),
    )
