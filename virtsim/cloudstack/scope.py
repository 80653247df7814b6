# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose objects a caller sees: accounts, domains, projects, listall (as QueryManager has it)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .errors import PARAMETER, PERMISSION, ApiError
from .model import Cloud, Row

ALL_PROJECTS = "-1"


def owner_view(cloud: Cloud, row: Row) -> Row:
    """Return the owner of a row as answers show it."""
    account = cloud.get("accounts", row.get("accountid"))
    domain = cloud.get("domains", account.get("domainid"))
    shown = {
        "domainid": domain.get("id"),
        "domain": domain.get("name"),
        "domainpath": domain.get("path"),
    }
    project = cloud.get("projects", row.get("projectid"))
    if project:
        return {"projectid": project["id"], "project": project["name"], **shown}
    return {"account": account.get("name"), **shown}


def visible(cloud: Cloud, user: Row, row: Row) -> bool:
    """Whether the user may see and use a row that has an owner."""
    if user["role"] == "Admin":
        return True
    if row.get("projectid"):
        return user["accountid"] in cloud.get("projects", row["projectid"]).get("accountids", ())
    if user["role"] == "DomainAdmin":
        return _below(cloud, _domain(cloud, user["accountid"]), _domain(cloud, row["accountid"]))
    return bool(row["accountid"] == user["accountid"])


def owner_for(cloud: Cloud, user: Row, params: Mapping[str, Any]) -> Row:
    """Return the owner of something new: a project, another account, or the caller."""
    project = params.get("projectid")
    if project and project != ALL_PROJECTS:
        if params.get("account"):
            raise ApiError(PARAMETER, "Account and projectId can't be specified together")
        row = {"projectid": project, "accountid": user["accountid"]}
        if not visible(cloud, user, row):
            raise ApiError(PERMISSION, "Account can't operate on the project")
        return {"projectid": project, "accountid": cloud.get("projects", project)["ownerid"]}
    if params.get("account"):
        return {"accountid": _account(cloud, user, params)["id"], "projectid": None}
    return {"accountid": user["accountid"], "projectid": None}


def listed(cloud: Cloud, user: Row, table: str, params: Mapping[str, Any]) -> Iterator[Row]:
    """Yield the rows of a table that a list with these parameters shows."""
    project = params.get("projectid")
    if project and params.get("account"):
        raise ApiError(PARAMETER, "Account and projectId can't be specified together")
    wanted = [params["id"]] if params.get("id") else params.get("ids")
    if wanted:
        yield from (
            cloud.get(table, each) for each in wanted if visible_id(cloud, user, table, each)
        )
        return
    account = _account(cloud, user, params)["id"] if params.get("account") else None
    for row in cloud.rows(table):
        if visible(cloud, user, row) and _in_scope(cloud, user, row, params, account):
            yield row


def visible_id(cloud: Cloud, user: Row, table: str, ident: str) -> bool:
    """Whether an object of that id is there, and the user may see it."""
    row = cloud.get(table, ident)
    return bool(row) and visible(cloud, user, row)


def _in_scope(
    cloud: Cloud, user: Row, row: Row, params: Mapping[str, Any], account: str | None
) -> bool:
    project, listall = params.get("projectid"), bool(params.get("listall"))
    if project == ALL_PROJECTS:
        # With listall the root admin gets everything (ListAllIncludingProjectResources).
        return bool(row.get("projectid")) or (listall and user["role"] == "Admin")
    if project:
        return bool(row.get("projectid") == project)
    if row.get("projectid"):
        return False
    if account is not None:
        return bool(row["accountid"] == account)
    domain = params.get("domainid")
    if domain:
        mine = _domain(cloud, row["accountid"])
        return _below(cloud, domain, mine) if params.get("isrecursive") else mine == domain
    return listall or row["accountid"] == user["accountid"]


def _account(cloud: Cloud, user: Row, params: Mapping[str, Any]) -> Row:
    domain = params.get("domainid") or _domain(cloud, user["accountid"])
    for row in cloud.rows("accounts"):
        if row["name"] == params["account"] and row["domainid"] == domain:
            if not visible(cloud, user, {"accountid": row["id"]}):
                raise ApiError(PERMISSION, f"Permission denied for account {row['name']}")
            return row
    text = f"Unable to find account {params['account']} in domain {domain}"
    raise ApiError(PARAMETER, text)


def _domain(cloud: Cloud, account: str) -> str:
    return str(cloud.get("accounts", account).get("domainid"))


def _below(cloud: Cloud, upper: str, lower: str) -> bool:
    """Whether a domain is another one or stands below it."""
    paths = [str(cloud.get("domains", each).get("path", "")) for each in (upper, lower)]
    return paths[1] == paths[0] or paths[1].startswith(paths[0] + "/")
