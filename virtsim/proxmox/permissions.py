# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may do what: roles on paths, groups, pools, and tokens that have less than their user."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .errors import ApiError
from .model import Access

ROOT = "root@pam"
Privileges = dict[str, int]
AREAS = ("vms", "storage", "access", "nodes", "dc", "mapping", "sdn")
PATH = re.compile(
    r"/|/access|/access/groups|/access/groups/[A-Za-z0-9.\-_]+|/access/realm"
    r"|/access/realm/[A-Za-z][A-Za-z0-9.\-_]+|/nodes|/nodes/[A-Za-z0-9.\-_]+"
    r"|/pool|/pool/[A-Za-z0-9.\-_]+(?:/[A-Za-z0-9.\-_]+){0,2}|/sdn|/sdn/controllers"
    r"|/sdn/controllers/[\w\d_\-]+|/sdn/dns|/sdn/dns/[\w.\-]+|/sdn/fabrics"
    r"|/sdn/fabrics/[\w\d_\-]+|/sdn/ipams|/sdn/ipams/[\w.\-]+"
    r"|/sdn/zones|/sdn/zones/[\w.\-]+|/sdn/zones/[\w.\-]+/[\w.\-]+"
    r"|/sdn/zones/[\w.\-]+/[\w.\-]+/[1-9][0-9]{0,3}|/storage|/storage/[A-Za-z0-9.\-_]+"
    r"|/vms|/vms/[1-9][0-9]{2,8}|/mapping|/mapping/[A-Za-z0-9.\-_]+"
    r"|/mapping/[A-Za-z0-9.\-_]+/[A-Za-z0-9.\-_]+"
)


def normalize_path(path: str) -> str | None:
    """Spell a path of an ACL the one way, None when it cannot be one."""
    path = re.sub(r"/+", "/", "/" + path if path and path[0] != "/" else path)
    if len(path) > 1:
        path = path.rstrip("/")
    return path if re.fullmatch(r"/[A-Za-z0-9.\-_/]*", path) else None


def is_path(path: str) -> bool:
    """Tell whether an ACL may stand on a path."""
    return PATH.fullmatch(path) is not None


def _applying(access: Access, who: str, path: str) -> list[Mapping[str, Any]]:
    parents = ["/"]
    parts = [p for p in path.split("/") if p]
    parents += ["/" + "/".join(parts[: n + 1]) for n in range(len(parts))]
    return [row for row in access.acl if row["path"] in parents]


def roles(access: Access, who: str, path: str) -> Privileges:
    """Give the roles of a user or token on a path, with their propagate flags."""
    if who == ROOT:
        return {"Administrator": 1}
    if "!" in who:
        token = access.token(who)
        if token is None:
            return {}
        if not token["privsep"]:
            return roles(access, who.partition("!")[0], path)
    groups = {g for g, row in access.groups.items() if who in row["users"]}
    rows = sorted(_applying(access, who, path), key=lambda r: len(r["path"].rstrip("/")))
    found: Privileges = {}
    for at in dict.fromkeys(r["path"] for r in rows):
        here = [r for r in rows if r["path"] == at and (at == path or r["propagate"])]
        own = [r for r in here if r["type"] != "group" and r["ugid"] == who]
        mine = own or [r for r in here if r["type"] == "group" and r["ugid"] in groups]
        if mine:
            found = {}
            for row in mine:
                found[row["roleid"]] = max(found.get(row["roleid"], 0), row["propagate"])
    return {"NoAccess": found["NoAccess"]} if "NoAccess" in found else found


def _pool_roles(access: Access, who: str, path: str) -> Privileges:
    kind, _, name = path.strip("/").partition("/")
    member = {"vms": "vms", "storage": "storage"}.get(kind)
    if not member or not name or who == ROOT:
        return {}
    found: Privileges = {}
    for poolid, pool in access.pools.items():
        if name in {str(m) for m in pool[member]}:
            found |= dict.fromkeys(roles(access, who, f"/pool/{poolid}"), 0)
    return found


