# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The known defects that ``tools/seeded.py`` plants, as data."""

from __future__ import annotations

from tools.defect import Defect
from tools.defects_audit import AUDIT
from tools.defects_plans import PLANS
from tools.defects_policy import POLICY
from tools.defects_runner import RUNNER

__all__ = ["DEFECTS", "REAL", "Defect"]

REAL = ("tests/integration/test_real_modules.py",)
_EXAMPLES = (
    "tests/examples/test_examples.py::test_the_examples_run_and_change_nothing_when_repeated"
)
_ENGINE = "plugins/module_utils/engine"
_CLIENT = "plugins/module_utils/proxmox/client.py"
_TRANSPORT = "plugins/module_utils/adapters.py"
_API = "plugins/module_utils/proxmox/api.py"
_TRUST = "tests/contract/proxmox/test_trust_and_login.py"
_WEATHER = "tests/contract/proxmox/test_bad_weather.py"
_UNMASKED = (
    (
        f"{_ENGINE}/module.py",
        "        clean: dict[str, Any] = self._redactor.value(result)",
        "        clean: dict[str, Any] = result",
    ),
    (f"{_ENGINE}/module.py", "        module.no_log_values.add(secret)", "        pass"),
    (f"{_ENGINE}/spec.py", '"no_log": field.secret', '"no_log": False'),
)
"""Lines of defence that would hide a secret in a module's error."""
_QUOTED = (
    f"{_ENGINE}/module.py",
    "            error = expected\n",
    "            error = expected\n"
    '            error.message = f"{error.message} {dict(self.params)}"\n',
)
DEFECTS = (
    *AUDIT,
    *PLANS,
    *POLICY,
    *RUNNER,
    Defect(
        "pin ignored at login",
        _CLIENT,
        "        answer = self._transport.send(",
        "        import dataclasses\n"
        "        open_ = dataclasses.replace(\n"
        "            self._transport.endpoint, fingerprint=None, verify=False)\n"
        "        answer = (Transport(open_) if login else self._transport).send(",
        (f"{_TRUST}::test_a_wrong_pin_stops_before_anything_is_sent",),
    ),
    Defect(
        "pin ignored",
        _TRANSPORT,
        '            self._options |= {"assert_fingerprint": endpoint.fingerprint, ',
        "            self._options |= {",
        (f"{_TRUST}::test_a_wrong_pin_stops_before_anything_is_sent",),
    ),
    Defect(
        "refused login tried twice",
        _API,
        "        raw = self._session.send(method, path, parameters)\n        #",
        "        try:\n            raw = self._session.send(method, path, parameters)\n"
        "        except VirtbridgeError:\n"
        "            raw = self._session.send(method, path, parameters)\n        #",
        (f"{_TRUST}::test_a_refused_login_is_tried_once",),
    ),
    Defect(
        "password in an exception's text",
        _CLIENT,
        'f"Login of {self._credential.user} at',
        'f"Login of {self._credential.user}:{self._credential.password!r} at',
        (f"{_TRUST}::test_a_refused_login_is_tried_once",),
        also=(
            (
                "plugins/module_utils/engine/module.py",
                "        clean: dict[str, Any] = self._redactor.value(result)",
                "        clean: dict[str, Any] = result",
            ),
            (
                "plugins/module_utils/engine/spec.py",
                '"no_log": field.secret',
                '"no_log": False',
            ),
            (_API, "            access.secret(params[name])", "            pass"),
        ),
    ),
    Defect(
        "write in check mode",
        _API,
        "        if self._access.read_only:",
        "        if False:",
        ("tests/contract/proxmox/test_read_only.py",),
    ),
    Defect(
        "lost answer sent again blindly",
        _API,
        "            raw = self._sent(method, path, parameters or {})\n            if raw.status",
        "            try:\n"
        "                raw = self._sent(method, path, parameters or {})\n"
        "            except UncertainOutcome:\n"
        "                raw = self._sent(method, path, parameters or {})\n"
        "            if raw.status",
        (f"{_WEATHER}::test_a_write_with_a_lost_answer_is_sent_once",),
    ),
    Defect(
        "write in flight taken for nothing",
        "plugins/module_utils/engine/sending.py",
        "    finally:\n        if not refused:",
        "    except BaseException:\n        refused = True\n        raise\n"
        "    finally:\n        if not refused:",
        ("tests/contract/test_stopped.py",),
    ),
    Defect(
        "forked module in another folder",
        "plugins/plugin_utils/forked.py",
        "        if folder:",
        "        if not folder:",
        ("tests/integration/direct/test_parity.py::test_every_manner_gives_the_same[core-own]",),
    ),
    Defect(
        "failed task taken for a success",
        "plugins/module_utils/proxmox/waiting.py",
        '    return exitstatus == "OK" or',
        "    return True or",
        (f"{_WEATHER}::test_a_failing_task_is_loud_with_its_lines",),
    ),
    Defect(
        "argument not marked as literal text",
        "mcp_bridge/runner/play.py",
        '"__ansible_unsafe"',
        '"__ansible_text"',
        ("tests/runner/test_play.py",),
    ),
    Defect(
        "warnings taken for a failure",
        "plugins/module_utils/proxmox/waiting.py",
        '    return exitstatus == "OK" or',
        '    return exitstatus == "OK" and',
        (f"{_WEATHER}::test_a_task_with_warnings_has_succeeded_and_warns",),
    ),
    Defect(
        "pin ignored at login by a real module",
        _CLIENT,
        "        answer = self._transport.send(",
        "        import dataclasses\n"
        "        open_ = dataclasses.replace(\n"
        "            self._transport.endpoint, fingerprint=None, verify=False)\n"
        "        answer = (Transport(open_) if login else self._transport).send(",
        REAL,
        each_core="wrong_pin and proxmox",
    ),
    Defect(
        "pin ignored by a real module",
        _TRANSPORT,
        '            self._options |= {"assert_fingerprint": endpoint.fingerprint, ',
        "            self._options |= {",
        REAL,
        each_core="wrong_pin",
    ),
    Defect(
        "string retyped",
        "plugins/plugin_utils/action.py",
        "        arguments = dict(self._task.args)\n",
        "        def retyped(value: Any) -> Any:\n"
        "            try:\n"
        '                return __import__("ast").literal_eval(value)\n'
        "            except Exception:\n"
        "                return value\n\n"
        "        arguments = {key: retyped(each) for key, each in self._task.args.items()}\n",
        REAL,
        each_core="byte_for_byte and (from_a_playbook or retyped)",
    ),
    Defect(
        "template in an argument evaluated",
        "mcp_bridge/runner/play.py",
        "        return {UNSAFE: value}",
        "        return value",
        REAL,
        each_core="byte_for_byte and hard",
    ),
    Defect(
        "token in an exception's text",
        *_QUOTED,
        REAL,
        also=_UNMASKED,
        each_core="no_secret and not audit",
    ),
    Defect(
        "secret argument in the audit",
        "mcp_bridge/audit.py",
        '"arguments": _bounded(hiding.clean(arguments)),',
        '"arguments": _bounded(dict(arguments)),',
        REAL,
        each_core="no_secret and audit",
    ),
    Defect(
        "write in check mode by a real module",
        f"{_ENGINE}/execute.py",
        "    if plan.changed and not check:",
        "    if plan.changed:",
        REAL,
        also=(
            (
                f"{_ENGINE}/module.py",
                "            read_only=self.check or not self.declaration.writes,",
                "            read_only=not self.declaration.writes,",
            ),
        ),
        each_core="check_mode",
    ),
    Defect(
        "example that names no machine",
        "plugins/modules/proxmox_vm_snapshot.py",
        "    vm_name: web2\n    name: before-upgrade\n    description",
        "    vm_name: web22\n    name: before-upgrade\n    description",
        (f"{_EXAMPLES}[proxmox_vm_snapshot]",),
    ),
    Defect(
        "second run that changes something",
        f"{_ENGINE}/execute.py",
        '        "changed": plan.changed,',
        '        "changed": True,',
        (f"{_EXAMPLES}[proxmox_vm_snapshot]",),
    ),
    Defect(
        "collection that imports the bridge",
        "plugins/plugin_utils/targets.py",
        "from __future__ import annotations\n",
        "from __future__ import annotations\n\nimport mcp_bridge  # noqa: F401\n",
        (
            "tests/packaging/test_collection.py::"
            "test_the_demo_playbook_runs_from_there_twice_without_the_bridge",
        ),
    ),
    Defect(
        "token in an answer of the server",
        *_QUOTED,
        ("tests/mcp/test_secrets.py",),
        also=(
            *_UNMASKED,
            (
                "mcp_bridge/runner/cold.py",
                "hosts=redactor.known(progress.results.all(status, problem, whole=",
                "hosts=(lambda each: each)(progress.results.all(status, problem, whole=",
            ),
        ),
    ),
)
