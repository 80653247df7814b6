# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The `virtbridge` command: only commands; what they do lives in the modules they import.

Each command imports what it needs when it runs, because the MCP SDK alone takes about a second.
Exit codes: 0 ok, 1 failed, 2 wrong usage or configuration.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import click

from . import __version__
from .cli_approve import approvals, approve, deny
from .cli_audit import audit
from .cli_client import client_config
from .cli_doctor import doctor
from .cli_find import bench, describe, search
from .cli_options import FAILED, USAGE, as_json, configured, examples
from .cli_policy import policy
from .cli_runs import runs

_NO_LOGIN = (
    "--http needs a login: set auth in virtbridge.yml. For a server on a loopback address that "
    "every user of this machine may call, say so with --no-auth."
)


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=examples(
        "virtbridge demo                        see it work, without any cloud",
        "virtbridge check-config                is my configuration right?",
        "virtbridge doctor                      is my installation right?",
        "virtbridge targets --probe             can every target be reached?",
        "virtbridge serve                       serve one MCP client on stdin and stdout",
        "virtbridge call vm_list state=running  the same tools, by hand",
        "virtbridge runs                        what ran, and what runs now",
        "virtbridge search clone a vm           find one of 2,000 operations",
    ),
)
@click.version_option(__version__, prog_name="virtbridge")
@click.option("-v", "--verbose", is_flag=True, help="Log more, on standard error.")
def cli(verbose: bool) -> None:
    """Run virtual machines on KubeVirt, Proxmox VE and CloudStack, for people and AI clients."""
    level = logging.DEBUG if verbose else logging.WARNING
    logging.basicConfig(
        level=level, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s"
    )


@cli.command(
    epilog=examples(
        '{"mcpServers": {"virtbridge": {"command": "virtbridge", "args": ["serve"]}}}',
        "virtbridge serve --http 127.0.0.1:8801 --no-auth",
        "virtbridge serve --http 0.0.0.0:8801     with auth in virtbridge.yml",
    ),
)
@click.option(
    "--http",
    metavar="HOST:PORT",
    help="Serve streamable HTTP at /mcp instead, for callers with a token of the issuer that "
    "auth names in virtbridge.yml.",
)
@click.option(
    "--no-auth",
    is_flag=True,
    help="With --http: ask for no login. Every user of this machine can call it then, so only "
    "loopback addresses will do.",
)
@configured
def serve(http: str | None, no_auth: bool, **chosen: Any) -> None:
    """Serve MCP on standard input and output, or over HTTP.

    An MCP client starts this command itself; nothing is printed but the protocol, and logs go to
    standard error. It starts also when no target is configured.
    """
    from .cli_open import Misconfigured, open_surface, settings_of
    from .errors import AddressRefused, ConfigInvalid
    from .serving import listen, serve_http, serve_stdio

    if no_auth and http is None:
        raise click.UsageError("--no-auth speaks of --http, which is not given")
    config = settings_of(chosen["config_file"])
    if http is not None and not no_auth and config.auth is None:
        raise click.UsageError(_NO_LOGIN)
    if no_auth and config.auth is not None:
        raise click.UsageError("--no-auth, but the configuration has auth; leave one out")
    with open_surface(**chosen, lasting=True) as surface:
        if http is None:
            serve_stdio(surface, __version__)
            return
        try:
            listener = listen(http, far=config.auth is not None)
        except AddressRefused as error:
            raise click.UsageError(f"--http: {error}") from error
        with listener:
            try:
                serve_http(surface, __version__, listener, config.server, config.auth)
            except ConfigInvalid as error:
                raise Misconfigured("\n".join(map(str, error.problems))) from error


@cli.command()
@configured
@as_json
def tools(json_output: bool, **chosen: Any) -> None:
    """List the tools that a client sees, with their arguments."""
    from .cli_open import open_surface
    from .cli_output import show_tools

    with open_surface(**chosen) as surface:
        show_tools(surface.tools, json_output)


@cli.command(
    epilog=examples(
        "virtbridge call vm_list targets=lab state=running fields=ref,name,host",
        "virtbridge call vm_list where.host=pve1",
        "virtbridge call vm_power ref=lab/-/100 state=started check=true",
        'virtbridge call vm_get --json-args \'{"ref": "lab/-/100"}\' --json',
    ),
)
@click.argument("tool")
@click.argument("pairs", nargs=-1, metavar="[NAME=VALUE]...")
@click.option(
    "--json-args", metavar="JSON", help="All arguments as one JSON object; - reads stdin."
)
@configured
@as_json
def call(
    tool: str, pairs: tuple[str, ...], json_args: str | None, json_output: bool, **chosen: Any
) -> None:
    """Call one TOOL as a client would: same checks, same policy, same audit.

    A dot reaches into an object, a comma separates the parts of a list.
    """
    from .cli_call import arguments_of, call_tool
    from .cli_open import open_surface
    from .cli_output import show_answer

    with open_surface(**chosen) as surface:
        arguments = arguments_of(surface.tools, tool, pairs, json_args)
        answer = call_tool(surface, tool, arguments)
    show_answer(answer, json_output)
    sys.exit(0 if answer.ok else FAILED)


@cli.command()
@click.option("--probe", is_flag=True, help="Also log in to each target and read from it.")
@configured
@as_json
def targets(probe: bool, json_output: bool, **chosen: Any) -> None:
    """List the configured targets and what the policy allows on each.

    With --probe the exit code is 1 when a target cannot be reached.
    """
    from .cli_call import call_tool, unreachable
    from .cli_open import open_surface
    from .cli_output import show_answer

    with open_surface(**chosen) as surface:
        answer = call_tool(surface, "target_list", {"probe": True} if probe else {})
    show_answer(answer, json_output)
    sys.exit(0 if answer.ok and not unreachable(answer) else FAILED)


@cli.command("check-config")
@configured
@as_json
def check_config(json_output: bool, **chosen: Any) -> None:
    """Check virtbridge.yml and targets.yml, and report every mistake at once.

    Nothing is contacted. Exit code 2 when there is a mistake.
    """
    from .cli_open import problems_of
    from .cli_output import show_problems

    problems, read = problems_of(**chosen)
    show_problems(problems, read, json_output)
    sys.exit(USAGE if problems else 0)


@cli.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
    epilog=examples(
        "virtbridge sim start proxmox --port 8006",
        "virtbridge sim --help",
    ),
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def sim(arguments: tuple[str, ...]) -> None:
    """Run a simulator of a platform: the same as the command virtsim."""
    from virtsim.cli import main

    main.main(args=list(arguments), prog_name="virtbridge sim")


@cli.command()
@click.option("--keep", is_flag=True, help="Leave the working directory for a look at it.")
@as_json
def demo(keep: bool, json_output: bool) -> None:
    """Show everything work against a simulator: a playbook twice, then an MCP session.

    It needs no cloud and leaves nothing behind. Exit code 1 when a step did not show what it
    should.
    """
    from .cli_output import write_json
    from .demo import run_demo

    report = run_demo(keep=keep, quiet=json_output)
    if json_output:
        write_json(report.as_json())
    sys.exit(0 if report.ok else FAILED)


for _command in (
    approvals, approve, audit, bench, client_config, deny, describe, doctor, policy, runs,
    search,
):  # fmt: skip
    cli.add_command(_command)


def main() -> None:
    """Run the command; the entry point of the wheel."""
    cli(prog_name="virtbridge")


if __name__ == "__main__":
    main()