def permissions(access: Access, who: str, path: str) -> Privileges:
    """Give the privileges of a user or token on a path, with their propagate flags."""
    owner, _, token_name = who.partition("!")
    token = access.token(who) if token_name else None
    if token_name and (token is None or owner not in access.users):
        return {}
    if token is not None and not token["privsep"]:
        return permissions(access, owner, path)
    if who != ROOT and owner not in access.users:
        return {}
    held = {**_pool_roles(access, who, path), **roles(access, who, path)}
    if "NoAccess" in held:
        return {}
    found: Privileges = {}
    for role in sorted(held):
        for privilege in access.privileges_of(role):
            found[privilege] = max(found.get(privilege, 0), held[role])
    if token is not None and owner == ROOT:
        return {}  # the server intersects with rights it never computes for root
    if token is not None:
        above = permissions(access, owner, path)
        found = {p: int(bool(above[p] and found[p])) for p in found if p in above}
    return found


def allowed(access: Access, who: str, path: str, wanted: Iterable[str], every: bool = True) -> bool:
    """Tell whether all (or any) of the privileges are held on a path."""
    held = permissions(access, who, path)
    return all(p in held for p in wanted) if every else any(p in held for p in wanted)


def refuse(what: str = "") -> ApiError:
    """Build the 403 answer."""
    return ApiError(f"Permission check failed{f' ({what})' if what else ''}\n", 403)


def require(access: Access, who: str, path: str, wanted: Sequence[str], every: bool = True) -> None:
    """Raise the 403 answer unless the privileges are held on a path."""
    if every:
        for privilege in wanted:
            if not allowed(access, who, path, [privilege]):
                raise refuse(f"{path}, {privilege}")
    elif not allowed(access, who, path, wanted, every=False):
        raise refuse(f"{path}, {'|'.join(wanted)}")


def check_operation(
    access: Access, facts: Mapping[str, Any], who: str | None, params: Mapping[str, Any]
) -> None:
    """Apply the declared permission of an operation, as the server does before it looks on."""
    rule = facts.get("permissions")
    if who and "!" in who and facts.get("allowtoken") is False:
        text = f"URI '{facts['path']}' not available with API token, need proper ticket.\n"
        raise refuse(text)
    if not who:
        if rule and rule.get("user") == "world":
            return
        raise refuse("user != null")
    if who == ROOT:
        return
    if not rule:
        raise refuse("user != root@pam")
    if rule.get("user") in {"all", "world"}:
        return
    if not rule.get("check"):
        raise refuse()
    _check(access, rule["check"], who, params, quiet=False)


def _check(
    access: Access, rule: Sequence[Any], who: str, params: Mapping[str, Any], quiet: bool
) -> bool:
    test, *rest = rule
    if test == "and":
        return all(_check(access, sub, who, params, quiet) for sub in rest)
    if test == "or":
        if any(_check(access, sub, who, params, quiet=True) for sub in rest):
            return True
        return _fail(quiet, "")
    checks = {
        "perm": _check_perm,
        "perm-modify": _check_modify,
        "userid-param": _check_user_param,
        "userid-group": _check_user_group,
    }
    if test not in checks:
        raise ApiError(f"unknown permission test '{test}'\n")
    return checks[test](access, rest, who, params, quiet)


def _fail(quiet: bool, what: str) -> bool:
    if quiet:
        return False
    raise refuse(what)


def _options(pairs: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(pairs[::2], pairs[1::2], strict=False))


def fill(template: str, params: Mapping[str, Any]) -> str:
    """Put parameters into a path template."""
    return re.sub(r"\{([^}]+)\}", lambda m: str(params.get(m[1], m[0])), template)


def _check_perm(
    access: Access, rest: Sequence[Any], who: str, params: Mapping[str, Any], quiet: bool
) -> bool:
    template, wanted, *pairs = rest
    options = _options(pairs)
    needed = options.get("require_param")
    if needed and params.get(needed) is None:
        return _fail(quiet, "") if not quiet else False
    path, every = fill(template, params), not options.get("any")
    if quiet:
        return allowed(access, who, path, wanted, every)
    require(access, who, path, wanted, every)
    return True


