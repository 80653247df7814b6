# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Domains, accounts, users, projects, key pairs and affinity groups."""

from __future__ import annotations

from .api import LIST, OWNER, PAGED, Call, command, given, keyword
from .errors import PARAMETER, ApiError
from .model import Row
from .scope import listed, owner_for, owner_view, visible


@command("listDomains", f"id name listall details {PAGED}")
def list_domains(call: Call) -> Row:
    """List the domains at and below the caller's."""
    top = call.state.get("domains", call.account["domainid"])["path"]
    rows = [
        row
        for row in call.state.rows("domains")
        if (row["path"] == top or row["path"].startswith(f"{top}/"))
        and given(call, row, "id", "name")
        and keyword(call, row, "name")
    ]
    return call.listed("domain", rows, lambda _call, row: dict(row))


@command("listAccounts", f"id name domainid listall details {PAGED}")
def list_accounts(call: Call) -> Row:
    """List the accounts of people that the caller sees."""
    rows = [
        row
        for row in call.state.rows("accounts")
        if row["role"] != "Project"
        and visible(call.state, call.user, {"accountid": row["id"]})
        and given(call, row, "id", "name", "domainid")
        and keyword(call, row, "name")
        and (row["id"] == call.user["accountid"] or _beyond(call, "id", "domainid"))
    ]
    return call.listed("account", rows, _account)


def _beyond(call: Call, *names: str) -> bool:
    """Whether a list reaches beyond the caller's own: with listall, or by one of the names."""
    return any(call.get(name) for name in ("listall", *names))


def _account(call: Call, row: Row) -> Row:
    domain = call.state.get("domains", row["domainid"])
    return {
        "id": row["id"],
        "name": row["name"],
        "domainid": row["domainid"],
        "domain": domain["name"],
        "domainpath": domain["path"],
        "roletype": row["role"],
        "state": "enabled",
    }


@command("listUsers", f"id username state account domainid listall {PAGED}")
def list_users(call: Call) -> Row:
    """List users; their keys are not shown here."""
    rows = [
        row
        for row in call.state.rows("users")
        if visible(call.state, call.user, row)
        and given(call, row, "id", "username", "state")
        and given(call, _place(call, row), "account", "domainid")
        and keyword(call, row, "username")
        and (row["accountid"] == call.user["accountid"] or _beyond(call, "id", "account"))
    ]
    return call.listed("user", rows, _user)


def _place(call: Call, row: Row) -> Row:
    account = call.state.get("accounts", row["accountid"])
    return {"account": account["name"], "domainid": account["domainid"]}


def _user(call: Call, row: Row) -> Row:
    return {
        "id": row["id"],
        "username": row["username"],
        "state": row["state"],
        "created": row["created"],
        "roletype": row["role"],
        "accountid": row["accountid"],
        **_place(call, row),
    }


@command("listProjects", f"id name state domainid listall details {PAGED}")
def list_projects(call: Call) -> Row:
    """List the projects that the caller is in; the root admin sees all."""
    rows = [
        row
        for row in call.state.rows("projects")
        if (call.user["role"] == "Admin" or call.user["accountid"] in row["accountids"])
        and given(call, row, "id", "name", "state", "domainid")
        and keyword(call, row, "name", "displaytext")
    ]
    return call.listed("project", rows, _project)


def _project(call: Call, row: Row) -> Row:
    domain = call.state.get("domains", row["domainid"])
    shown = {name: row[name] for name in ("id", "name", "displaytext", "domainid", "state")}
    return {**shown, "domain": domain["name"], "created": row["created"]}


@command("listSSHKeyPairs", f"id name fingerprint {LIST}")
def list_keys(call: Call) -> Row:
    """List key pairs."""
    rows = [
        row
        for row in _owned(call, "ssh_keys")
        if given(call, row, "name", "fingerprint") and keyword(call, row, "name")
    ]
    return call.listed("sshkeypair", rows, _key)


@command("registerSSHKeyPair", f"name publickey {OWNER}")
def register_key(call: Call) -> Row:
    """Register a public key under a name of the owner's."""
    owner = owner_for(call.state, call.user, call.params)
    taken = [row for row in call.state.rows("ssh_keys") if row["name"] == call.params["name"]]
    if any(row["accountid"] == owner["accountid"] for row in taken):
        raise ApiError(PARAMETER, f"A key pair with name '{call.params['name']}' already exists.")
    print_ = ":".join(f"{byte:02x}" for byte in call.params["publickey"].encode()[:16])
    row = call.state.add("ssh_keys", {"name": call.params["name"], "fingerprint": print_, **owner})
    return {"keypair": _key(call, row)}


@command("deleteSSHKeyPair", f"name {OWNER}")
def delete_key(call: Call) -> Row:
    """Delete a key pair by its name."""
    owner = owner_for(call.state, call.user, call.params)
    for row in list(call.state.rows("ssh_keys")):
        if row["name"] == call.params["name"] and row["accountid"] == owner["accountid"]:
            call.state.remove("ssh_keys", row["id"])
            return {"success": "true"}
    raise ApiError(PARAMETER, f"A key pair with name '{call.params['name']}' does not exist")


def _key(call: Call, row: Row) -> Row:
    shown = {name: row[name] for name in ("id", "name", "fingerprint")}
    return {**shown, **owner_view(call.state, row)}


@command("listAffinityGroups", f"id name type virtualmachineid {LIST}")
def list_groups(call: Call) -> Row:
    """List affinity groups."""
    member = call.state.get("machines", call.params.get("virtualmachineid"))
    rows = [
        row
        for row in _owned(call, "affinity_groups")
        if given(call, row, "name", "type")
        and keyword(call, row, "name")
        and (not call.get("virtualmachineid") or row["id"] in member.get("affinitygroupids", ()))
    ]
    return call.listed("affinitygroup", rows, _group)


@command("createAffinityGroup", f"name type description {OWNER}")
def create_group(call: Call) -> Row:
    """Create an affinity group; its name is unique for its owner."""
    owner = owner_for(call.state, call.user, call.params)
    name = call.params["name"]
    for row in call.state.rows("affinity_groups"):
        if row["name"] == name and row["accountid"] == owner["accountid"]:
            text = f"Unable to create affinity group, a group with name {name} already exists."
            raise ApiError(PARAMETER, text)
    row = call.state.add(
        "affinity_groups",
        {
            "name": name,
            "type": call.params["type"],
            "description": call.get("description"),
            **owner,
        },
    )
    return call.job("affinitygroup", lambda: _group(call, row), created=row["id"])


@command("deleteAffinityGroup", f"id name {OWNER}")
def delete_group(call: Call) -> Row:
    """Delete an affinity group by id or name."""
    rows = [row for row in _owned(call, "affinity_groups") if given(call, row, "id", "name")]
    if not rows or not (call.get("id") or call.get("name")):
        raise ApiError(PARAMETER, "Unable to find affinity group")
    ident = rows[0]["id"]
    return call.job("affinitygroup", lambda: call.state.remove("affinity_groups", ident))


def _group(call: Call, row: Row) -> Row:
    members = [
        each["id"] for each in call.state.rows("machines") if row["id"] in each["affinitygroupids"]
    ]
    shown = {name: row.get(name) for name in ("id", "name", "type", "description")}
    return {**shown, "virtualmachineIds": members, **owner_view(call.state, row)}


def _owned(call: Call, table: str) -> list[Row]:
    return list(listed(call.state, call.user, table, call.params))
