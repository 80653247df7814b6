# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: BSD-2-Clause
"""What a module is declared as: a Resource, an Action, a Query or a raw Api, all data.

The engine knows no platform. It talks to one through two seams that are drawn here: a
``Platform`` (how to connect) and an operations class (how to find and change objects of one
kind). Everything a user sees is derived from these declarations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from .field import Field
from .plan import Plan

RISKS = ("read", "write", "disruptive", "destructive")


@dataclass(frozen=True)
class Raise:
    """Raise the risk to ``to`` when ``option`` has one of ``values`` (none: when it is set)."""

    option: str
    to: str
    values: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Risk:
    """The risk class of a call, from its resolved arguments (design, policy)."""

    base: str
    raises: tuple[Raise, ...] = ()

    def __post_init__(self) -> None:
        """Refuse an unknown class."""
        for word in (self.base, *(item.to for item in self.raises)):
            if word not in RISKS:
                raise ValueError(f"unknown risk {word!r}")


@dataclass(frozen=True)
class Operation:
    """One write that was sent: the call, the platform's id of the operation, seconds it took."""

    call: str
    id: str | None
    seconds: float


@dataclass(frozen=True)
class Access:
    """What the engine hands to a platform when it connects.

    ``read_only`` clients refuse every write before a byte leaves. ``secret`` registers a value
    that must never be returned; ``record`` notes a write that was sent; ``warn`` tells the user.
    """

    read_only: bool
    warn: Callable[[str], None]
    secret: Callable[[str], None]
    record: Callable[[Operation], None]


@dataclass(frozen=True)
class Wait:
    """Whether to wait for the end of an operation, and for how many seconds at most."""

    enabled: bool = True
    timeout: float = 600.0


class Operations(Protocol):
    """How to find and change objects of one kind on one platform.

    An *actual* is a mapping in the resource's own field names plus ``_``-prefixed keys that only
    the operations class reads (ids, digests, the node), and two that the engine reads:
    ``_label`` (how to name the object to a person) and ``_pending`` (field name to value: what
    is configured, and so compared, but takes effect only after a restart). ``state`` of a guest
    is ``running``, ``stopped``, ``paused`` … in the fleet's words.
    ``desired`` holds the options the user gave, and the defaults of those that have one.
    """

    def __init__(self, client: Any, desired: Mapping[str, Any], wait: Wait) -> None: ...

    def find(self) -> Sequence[Mapping[str, Any]]:
        """Return every object that the identity in ``desired`` matches: none, one or several."""

    def create(self, plan: Plan) -> None:
        """Create what ``plan.after`` says, wait for it, and leave the power state alone."""

    def update(self, actual: Mapping[str, Any], plan: Plan) -> None:
        """Write exactly ``plan.changes``."""

    def delete(self, actual: Mapping[str, Any]) -> None:
        """Delete the object and wait until it is gone."""

    def power(self, actual: Mapping[str, Any], state: str) -> None:
        """Bring a guest to ``running`` or ``stopped``, and wait for it."""

    def settle(self, actual: Mapping[str, Any] | None) -> bool | None:
        """Wait out what a write with a lost answer may have started; called before reading back.

        Return True or False when it is known whether that write was applied, else None. Only
        what the object itself cannot show (a restart) needs an answer.
        """

    def report(self, actual: Mapping[str, Any]) -> dict[str, Any]:
        """Return the normalised object as the module returns it, without secrets."""


class Performing(Protocol):
    """What an Action needs of its operations class; it is constructed as ``Operations`` are."""

    def find(self) -> Sequence[Mapping[str, Any]]:
        """Return every object that the identity in ``desired`` matches."""

    def perform(self, actual: Mapping[str, Any], transition: Transition) -> None:
        """Do it once, and wait for the end."""

    def settle(self, actual: Mapping[str, Any] | None) -> bool | None:
        """Wait out a write with a lost answer, as in ``Operations``."""

    def report(self, actual: Mapping[str, Any]) -> dict[str, Any]:
        """Return the normalised object, without secrets."""


class Reading(Protocol):
    """What a Query needs of its operations class."""

    def rows(self) -> Iterator[Mapping[str, Any]]:
        """Return reported objects in a stable order, already filtered."""


class Calling(Protocol):
    """What an Api needs of its operations class."""

    def risk(self) -> str:
        """Validate the call against the catalog, and return its risk class."""

    def call(self) -> Any:
        """Send the call, wait for its operation, and return its answer."""


class Connect(Protocol):
    """Open a client from the connection options; the context closes it."""

    def __call__(self, params: Mapping[str, Any], access: Access) -> AbstractContextManager[Any]:
        """Return the context; ``params`` are the connection options, None where not given."""


