# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reader of the vendor's user.cfg text, in which seeds and tests may state access rules."""

from __future__ import annotations

from .model import Access
from .permissions import normalize_path


def parse(text: str) -> Access:
    """Read users, tokens, groups, roles, pools and access rules."""
    access = Access()
    for line in text.splitlines():
        kind, *fields = line.strip().split(":")
        reader = READERS.get(kind)
        if reader:
            reader(access, [*fields, *[""] * 8])
    return access


def _words(text: str) -> list[str]:
    return [word for word in text.split(",") if word]


def _user(access: Access, row: list[str]) -> None:
    access.users[row[0]] = {
        "enable": int(row[1] or 0),
        "expire": int(row[2] or 0),
        "firstname": row[3],
        "lastname": row[4],
        "email": row[5],
        "comment": row[6],
        "tokens": {},
        "password": None,
    }


def _token(access: Access, row: list[str]) -> None:
    owner, _, name = row[0].partition("!")
    if owner in access.users:
        access.users[owner]["tokens"][name] = {
            "expire": int(row[1] or 0),
            "privsep": int(row[2] or 0),
            "comment": row[3],
            "secret": None,
        }


def _group(access: Access, row: list[str]) -> None:
    access.groups[row[0]] = {"users": _words(row[1]), "comment": row[2]}


def _role(access: Access, row: list[str]) -> None:
    access.custom_roles[row[0]] = _words(row[1])


def _pool(access: Access, row: list[str]) -> None:
    access.pools[row[0]] = {
        "comment": row[1],
        "vms": [int(v) for v in _words(row[2])],
        "storage": _words(row[3]),
    }


def _acl(access: Access, row: list[str]) -> None:
    path = normalize_path(row[1])
    if path is None:
        return
    for who in _words(row[2]):
        kind = "group" if who.startswith("@") else "token" if "!" in who else "user"
        for role in _words(row[3]):
            access.acl.append(
                {
                    "path": path,
                    "propagate": int(row[0] or 0),
                    "type": kind,
                    "ugid": who.removeprefix("@"),
                    "roleid": role,
                }
            )


READERS = {
    "user": _user,
    "token": _token,
    "group": _group,
    "role": _role,
    "pool": _pool,
    "acl": _acl,
}
