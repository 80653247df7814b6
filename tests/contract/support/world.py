# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the generated suite must know about a platform, and where each platform says it."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from plugins.module_utils.engine.resource import Declaration, Resource
from tools.declarations import Declared, load

from .child import Result, run_module

HERE = Path(__file__).resolve().parent.parent


class World(ABC):
    """One platform with objects in it. ``tests/contract/<platform>/adapter.py`` defines one.

    Its module has ``start() -> AbstractContextManager[World]``; the suite calls ``reset``
    before each test, and the same world serves many tests.
    """

    base: Mapping[str, Any]
    """Connection options that work."""
    wrong_credentials: Mapping[str, Any]
    """Connection options that the platform refuses."""
    unreachable: Mapping[str, Any]
    """Connection options of an endpoint where nothing listens."""

    def run(self, declaration: Declaration, args: Mapping[str, Any], **how: Any) -> Result:
        """Run the module with working connection options; those in ``args`` win."""
        return run_module(declaration.name, {**self.base, **args}, **how)

    @abstractmethod
    def reset(self) -> None:
        """Start again from the seed, without faults and journal."""

    @abstractmethod
    def forget(self) -> None:
        """Empty the journal."""

    @abstractmethod
    def requests(self) -> list[str]:
        """Return the requests since, without logins."""

    @abstractmethod
    def writes(self) -> list[str]:
        """Return the writes among them."""

    @abstractmethod
    def snapshot(self) -> Any:
        """Return all objects, comparable."""

    def count(self) -> int:
        """Return how many objects there are of all kinds that the suite creates."""
        return len(self.snapshot())

    @abstractmethod
    def lose_answer(self, *, applied: bool, count: int = 1) -> None:
        """Cut the next writes' answers off, after or before they are applied."""

    @abstractmethod
    def hang_write(self) -> None:
        """Apply the next write, and never answer it."""

    @abstractmethod
    def fail_operation(self) -> str:
        """Let the next operation fail; return a piece of what its log then says."""

    @abstractmethod
    def in_state(self, declaration: Declaration) -> Mapping[str, Mapping[str, Any]]:
        """Return identities of seeded objects, by the state they are in."""

    @abstractmethod
    def twins(self, declaration: Declaration) -> Mapping[str, Any] | None:
        """Return an identity that two objects have; None where names are unique."""

    @abstractmethod
    def unknown(self, declaration: Declaration) -> Mapping[str, Any]:
        """Return an identity that no object has."""

    def new(self, resource: Resource) -> Mapping[str, Any]:
        """Return the options that create an object which the seed does not have."""
        raise NotImplementedError(f"{resource.name}: the adapter must say how to create one")

    def failing(self, resource: Resource) -> Mapping[str, Any]:
        """Return the options of a run whose operation can fail; to create one, unless told."""
        return self.new(resource)

    def call(self, declaration: Declaration, *, writes: bool) -> Mapping[str, Any]:
        """Return the options of a raw call that reads, or one that starts an operation."""
        raise NotImplementedError(f"{declaration.name}: the adapter must say what to call")


def everything() -> tuple[Declared, ...]:
    """Return all declarations that run as modules of their own, and the suite's own platform."""
    own = importlib.import_module("tests.contract.tiny.adapter").DECLARED
    return (*(each for each in load() if not each.is_facade), *own)


def of_kind(kind: str) -> list[Declared]:
    """Return the declarations of one kind."""
    return [each for each in everything() if each.declaration.kind == kind]


def has_adapter(platform: str) -> bool:
    """Whether the platform has said how to test it."""
    return (HERE / platform / "adapter.py").is_file()


def start(platform: str) -> AbstractContextManager[World]:
    """Start the world of a platform."""
    module = importlib.import_module(f"tests.contract.{platform}.adapter")
    world: AbstractContextManager[World] = module.start()
    return world