@dataclass(frozen=True)
class Platform:
    """One kind of cloud: its name, its connection options, and how to connect."""

    name: str
    title: str
    connection: tuple[Field, ...]
    connect: Connect
    mutually_exclusive: tuple[tuple[str, ...], ...] = ()
    required_together: tuple[tuple[str, ...], ...] = ()
    requirements: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Declaration:
    """What every module has. The first given ``identity`` finds the object. Equals only itself."""

    name: str
    summary: str
    platform: Platform
    operations: type[Any]
    fields: tuple[Field, ...] = ()
    description: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    identity: tuple[str, ...] = ()
    risk: Risk = Risk("read")
    returns: tuple[Field, ...] = ()
    version_added: str = "0.1.0"
    kind: ClassVar[str] = ""
    writes: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Refuse a declaration that contradicts itself."""
        names = [item.name for item in self.fields]
        if len(names) != len(set(names)):
            raise ValueError(f"{self.name}: a field is declared twice")
        for name in self.identity:
            if name not in names:
                raise ValueError(f"{self.name}: identity {name!r} is not a field")

    def field(self, name: str) -> Field:
        """Return the field of that name; KeyError when there is none."""
        for item in self.fields:
            if item.name == name:
                return item
        raise KeyError(name)


@dataclass(frozen=True, eq=False)
class Resource(Declaration):
    """A kind of remote object that a state module creates, changes and deletes.

    ``states`` are the values of ``state``: always present and absent, for guests also started
    and stopped. ``request_budget`` is the most requests an unchanged object may cost.
    """

    kind: ClassVar[str] = "state"
    states: tuple[str, ...] = ("present", "absent")
    request_budget: int = 2
    wait_timeout: int = 600

    def __post_init__(self) -> None:
        """Refuse a resource that contradicts itself."""
        super().__post_init__()
        if not self.identity:
            raise ValueError(f"{self.name}: a resource needs an identity")
        for item in self.fields:
            if item.role == "compared" and item.default is not None:
                raise ValueError(f"{self.name}: {item.name} is compared and cannot have a default")

    @property
    def compared(self) -> tuple[Field, ...]:
        """Return the fields that are desired state."""
        return tuple(item for item in self.fields if item.role == "compared")


@dataclass(frozen=True)
class Transition:
    """One value of ``state`` of an Action.

    ``satisfied_by`` are the actual states in which nothing needs doing (empty: it always acts,
    as a restart does). ``result`` is the state that must be seen afterwards. ``needs`` are the
    states in which it can be done at all (empty: in every one).
    """

    name: str
    result: str
    doc: str
    satisfied_by: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()
    risk: str = "write"


@dataclass(frozen=True, eq=False)
class Action(Declaration):
    """A module that moves an existing object between states (power).

    Its operations class has ``find``, ``report``, ``settle`` and
    ``perform(actual, transition) -> None``, which waits for the end. ``request_budget`` is the
    most requests that finding it in the wanted state may cost.
    """

    kind: ClassVar[str] = "action"
    transitions: tuple[Transition, ...] = ()
    request_budget: int = 2
    wait_timeout: int = 300

    def __post_init__(self) -> None:
        """Refuse an action that finds nothing or does nothing."""
        super().__post_init__()
        if not self.identity or not self.transitions:
            raise ValueError(f"{self.name}: an action needs an identity and transitions")

    def transition(self, state: str) -> Transition:
        """Return the transition to ``state``; KeyError when there is none."""
        for item in self.transitions:
            if item.name == state:
                return item
        raise KeyError(state)


@dataclass(frozen=True, eq=False)
class Query(Declaration):
    """An ``_info`` module. An empty list is a success.

    Its operations class has ``rows() -> Iterator[Mapping]``: reported objects, in a stable
    order, already filtered by the fields the user gave; the engine counts and cuts at ``limit``.
    ``desired["limit"]`` (0 for all) says how many are kept: later rows are only counted, so
    they need no details.
    """

    kind: ClassVar[str] = "info"
    writes: ClassVar[bool] = False


@dataclass(frozen=True, eq=False)
class Api(Declaration):
    """A raw ``_api`` module: one operation of the vendor's catalog, validated, waited for.

    Its operations class has ``risk() -> str``, which validates before anything is sent, and
    ``call() -> Any``, which becomes ``result``. What is not a read is not called in check mode.
    ``desired["operation"]`` is what the controller found in the catalog; see ``raw``.
    """

    kind: ClassVar[str] = "api"
