# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logging in, and who may do what."""

from __future__ import annotations

from typing import Any

from .api import Call, operation
from .auth import usable
from .errors import ApiError, missing
from .permissions import interesting_paths, login_capabilities, permissions
from .privileges import ROLES
from .tfa import accept

REFUSED = "authentication failure\n"
INDEX = ["users", "groups", "roles", "acl", "domains", "openid", "tfa", "ticket", "password"]


@operation("GET /access")
def index(_call: Call) -> Any:
    """List what access offers."""
    return [{"subdir": name} for name in INDEX]


@operation("GET /access/ticket")
def ticket_get(_call: Call) -> None:
    """Answer nothing: the form of a login page."""


@operation("POST /access/ticket")
def ticket(call: Call) -> Any:
    """Log in with a password and a second factor, or renew with a ticket that still holds."""
    user = str(call.params["username"])
    if "@" not in user:
        user = f"{user}@{call.text('realm') or 'pam'}"
    password = str(call.params["password"])
    challenge = call.text("tfa-challenge")
    row = call.state.access.users.get(user)
    if not usable(call.state.access, user, call.now):
        raise ApiError(REFUSED, 401)
    if challenge is not None:
        if not _second_factor(call, user, challenge, password):
            raise ApiError(REFUSED, 401)
        return _opened(call, user)
    if password.startswith("PVE:") and call.sim.keys.user_of(password, call.now) == user:
        return _opened(call, user)
    if row is None or row["password"] is None or row["password"] != password:
        raise ApiError(REFUSED, 401)
    if not row.get("totp"):
        return _opened(call, user)
    return {
        "username": user,
        "ticket": call.sim.keys.challenge(user, call.now),
        "CSRFPreventionToken": call.sim.keys.csrf(user, call.now),
        "NeedTFA": 1,
        "clustername": call.state.name,
    }


def _second_factor(call: Call, user: str, challenge: str, answer: str) -> bool:
    row = call.state.access.users[user]
    asked = call.sim.keys.challenged(challenge, user, call.now)
    return asked and bool(row.get("totp")) and accept(row, answer, call.now)


def _opened(call: Call, user: str) -> dict[str, Any]:
    return {
        "username": user,
        "ticket": call.sim.keys.ticket(user, call.now),
        "CSRFPreventionToken": call.sim.keys.csrf(user, call.now),
        "cap": login_capabilities(call.state.access, user),
        "clustername": call.state.name,
    }


@operation("GET /access/permissions")
def effective(call: Call) -> Any:
    """Show the privileges of the caller or of somebody else by path."""
    who = call.text("userid") or call.user
    own = who == call.user or who.partition("!")[0] == call.user
    if not own and not call.may("/access", "Sys.Audit"):
        raise ApiError("Permission check failed (/access, Sys.Audit)\n", 403)
    access, path = call.state.access, call.text("path")
    if path is not None:
        return {path: permissions(access, who, path)}
    found = {p: permissions(access, who, p) for p in interesting_paths(access)}
    return {p: held for p, held in found.items() if held}


@operation("GET /access/domains")
def domains(call: Call) -> Any:
    """List the realms."""
    return [{"realm": name, **row} for name, row in call.state.access.realms.items()]


@operation("GET /access/roles")
def roles(call: Call) -> Any:
    """List the roles."""
    access = call.state.access
    own = {name: list(privs) for name, privs in access.custom_roles.items()}
    everything = {**{k: sorted(v) for k, v in ROLES.items()}, **own}
    return [
        {"roleid": name, "privs": ",".join(privs), "special": int(name in ROLES)}
        for name, privs in everything.items()
    ]


@operation("GET /access/roles/{roleid}")
def role(call: Call) -> Any:
    """Show the privileges of a role."""
    name = str(call.params["roleid"])
    if name not in ROLES and name not in call.state.access.custom_roles:
        raise missing(f"role '{name}' does not exist")
    return dict.fromkeys(call.state.access.privileges_of(name), 1)


