# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""`virtbridge approvals`, `approve`, `deny`: a person decides about plans, on a terminal."""

from __future__ import annotations

import getpass
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .cli_options import as_json, config_option, examples

if TYPE_CHECKING:
    from .approvals import Approvals
    from .plans import Plan

_KINDS = ("totp", "passphrase")
_CONFIRM = "lost"
_ASKS = {"totp": "Code of your authenticator", "passphrase": "Passphrase"}


@click.command()
@config_option
@as_json
def approvals(config_file: Path | None, json_output: bool) -> None:
    """List the plans that wait for a person."""
    from .cli_output import show_rows, write_json

    with _opened(config_file) as desk:
        rows = [_row(plan) for plan in desk.waiting()]
    if json_output:
        write_json({"approvals": rows})
    elif rows:
        show_rows(("code", "seconds", "risk", "operation", "targets", "principal", "client"), rows)
    else:
        click.echo("nothing waits for approval")


@click.command(
    epilog=examples(
        "virtbridge approve --enroll totp   once: choose your second factor",
        "virtbridge approvals               what waits?",
        "virtbridge approve 7KQ2MX9R        look at it, and approve it",
        "virtbridge approve --unenroll      remove your second factor; --lost when it is gone",
    )
)
@click.argument("code", required=False)
@click.option(
    "--enroll",
    type=click.Choice(_KINDS),
    help="Set up the second factor, or replace it (that asks for the one before).",
)
@click.option(
    "--unenroll", is_flag=True, help="Remove the second factor; what waits goes on waiting."
)
@click.option(
    "--lost",
    is_flag=True,
    help="With --unenroll: do not ask for the factor, because it is lost. The audit says so.",
)
@config_option
def approve(
    code: str | None, enroll: str | None, unenroll: bool, lost: bool, config_file: Path | None
) -> None:
    """Approve the plan that waits under CODE, once you have seen what it does.

    It asks for your second factor, and only works on a terminal. Exit code 1 when nothing was
    approved.
    """
    if [code is not None, enroll is not None, unenroll].count(True) != 1:
        raise click.UsageError("give a CODE of `virtbridge approvals`, --enroll or --unenroll")
    if lost and not unenroll:
        raise click.UsageError("--lost goes with --unenroll; then enrol another factor")
    _must_be_terminal()
    with _opened(config_file) as desk:
        if unenroll:
            _unenrol(desk, lost=lost)
            return
        if enroll is not None:
            _enrol(desk, enroll)
            return
        plan = desk.find(str(code))
        _show(plan)
        kind = desk.factors.kind()
        desk.prove(_ask(_ASKS[kind]) if kind else "", _me(), plan)
        done = desk.approve(plan, "person", _me())
        click.secho(f"approved; the caller can now apply plan {done.id}", fg="green")


@click.command()
@click.argument("code")
@config_option
def deny(code: str, config_file: Path | None) -> None:
    """Refuse the plan that waits under CODE, for good. It only works on a terminal."""
    _must_be_terminal()
    with _opened(config_file) as desk:
        plan = desk.find(code)
        _show(plan)
        desk.reject(plan, "person", _me())
        click.secho(f"denied; plan {plan.id} can never be applied", fg="yellow")


@contextmanager
def _opened(config_file: Path | None) -> Iterator[Approvals]:
    from .audit import Audit
    from .cli_open import audit_places, open_store, settings_of
    from .errors import BridgeError
    from .opening import open_approvals

    config = settings_of(config_file)
    store = open_store(config)
    audit = Audit(audit_places(config))
    try:
        yield open_approvals(config, store, audit)[1]
        audit.close()
    except BridgeError as error:
        raise click.ClickException(str(error)) from error
    finally:
        store.close()


def _must_be_terminal() -> None:
    """Refuse pipes and files: what runs a command for somebody is not a person."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
        terminal = sys.stdin.isatty() and sys.stdout.isatty()
    except OSError:
        terminal = False
    if not terminal:
        raise click.ClickException(
            "This needs a person on a terminal; it works neither in a pipe nor from a tool. "
            "Nothing was decided."
        )


def _enrol(desk: Approvals, kind: str) -> None:
    from .approvals_factor import new_passphrase, new_totp

    before = desk.factors.kind()
    if before is not None:
        desk.prove(_ask(f"{_ASKS[before]} (the one before)"), _me())
    if kind == "passphrase":
        enrolment = new_passphrase(_ask("New passphrase"))
        answer = _ask("Once more")
    else:
        enrolment = new_totp(_me())
        click.echo("Give this to your authenticator; it is shown once:")
        click.echo(f"  {enrolment.uri}\n  secret: {enrolment.secret}")
        answer = _ask("Code that it shows now")
    desk.enrol(enrolment, answer, _me())
    click.secho("enrolled; a code is good once, so wait for the next one", fg="green")


def _unenrol(desk: Approvals, *, lost: bool) -> None:
    kind = desk.factors.kind()
    if lost and kind is not None:
        click.echo(
            f"The {kind} is removed although nobody proves it. The audit will say so. Until "
            "another factor is enrolled, nobody can approve as a person."
        )
        if _ask(f"Type {_CONFIRM} to remove it") != _CONFIRM:
            raise click.ClickException("Nothing was removed.")
    elif kind is not None:
        desk.prove(_ask(_ASKS[kind]), _me())
    desk.unenrol(_me(), lost=lost)
    click.secho("removed; `virtbridge approve --enroll` sets up another one", fg="yellow")


def _show(plan: Plan) -> None:
    from .plan_text import lines_of

    for line in lines_of(plan):
        click.echo(line)
    now = time.time()
    click.echo(f"age         {now - plan.created:.0f} s, ends in {plan.expires - now:.0f} s")
    click.echo(f"digest      {plan.digest}")


def _ask(text: str) -> str:
    try:
        # It reads from /dev/tty, and shows nothing of it.
        return getpass.getpass(f"{text}: ")
    except (EOFError, KeyboardInterrupt):
        raise click.ClickException("Nothing was approved.") from None


def _me() -> str:
    from .person import os_user

    return os_user()


def _row(plan: Plan) -> dict[str, Any]:
    from .plaintext import clean_text

    terms = plan.terms
    return {
        "code": plan.code,
        "plan_id": plan.id,
        "digest": plan.digest,
        "seconds": int(plan.expires - time.time()),
        "risk": terms["risk"],
        "operation": terms["operation"],
        "targets": ", ".join(target["name"] for target in terms["targets"]),
        "principal": clean_text(terms["principal"]),
        "client": clean_text(terms["client"]),
        "by": plan.by,
        "four_eyes": plan.four_eyes,
    }
