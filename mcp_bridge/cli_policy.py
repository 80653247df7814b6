# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command `policy`: what the rules are, and what they say to a given call."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .cli_options import as_json, configured, examples

if TYPE_CHECKING:
    from .config import Config
    from .policy import Call
    from .policy_explain import Explanation
    from .targets import Target
    from .tools.spec import Caller


@click.group()
def policy() -> None:
    """Show the policy, and try it on a call that is not made."""


@policy.command()
@configured
@as_json
def show(json_output: bool, **chosen: Any) -> None:
    """Show the rules in their order, what is protected, the limits and the windows."""
    from .cli_open import configured_with
    from .cli_output import show_pairs, show_rows, write_json
    from .policy import DEFAULTS

    config, _path, _targets = configured_with(**chosen)
    kept = config.policy.model_dump(mode="json", exclude_none=True, by_alias=True)
    flags = {"read_only": config.flags.read_only, "no_destructive": config.flags.no_destructive}
    defaults = {risk: _asked(*asked) for risk, asked in DEFAULTS.items()}
    if json_output:
        write_json({"flags": flags, **kept, "defaults": defaults})
        return
    show_pairs(flags)
    rules = [
        {
            "rule": rule.name,
            "verdict": _asked(rule.verdict, rule.by),
            "match": _short(given["match"]),
        }
        for rule, given in zip(config.policy.rules, kept["rules"], strict=True)
    ]
    rules += [
        {"rule": "default", "verdict": said, "match": f"risk={risk}"}
        for risk, said in defaults.items()
    ]
    show_rows(("rule", "verdict", "match"), rules)
    show_pairs({part: _short(kept[part]) for part in ("protected", "limits", "windows")})


