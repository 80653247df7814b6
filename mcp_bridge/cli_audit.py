# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command `audit`: prove the audit, look into it, and take a copy of it elsewhere."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .cli_options import FAILED, as_json, config_option, examples, moment

if TYPE_CHECKING:
    from .audit_file import Places
    from .audit_proof import Witness
    from .audit_read import Wanted
    from .audit_verify import Checked

_EVENTS = (
    "intent", "refused", "outcome", "planned", "approved", "rejected", "applied", "expired",
    "enrolled", "unenrolled", "factor_refused", "token_refused", "login_missing", "started",
    "ended", "rotated", "continued",
)  # fmt: skip
_RISKS = ("read", "write", "disruptive", "destructive", "unknown")
_COLUMNS = (
    "seq", "time", "event", "principal", "tool", "targets", "risk", "decision", "rule", "status",
    "changed", "error", "reason", "source", "count", "run_id",
)  # fmt: skip
_Command = TypeVar("_Command", bound=Callable[..., Any])


def _filters(command: _Command) -> _Command:
    """Add the options that choose lines."""
    options = (
        click.option("--run-id", default="", help="Only of this run."),
        click.option("--event", type=click.Choice(_EVENTS), help="Only these lines."),
        click.option("--decision", type=click.Choice(("allow", "approve", "deny"))),
        click.option("--risk", type=click.Choice(_RISKS)),
        click.option("--target", default="", help="Only on this target."),
        click.option("--tool", default="", help="Only of this tool."),
        click.option("--principal", default="", help="Only of this caller, such as os:alice."),
        click.option("--until", metavar="WHEN", callback=moment, help="Only until then."),
        click.option(
            "--since", metavar="WHEN", callback=moment, help="Only since then: 30m, 2h, 7d, a date."
        ),
    )
    for option in options:
        command = option(command)
    return command


_path = click.option(
    "--path",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Another audit file than that of the configuration; its parts are beside it.",
)
_proof = (
    click.option(
        "--public-key",
        type=click.Path(path_type=Path, dir_okay=False, exists=True),
        help="Who must have signed it, in PEM [default: the key of the state folder].",
    ),
    click.option(
        "--checkpoints",
        type=click.Path(path_type=Path, dir_okay=False, exists=True),
        help="Its checkpoints, such as a copy from elsewhere.",
    ),
)


_archived = click.option(
    "--archived",
    is_flag=True,
    help="The oldest parts are elsewhere; begin with the first that is here.",
)


def _proven(command: _Command) -> _Command:
    """Add the options that say which audit is meant, and what proves it."""
    for option in (*_proof, _path, config_option):
        command = option(command)
    return command


@click.group(
    epilog=examples(
        "virtbridge audit verify",
        "virtbridge audit show --since 2h --decision deny",
        "virtbridge audit export ./audit-2026-11 --format csv --since 2026-11-01",
        "virtbridge audit rotate               close the file, begin the next part",
        "virtbridge audit key > public.pem     keep it elsewhere, and the checkpoints too",
    )
)
def audit() -> None:
    """Prove the audit, look into it, and take a copy of it elsewhere."""


@audit.command("verify")
@_proven
@_archived
@as_json
def verify_(
    json_output: bool, archived: bool, public_key: Path | None, **place: Path | None
) -> None:
    """Check that no line was changed, added, moved or removed, in any part.

    Exit code 1 when something does not hold, with the line. It reads as much memory as one line
    needs, also while bridges write.
    """
    from .audit_verify import Checked, verify

    places = _places(**place)
    parts = (places.key, places.log, places.head, places.checkpoints)
    if public_key is None and not any(each.exists() for each in parts):
        checked = Checked(0, notes=("nothing was audited yet",))
    else:
        checked = _tried(lambda: verify(places, _witness(places, public_key), archived=archived))
    _tell(checked, places, json_output)
    sys.exit(0 if checked.ok else FAILED)


@audit.command()
@_filters
@click.option(
    "--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="The most."
)
@_path
@config_option
@as_json
def show(limit: int, json_output: bool, **given: Any) -> None:
    """Show the latest decisions and what became of them.

    The latest stand last. Nothing is proven here; that is what verify is for.
    """
    from .audit_read import decisions
    from .cli_output import show_rows

    wanted, places = _wanted(given), _places(**given)
    found = list(reversed(_tried(lambda: decisions(places.log, wanted, limit)).rows))
    if json_output:
        # Escaped, so that no text of a client can reach into a terminal.
        click.echo(json.dumps({"lines": found}, indent=2))
    elif found:
        show_rows(_COLUMNS, [_plain(row) for row in found])
    else:
        click.echo("no such line" if places.log.exists() else "nothing was audited yet")


