# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a modelled command gets and how it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .catalog import Command
from .errors import PARAMETER, PERMISSION, ApiError, unmodelled
from .model import Cloud, Row, stamp
from .scope import visible

if TYPE_CHECKING:
    from .simulator import CloudStackSimulator

View = Callable[["Call", Row], Row]


@dataclass
class Call:
    """One command of one caller, with typed parameters."""

    sim: CloudStackSimulator
    command: Command
    params: Mapping[str, Any]
    user: Row

    @property
    def state(self) -> Cloud:
        """The cloud."""
        cloud: Cloud = self.sim.state
        return cloud

    @property
    def now(self) -> float:
        """The virtual time."""
        return self.sim.clock.now()

    @property
    def stamp(self) -> str:
        """The virtual time as the server writes it."""
        return stamp(self.now)

    @property
    def account(self) -> Row:
        """The account of the caller."""
        return self.state.get("accounts", self.user["accountid"])

    def get(self, name: str, default: Any = None) -> Any:
        """Return a parameter."""
        value = self.params.get(name, default)
        return default if value is None else value

    def row(self, table: str, name: str = "id") -> Row:
        """Return the object that a parameter names, if the caller may use it."""
        row = self.state.get(table, self.params.get(name))
        if not row:
            text = f"Unable to find {table.rstrip('s')} with specified id"
            raise ApiError(PARAMETER, text)
        if "accountid" in row and not visible(self.state, self.user, row):
            text = f"{self.account['name']} does not have permission to operate with resource"
            raise ApiError(PERMISSION, text)
        return row

    def listed(self, key: str, rows: Iterable[Row], view: View) -> Row:
        """Answer a list: the page that was asked for, nothing at all when it is empty."""
        found = list(rows)
        start, end = self._page()
        if self.get("retrieveonlyresourcecount"):
            return {"count": len(found)} if found else {}
        page = found[start:end]
        if not page:
            return {"count": len(found)} if found and start else {}
        return {"count": len(found), key: [view(self, row) for row in page]}

    def _page(self) -> tuple[int, int | None]:
        page, size = self.params.get("page"), self.params.get("pagesize")
        if size == -1:
            return 0, None
        for name, missing, other in (("page", page, "pagesize"), ("pagesize", size, "page")):
            if missing is None and self.params.get(other) is not None:
                text = f'"{name}" parameter is required when "{other}" is specified'
                raise ApiError(PARAMETER, text)
        if page is None or size is None:
            return 0, self.sim.page_limit
        if size > self.sim.page_limit:
            text = f"Page size can not exceed max allowed list size value: {self.sim.page_limit}"
            raise ApiError(PARAMETER, text)
        first = (max(page, 1) - 1) * size
        return first, first + size

    def job(self, key: str, effect: Callable[[], Any], **more: Any) -> Row:
        """Answer with a job that runs `effect`; `more` as in `Jobs.start`."""
        return self.sim.jobs.start(self, key, effect, **more)


Handler = Callable[[Call], Row]


@dataclass(frozen=True)
class Model:
    """How a command is answered, and which of its parameters the answer heeds."""

    handler: Handler
    heeds: frozenset[str]

    def answer(self, call: Call) -> Row:
        """Answer; a parameter that is not heeded is refused, not passed over."""
        for name, value in call.params.items():
            if value != "" and name not in self.heeds and name not in _ANYWHERE:
                raise unmodelled(f"Parameter {name} of {call.command.name}")
        return self.handler(call)


MODELLED: dict[str, Model] = {}
OWNER = "account domainid projectid"
PAGED = "keyword page pagesize"
LIST = f"{PAGED} listall isrecursive {OWNER}"
# These change only what a user interface shows.
_ANYWHERE = frozenset({"customjobid", "displayvm", "displayvolume", "fordisplay", "showicon"})


def command(name: str, heeds: str = "") -> Callable[[Handler], Handler]:
    """Register the model of a command, which heeds the named parameters."""

    def register(handler: Handler) -> Handler:
        MODELLED[name.lower()] = Model(handler, frozenset(heeds.split()))
        return handler

    return register


def given(call: Call, row: Row, *names: str) -> bool:
    """Whether a row agrees with those of the named parameters that are given."""
    return all(call.params.get(name) in (None, row.get(name)) for name in names)


def keyword(call: Call, row: Row, *names: str) -> bool:
    """Whether the keyword, if any, is in one of the row's texts."""
    word = str(call.get("keyword", "")).lower()
    return not word or any(word in str(row.get(name) or "").lower() for name in names)


def tagged(call: Call, row: Row) -> bool:
    """Whether a row has all the tags that are asked for."""
    tags = row.get("tags") or {}
    return all(tags.get(key) == value for key, value in call.get("tags", {}).items())


def tag_views(row: Row, owner: Row) -> list[Row]:
    """Return a row's tags as answers show them."""
    return [
        {"key": key, "value": value, "resourceid": row["id"], **owner}
        for key, value in (row.get("tags") or {}).items()
    ]