def _check_modify(
    access: Access, rest: Sequence[Any], who: str, params: Mapping[str, Any], quiet: bool
) -> bool:
    path = normalize_path(fill(rest[0], params)) or "/"
    wanted = ["Permissions.Modify"]
    kind = path.split("/")[1]
    extra = {"storage": "Datastore.Allocate", "vms": "VM.Allocate", "pool": "Pool.Allocate"}
    if path.count("/") > 1 and kind in extra:
        wanted.append(extra[kind])
    if allowed(access, who, path, wanted, every=False):
        return True
    return _fail(quiet, f"{path}, {'|'.join(wanted)}")


def _check_user_param(
    access: Access, rest: Sequence[Any], who: str, params: Mapping[str, Any], quiet: bool
) -> bool:
    userid = str(params.get("userid", ""))
    if rest[0] == "self":
        return userid == who or _fail(quiet, f"{who} != {userid}")
    realm = userid.rpartition("@")[2]
    if allowed(access, who, f"/access/realm/{realm}", [rest[0]]):
        return True
    return _fail(quiet, f"/access/realm/{realm}, {rest[0]}")


def _check_user_group(
    access: Access, rest: Sequence[Any], who: str, params: Mapping[str, Any], quiet: bool
) -> bool:
    wanted, options = rest[0], _options(rest[1:])
    if allowed(access, who, "/access/groups", wanted, every=False):
        return True
    if options.get("groups_param"):
        groups = [g for g in re.split(r"[,;\s]+", str(params.get("groups") or "")) if g]
        if groups and all(
            allowed(access, who, f"/access/groups/{g}", wanted, every=False) for g in groups
        ):
            return True
    else:
        userid = params.get("userid")
        for name, row in access.groups.items():
            path = f"/access/groups/{name}"
            if userid in row["users"] and allowed(access, who, path, wanted, every=False):
                return True
    return _fail(quiet, f"/access/groups, {'|'.join(wanted)}")


def login_capabilities(access: Access, who: str) -> dict[str, dict[str, int]]:
    """Sum up by area what a login may do anywhere, for the user interface."""
    words = {
        "vms": r"VM\.|Permissions\.Modify",
        "storage": r"Datastore\.|Permissions\.Modify",
        "access": r"(?:User|Group|Permissions)\.",
        "nodes": r"Sys\.|Permissions\.Modify",
        "sdn": r"SDN\.|Permissions\.Modify",
        "dc": r"Sys\.Audit|Sys\.Modify|SDN\.",
        "mapping": r"Mapping\.|Permissions\.Modify",
    }
    found: dict[str, dict[str, int]] = {area: {} for area in AREAS}
    roots = {"access": "/access", "dc": "/", "mapping": "/mapping", "nodes": "/nodes"}
    for path in interesting_paths(access):
        held = permissions(access, who, path)
        for area in AREAS:
            root = roots.get(area, f"/{area}")
            below = path in {"/", root} or path.startswith(f"{root}/")
            if not below and not (path.startswith("/pool") and area in {"vms", "storage"}):
                continue
            found[area] |= {p: 1 for p in held if re.match(words[area], p)}
    return found


def interesting_paths(access: Access) -> list[str]:
    """List the paths an answer about all permissions shows."""
    fixed = ["/", "/access", "/access/groups", "/nodes", "/pool", "/sdn", "/storage", "/vms"]
    named: list[str] = []
    for path in dict.fromkeys(row["path"] for row in access.acl):
        parts = path.strip("/").split("/")
        named += ["/" + "/".join(parts[: n + 1]) for n in range(len(parts))]
    for pool in access.pools.values():
        named += [f"/vms/{v}" for v in pool["vms"]] + [f"/storage/{s}" for s in pool["storage"]]
    return sorted(dict.fromkeys([*fixed, *named]))