@policy.command(
    name="test",
    epilog=examples(
        "virtbridge policy test vm_power ref=lab/-/100 state=stopped",
        "virtbridge policy test vm_delete ref=lab/-/100 --name db-1 --tags prod,web",
        "virtbridge policy test vm_delete ref=lab/apps/web --at 2026-07-04T23:00",
    ),
)
@click.argument("tool")
@click.argument("pairs", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--principal", help="Who calls [default: you, as os:NAME].")
@click.option("--client", default="virtbridge call", show_default=True, help="The MCP client.")
@click.option("--at", metavar="TIME", help="When, such as 2026-07-04T23:00 [default: now].")
@click.option("--name", help="The name of the object, where the arguments do not tell it.")
@click.option("--tags", help="The tags of the object, separated by commas; '' for none.")
@click.option(
    "--fact", "facts", multiple=True, metavar="PART=VALUE",
    help="Another part of the object: namespace, pool, zone, project or ref.",
)  # fmt: skip
@configured
@as_json
def test_call(tool: str, pairs: tuple[str, ...], json_output: bool, **given: Any) -> None:
    """Explain what the policy says to a call of TOOL, step by step.

    Nothing is run, no platform is asked, nothing is audited and nothing is counted.
    """
    from .cli_open import configured_with
    from .cli_output import write_json

    about = _about(given.pop("name"), given.pop("tags"), given.pop("facts"))
    principal, client, at = given.pop("principal"), given.pop("client"), given.pop("at")
    explained = _explained(
        configured_with(**given), (tool, pairs), _caller_of(principal, client), _moment(at), about
    )
    if json_output:
        write_json({"tool": tool, "calls": [_as_json(*each) for each in explained]})
        return
    if not explained:
        click.echo(f"{tool} is answered by the bridge itself; policy is not asked.")
    for each in explained:
        _show(*each)


_Explained = tuple["Call", str, "Explanation"]


def _explained(
    settings: tuple[Config, Path, Mapping[str, Target]],
    asked: tuple[str, tuple[str, ...]],
    caller: Caller,
    now: datetime.datetime,
    about: Mapping[str, tuple[str, ...]],
) -> list[_Explained]:
    from .catalog import Catalog
    from .cli_call import arguments_of
    from .policy import Surroundings
    from .policy_explain import explain
    from .policy_facts import Recent
    from .rehearsal import Rehearsal
    from .tools.spec import Refusal, UnknownTool

    (config, path, targets), (tool, pairs) = settings, asked
    rehearsal = Rehearsal(Catalog(), targets, path)
    try:
        seen = rehearsal.ask(tool, arguments_of(rehearsal.tools, tool, pairs, None), caller)
    except (UnknownTool, Refusal) as error:
        raise click.UsageError(str(error)) from error
    # What was done lately is not asked; a limit of 0 denies all the same.
    around = Surroundings(now, Recent())
    kept = config.policy
    calls = [(each, replace(each.judged, about={**each.judged.about, **about})) for each in seen]
    return [
        (call, rehearsal.why(each), explain(call, kept.rules, config.flags, around, kept.guards))
        for each, call in calls
    ]


def _as_json(call: Call, why: str, explanation: Explanation) -> dict[str, Any]:
    from .rehearsal import described

    verdict = explanation.verdict
    return {
        **described(call),
        "why": why,
        "unknown": list(explanation.unknown),
        "steps": {
            name: [vars(step) for step in steps] for name, steps in explanation.steps.items()
        },
        "verdict": {
            "decision": verdict.decision,
            "rule": verdict.rule,
            "reason": verdict.reason,
            "by": verdict.by,
            "four_eyes": verdict.four_eyes,
        },
    }


def _show(call: Call, why: str, explanation: Explanation) -> None:
    from .cli_output import show_pairs, show_rows
    from .rehearsal import described

    pairs = {**described(call), "risk": f"{call.risk} ({why})"}
    if explanation.unknown:
        pairs["not known"] = f"{', '.join(explanation.unknown)}; a real call looks it up"
    show_pairs(pairs)
    for name, steps in explanation.steps.items():
        click.echo(f"on {name}:")
        show_rows(("what", "matched", "why"), [vars(step) for step in steps])
    verdict = explanation.verdict
    colour = {"allow": "green", "approve": "yellow"}.get(verdict.decision, "red")
    click.secho(f"{verdict.decision}: {verdict.reason}", fg=colour)


def _about(
    name: str | None, tags: str | None, facts: tuple[str, ...]
) -> dict[str, tuple[str, ...]]:
    from .policy_facts import OBJECT_PARTS

    about: dict[str, tuple[str, ...]] = {} if name is None else {"name": (name,)}
    if tags is not None:
        about["tags"] = tuple(filter(None, tags.split(",")))
    for fact in facts:
        part, sign, value = fact.partition("=")
        if not sign or part not in OBJECT_PARTS:
            raise click.UsageError(f"--fact {fact!r}: expected one of {', '.join(OBJECT_PARTS)}=…")
        about[part] = (value,) if value else ()
    return about


def _caller_of(principal: str | None, client: str) -> Caller:
    from .person import os_user
    from .scopes import LOCAL
    from .tools.spec import Caller

    return Caller(principal or os_user(), client, LOCAL)


def _moment(at: str | None) -> datetime.datetime:
    if at is None:
        return datetime.datetime.now(datetime.UTC)
    try:
        # A time without a zone is the one on the wall of this machine.
        return datetime.datetime.fromisoformat(at).astimezone()
    except (ValueError, OverflowError):
        raise click.UsageError(f"--at {at!r}: expected a time such as 2026-07-04T23:00") from None


def _asked(decision: str, by: str | None) -> str:
    return f"{decision} by {by}" if decision == "approve" else decision


def _short(content: Any) -> str:
    if isinstance(content, Mapping):
        parts = {key: _short(value) for key, value in content.items()}
        return " ".join(f"{key}={text}" for key, text in parts.items() if text) or ""
    return ",".join(map(str, content)) if isinstance(content, list) else str(content)
