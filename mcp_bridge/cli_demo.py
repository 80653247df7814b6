# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the demo shows, as data: each tool call with what its answer must be, and the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

Body = Mapping[str, Any]
_MOST_CHANGES = 3
Memory = dict[str, Any]

LOGINS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "proxmox": ("", ("token_id", "token_secret")),
    "cloudstack": ("/client/api", ("api_key", "secret_key")),
    "kubevirt": ("", ("token",)),
}
"""Where below a simulator's address the API is, and what opens it, by platform."""
PLATFORMS = tuple(LOGINS)
_NEW: Mapping[str, Mapping[str, Any]] = {
    "proxmox": {"image": "debian-12-template", "memory_mib": 1024},
    "cloudstack": {"image": "debian-12", "size": "small", "networks": ["lab-net"]},
    "kubevirt": {"image": "docker://quay.io/containerdisks/fedora:latest", "memory_mib": 1024},
}


class Unexpected(Exception):
    """A step did not show what it should; the text says what it showed instead."""


@dataclass(frozen=True)
class Step:
    """One tool call of the session.

    ``arguments`` may use what earlier steps remembered; ``shows`` checks the answer, may
    remember something, and returns one line for the table.
    """

    title: str
    tool: str
    arguments: Callable[[Memory], Mapping[str, Any]]
    shows: Callable[[Body, Memory], str]


@dataclass(frozen=True)
class Done:
    """One line of the table."""

    title: str
    ok: bool
    seconds: float
    shown: str


@dataclass
class Report:
    """Everything that happened, in order."""

    lines: list[Done] = field(default_factory=list)
    interrupted: bool = False

    @property
    def ok(self) -> bool:
        """Whether every step showed what it should, and none is missing."""
        return bool(self.lines) and not self.interrupted and all(line.ok for line in self.lines)

    def as_json(self) -> dict[str, Any]:
        """Return the report for a script."""
        steps = [asdict(line) for line in self.lines]
        return {"ok": self.ok, "interrupted": self.interrupted, "steps": steps}


def require(condition: bool, shown: object) -> None:
    """Raise `Unexpected` with what was shown unless the condition holds."""
    if not condition:
        raise Unexpected(str(shown))


def target_name(platform: str) -> str:
    """Return the name of the demo's target on a platform."""
    return f"demo-{platform}"


def session(platform: str) -> tuple[Step, ...]:
    """Return the calls of the MCP session on one platform."""
    target = target_name(platform)
    first = (Step("which targets are there", "target_list", lambda _m: {}, _targets),)
    return (
        *(first if platform == PLATFORMS[0] else ()),
        Step(
            f"{platform}: list the stopped guests",
            "vm_list",
            lambda _m: {"targets": [target], "state": "stopped"},
            _stopped,
        ),
        Step(
            "preview a new one",
            "vm_create",
            lambda _m: {**_new(platform), "check": True},
            _planned,
        ),
        Step("apply that plan", "plan_apply", lambda memory: {"plan_id": memory["plan"]}, _made),
        Step("create it again", "vm_create", lambda _m: _new(platform), _state("unchanged")),
        *_END,
    )


def _new(platform: str) -> dict[str, Any]:
    return {"target": target_name(platform), "name": "fresh", **_NEW[platform]}


def runs_of(step: Step) -> int:
    """Return how many runs a call is: none of what the bridge knows, a second look for a plan."""
    return {"target_list": 0, "plan_apply": 2}.get(step.tool, 1)


def print_report(console: Console, report: Report) -> None:
    """Print the table of a demo."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    table.add_column("step")
    table.add_column("seconds", justify="right")
    table.add_column("what it showed", overflow="fold")
    for line in report.lines:
        mark = "[green]✓[/green]" if line.ok else "[red]✗[/red]"
        table.add_row(mark, line.title, f"{line.seconds:.2f}", escape(line.shown))
    console.print(table)
    if report.interrupted:
        console.print("[yellow]Interrupted; everything that was started is gone again.[/yellow]")
    elif report.ok:
        seconds = sum(line.seconds for line in report.lines)
        what = f"All {len(report.lines)} steps showed what they should"
        console.print(f"[green]{what}[/green] in {seconds:.0f} s.")
    else:
        console.print("[red]The last step did not show what it should.[/red]")


def _power(state: str) -> Callable[[Memory], Mapping[str, Any]]:
    return lambda memory: (
        {"ref": memory["ref"], "state": state, "force": True}
        if (state == "stopped")
        else {"ref": memory["ref"], "state": state}
    )


def _targets(body: Body, _memory: Memory) -> str:
    rows = body["data"]["targets"]
    require(body["ok"] and len(rows) == len(PLATFORMS), body)
    return ", ".join(f"{row['name']} ({row['platform']})" for row in rows)


def _stopped(body: Body, _memory: Memory) -> str:
    require(body["ok"], body.get("error"))
    rows = body["data"]["rows"]
    require(bool(rows), "no stopped guest")
    return f"{len(rows)} of them"


def _made(body: Body, memory: Memory) -> str:
    require(body["status"] == "changed", body.get("error") or body["status"])
    memory["ref"] = body["data"]["ref"]
    return f"{memory['ref']}: {body['data']['state']}"


def _said(status: str) -> Callable[[Body, Memory], str]:
    def shows(body: Body, _memory: Memory) -> str:
        require(body["status"] == status, body.get("error") or body["status"])
        return f"{status}: {_change(body.get('diff'))}"

    return shows


def _planned(body: Body, memory: Memory) -> str:
    require(body["status"] == "planned", body)
    memory["plan"] = body["data"]["plan"]["id"]
    return f"planned: {_change(body['diff'])}"


def _state(status: str, state: str | None = None) -> Callable[[Body, Memory], str]:
    def shows(body: Body, _memory: Memory) -> str:
        require(body["status"] == status, body.get("error") or body["status"])
        require(state in (None, body["data"]["state"]), body["data"]["state"])
        return f"{status}: {_change(body.get('diff')) or body['data']['state']}"

    return shows


def _change(diff: Mapping[str, Any] | None) -> str:
    before, after = (diff or {}).get("before") or {}, (diff or {}).get("after") or {}
    shown = [f"{name} {before.get(name)} → {after.get(name)}" for name in after]
    return ", ".join(shown[:_MOST_CHANGES]) + (" …" if len(shown) > _MOST_CHANGES else "")


_END = (
    Step("stop it", "vm_power", _power("stopped"), _state("changed", "stopped")),
    Step(
        "keep a snapshot",
        "vm_snapshot",
        lambda m: {"ref": m["ref"], "snapshot": "demo"},
        _said("changed"),
    ),
    Step(
        "preview its end",
        "vm_delete",
        lambda m: {"ref": m["ref"], "force": True, "check": True},
        _planned,
    ),
    Step("show it, still there", "vm_get", lambda m: {"ref": m["ref"]}, _state("ok")),
    Step(
        "delete it",
        "vm_delete",
        lambda m: {"ref": m["ref"], "force": True},
        _said("changed"),
    ),
)