@audit.command()
@click.argument("folder", type=click.Path(path_type=Path))
@_filters
@click.option("--format", "form", type=click.Choice(("jsonl", "csv")), default="jsonl")
@_proven
@_archived
@as_json
def export(
    folder: Path,
    form: Any,
    json_output: bool,
    archived: bool,
    public_key: Path | None,
    **given: Any,
) -> None:
    """Copy the audit into a new FOLDER, with its proofs.

    There the whole audit with its head and checkpoints, the public key, and the result of the
    check; with --format csv or a filter also those lines alone. Exit code 1 when the check fails;
    the copy is there nevertheless.
    """
    from .audit_export import export as copy

    wanted, places = _wanted(given), _places(**given)
    witness = _tried(lambda: _witness(places, public_key))
    checked, _count = _tried(lambda: copy(places, folder, witness, wanted, form, archived=archived))
    _tell(checked, places, json_output)
    sys.exit(0 if checked.ok else FAILED)


@audit.command()
@config_option
@as_json
def rotate(json_output: bool, config_file: Path | None) -> None:
    """Close the audit file and begin the next part, also while bridges write.

    The closed part keeps its lines and gets a number; verify, show and export read all parts.
    """
    from .audit import Audit
    from .cli_output import write_json
    from .errors import AuditFailed
    from .person import os_user

    places = _places(config_file)
    try:
        path = Audit(places).rotate(os_user()) if places.log.exists() else None
    except AuditFailed as error:
        raise click.ClickException(str(error)) from error
    if json_output:
        write_json({"closed": str(path) if path else None, "path": str(places.log)})
    elif path is None:
        click.echo("there is no line to close; nothing was done")
    else:
        click.echo(f"closed {path}; the next lines are in {places.log}")


@audit.command()
@_proven
def key(public_key: Path | None, **place: Path | None) -> None:
    """Print the public key, by which others can check the audit."""
    places = _places(**place)
    click.echo(_tried(lambda: _witness(places, public_key)).pem, nl=False)


def _places(
    config_file: Path | None, path: Path | None = None, checkpoints: Path | None = None
) -> Places:
    from dataclasses import replace

    from .audit_file import Places
    from .cli_open import Misconfigured, audit_places
    from .config import load_config
    from .errors import ConfigInvalid

    try:
        places = audit_places(load_config(config_file))
    except ConfigInvalid as error:
        raise Misconfigured(f"{error}") from error
    if path is not None:
        places = Places.beside(path, key=places.key)
    return places if checkpoints is None else replace(places, checkpoints=checkpoints)


def _witness(places: Places, given: Path | None) -> Witness:
    from .audit_verify import public_key

    if given is None and not places.key.exists():
        raise click.ClickException(
            f"There is no key {places.key}: it is made with the first line. Give --public-key to "
            "check an audit of another machine."
        )
    try:
        return public_key(places, given)
    except ValueError as error:
        raise click.ClickException(
            f"The key {given or places.key} cannot be used: {error}"
        ) from error


def _wanted(given: dict[str, Any]) -> Wanted:
    from .audit_read import Wanted

    names = ("principal", "tool", "target", "risk", "event", "run_id", "decision")
    chosen = {name: given.pop(name) or "" for name in names}
    return Wanted(since=given.pop("since"), until=given.pop("until") or math.inf, **chosen)


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Return a line whose texts, some of them of a client, cannot command a terminal."""
    from .plaintext import clean_content

    return {key: clean_content(part) for key, part in row.items()}


def _tried(work: Callable[[], Any]) -> Any:
    """Return what work gives; what the system refuses is told and no traceback."""
    try:
        return work()
    except OSError as error:
        raise click.ClickException(f"{error.filename or 'audit'}: {error.strerror}") from error


def _tell(checked: Checked, places: Places, json_output: bool) -> None:
    from .cli_output import write_json

    if json_output:
        write_json({"ok": checked.ok, "path": str(places.log), **vars(checked)})
        return
    for note in checked.notes:
        click.secho(f"note: {note}", fg="yellow", err=True)
    lines = f"{checked.lines} line{'' if checked.lines == 1 else 's'}"
    if checked.ok:
        click.echo(f"ok: {lines} and {checked.checkpoints} checkpoints hold in {places.log}")
        return
    click.secho(f"{places.log}: {checked.problem}", fg="red", err=True)
    click.echo(f"The first {lines} hold. Compare with a copy from elsewhere.", err=True)