def _profile(row: dict[str, Any]) -> dict[str, Any]:
    names = ("comment", "email", "firstname", "lastname")
    shown = {k: row[k] for k in names if row.get(k)}
    return {**shown, "enable": row["enable"], "expire": row["expire"]}


def _tokens(row: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = {}
    for name, token in row["tokens"].items():
        found[name] = {"expire": token["expire"], "privsep": token["privsep"]}
        if token.get("comment"):
            found[name]["comment"] = token["comment"]
    return found


def _groups(call: Call, user: str) -> list[str]:
    return [name for name, row in call.state.access.groups.items() if user in row["users"]]


@operation("GET /access/users")
def users(call: Call) -> Any:
    """List the users the caller may see."""
    rows = []
    sees_all = call.may("/access/groups", "User.Modify", "Sys.Audit")
    for name, user in call.state.access.users.items():
        if not sees_all and name != call.user.partition("!")[0]:
            continue
        if "enabled" in call.params and bool(user["enable"]) != call.flag("enabled"):
            continue
        realm = call.state.access.realms.get(name.partition("@")[2], {})
        row = {"userid": name, **_profile(user), "realm-type": realm.get("type", "")}
        if call.flag("full"):
            row["groups"] = ",".join(_groups(call, name))
            tokens = [{"tokenid": t, **facts} for t, facts in _tokens(user).items()]
            row["tokens"] = tokens or None
        rows.append(row)
    return rows


def _user(call: Call) -> dict[str, Any]:
    name = str(call.params["userid"])
    if name not in call.state.access.users:
        raise missing(f"no such user ('{name}')")
    found: dict[str, Any] = call.state.access.users[name]
    return found


@operation("GET /access/users/{userid}")
def user(call: Call) -> Any:
    """Show a user."""
    row = _user(call)
    groups = _groups(call, str(call.params["userid"]))
    found = {**_profile(row), "groups": groups}
    tokens = _tokens(row)
    return {**found, "tokens": tokens} if tokens else found


@operation("GET /access/users/{userid}/token")
def tokens(call: Call) -> Any:
    """List the tokens of a user."""
    return [{"tokenid": name, **row} for name, row in _tokens(_user(call)).items()]


@operation("GET /access/users/{userid}/token/{tokenid}")
def token(call: Call) -> Any:
    """Show a token."""
    name, found = str(call.params["tokenid"]), _tokens(_user(call))
    if name not in found:
        raise missing(f"no such token '{name}' for user '{call.params['userid']}'")
    return found[name]


@operation("GET /access/acl")
def acl(call: Call) -> Any:
    """List the access rules."""
    return [dict(row) for row in call.state.access.acl]


@operation("GET /access/groups")
def groups(call: Call) -> Any:
    """List the groups."""
    rows = []
    for name, row in call.state.access.groups.items():
        if call.may(f"/access/groups/{name}", "User.Modify", "Sys.Audit", "Group.Allocate"):
            shown = {"groupid": name, "users": ",".join(row["users"])}
            rows.append({**shown, "comment": row["comment"]} if row["comment"] else shown)
    return rows


@operation("GET /pools")
def pools(call: Call) -> Any:
    """List the pools, or show the members of one."""
    wanted, rows = call.text("poolid"), call.state.access.pools
    if wanted is not None:
        if wanted not in rows:
            raise missing(f"pool '{wanted}' does not exist")
        return [{**_pool(wanted, rows[wanted]), "members": _members(call, rows[wanted])}]
    return [_pool(n, row) for n, row in rows.items() if call.may(f"/pool/{n}", "Pool.Audit")]


def _pool(name: str, row: dict[str, Any]) -> dict[str, Any]:
    shown = {"poolid": name}
    return {**shown, "comment": row["comment"]} if row["comment"] else shown


def _members(call: Call, row: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for vmid in row["vms"]:
        guest = call.state.guests.get(vmid)
        if guest is not None:
            found.append(
                {
                    "id": f"qemu/{vmid}",
                    "type": "qemu",
                    "vmid": vmid,
                    "node": guest.node,
                    "name": guest.name,
                    "status": guest.status,
                }
            )
    return found
