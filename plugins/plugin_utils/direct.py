# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run a module in a forked child of the task's worker, instead of in a new interpreter.

ansible-core packs a module into an archive, starts Python, and imports everything again: about
0.4 s for each task. Where the module would run on this machine, with this very interpreter and as
this user, the worker has all of that already. So three steps of core's own ``_execute_module``
are replaced: what is built (the arguments alone), that it is piped, and how it is run. All else
stays core's: arguments, check mode, ``no_log``, the reading of the answer.

Whatever is unusual runs the normal way. These are core's internals: when they are not as they are
known, everything runs the normal way.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.plugins.action import ActionBase

from . import forked, trust_ahead

SWITCH = "VIRTBRIDGE_DIRECT"
VARIABLE = "virtbridge_direct"
OFF = ("0", "false", "no", "off")
_INTERPRETER = "ansible_python_interpreter"


class DirectBase(ActionBase):
    """An action whose modules run in a forked child where that comes to the same."""

    _direct: str | None = None

    def _execute_module(
        self,
        module_name: str | None = None,
        module_args: dict[str, Any] | None = None,
        tmp: Any = None,
        task_vars: dict[str, Any] | None = None,
        *rest: Any,
        **more: Any,
    ) -> dict[str, Any]:
        name = module_name or self._task.action
        if not rest and not more.get("wrap_async") and self._eligible(task_vars or {}):
            self._direct = forked.module_file(self._shared_loader_obj, name)
            trust_ahead.of_arguments(module_args or {})
        try:
            answer: dict[str, Any] = super()._execute_module(
                module_name, module_args, tmp, task_vars, *rest, **more
            )
            return answer
        finally:
            self._direct = None

    def _is_pipelining_enabled(self, module_style: str, wrap_async: bool = False) -> bool:
        return self._direct is not None or bool(
            super()._is_pipelining_enabled(module_style, wrap_async)
        )

    def _configure_module(
        self, module_name: str, module_args: dict[str, Any], task_vars: dict[str, Any]
    ) -> Any:
        if self._direct is None:
            return super()._configure_module(module_name, module_args, task_vars)
        return forked.built(module_args, self._direct)

    def _low_level_execute_command(
        self, cmd: str, sudoable: bool = True, in_data: bytes | None = None, *rest: Any, **more: Any
    ) -> dict[str, Any]:
        if self._direct is None or in_data is None:
            ran: dict[str, Any] = super()._low_level_execute_command(
                cmd, sudoable, in_data, *rest, **more
            )
            return ran
        environment: dict[str, Any] = {}
        self._compute_environment_string(environment)
        folder = self._loader.get_basedir()
        return forked.run(self._direct, in_data, environment, folder)

    def _eligible(self, task_vars: Mapping[str, Any]) -> bool:
        """Whether the module would run here, with this interpreter, as this user, and at once."""
        if not forked.AVAILABLE or self._task.async_val or _keeps_files():
            return False
        chosen = task_vars.get(VARIABLE, os.environ.get(SWITCH, "1"))
        if str(chosen).lower() in OFF:
            return False
        if self._connection.transport != "local" or self._connection.become is not None:
            return False
        own = task_vars
        if self._task.delegate_to:
            own = (task_vars.get("ansible_delegated_vars") or {}).get(self._task.delegate_to) or {}
        return _is_ours(own.get(_INTERPRETER))


def _keeps_files() -> bool:
    """Whether the user wants to see the files of a module, of which there are none then."""
    return bool(getattr(constants, "DEFAULT_KEEP_REMOTE_FILES", False))


def _is_ours(interpreter: Any) -> bool:
    """Whether modules are told to run with the interpreter that we are, or with none in particular.

    A text with a template in it may be anything.
    """
    if interpreter is None:
        return True
    text = str(interpreter)
    if text.startswith("auto"):
        return True
    # The same file in another environment is another interpreter.
    given, ours = Path(text), Path(sys.executable)
    return given.parent == ours.parent and given.resolve() == ours.resolve()


if os.environ.get(SWITCH, "1").lower() not in OFF:
    # Whoever imports this is about to fork a worker for each task.
    trust_ahead.of_targets()
