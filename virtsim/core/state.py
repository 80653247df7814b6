# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""State that can be taken back: containers that remember how to undo each change.

Inside ``transaction()`` every change of a ``Dict``, ``List`` or ``Record`` notes its reverse;
when the block raises, the notes are played back. Plain dicts and lists become tracked ones
when they are put inside, so a platform writes ordinary Python. Reading costs nothing extra,
and a request pays only for what it changes, however large the state is.
A tracked value is still a ``dict`` or ``list``: ``json`` writes it, ``==`` compares it.
Not tracked: sets, and objects that are not a ``Record``. Put tuples and frozensets instead.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Generic, SupportsIndex, TypeVar

K = TypeVar("K")
V = TypeVar("V")
Undo = Callable[[], Any]
_MISSING = object()


class _Active(threading.local):
    undo: list[Undo] | None = None


_active = _Active()


class Transaction:
    """What a transaction did: ``changed`` tells whether anything tracked was touched."""

    def __init__(self, undo: list[Undo]) -> None:
        self._undo = undo

    @property
    def changed(self) -> bool:
        """Whether anything tracked was changed so far."""
        return bool(self._undo)


@contextmanager
def transaction() -> Iterator[Transaction]:
    """Undo every tracked change of this thread when the block raises.

    A transaction inside another one is undone with the outer one, too.
    """
    outer = _active.undo
    notes: list[Undo] = []
    _active.undo = notes
    try:
        yield Transaction(notes)
    except BaseException:
        _active.undo = None
        for undo in reversed(notes):
            undo()
        raise
    else:
        if outer is not None:
            outer.extend(notes)
    finally:
        _active.undo = outer


def on_rollback(undo: Undo) -> None:
    """Call ``undo`` when the running transaction is taken back; nothing outside of one."""
    if _active.undo is not None:
        _active.undo.append(undo)


def tracked(value: Any) -> Any:
    """Return ``value`` with plain dicts and lists (at any depth) made trackable."""
    if type(value) is dict:
        return Dict(value)
    if type(value) is list:
        return List(value)
    return value


class Dict(dict[K, V], Generic[K, V]):
    """A dict that can be taken back."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        for key, value in dict(*args, **kwargs).items():
            super().__setitem__(key, tracked(value))

    def _note_all(self) -> None:
        if _active.undo is not None:
            before = dict(self)

            def undo() -> None:
                dict.clear(self)
                dict.update(self, before)

            _active.undo.append(undo)

    def __setitem__(self, key: K, value: V) -> None:
        """Set one key; the value becomes trackable."""
        if _active.undo is not None:
            before: Any = self.get(key, _MISSING)
            if before is _MISSING:
                _active.undo.append(lambda: dict.pop(self, key, None))
            else:
                _active.undo.append(lambda: dict.__setitem__(self, key, before))
        super().__setitem__(key, tracked(value))

    def __delitem__(self, key: K) -> None:
        """Remove one key."""
        self._note_all()
        super().__delitem__(key)

    def __ior__(self, other: Any) -> Dict[K, V]:  # type: ignore[override,misc]  # dict overloads it
        """Update in place."""
        self.update(other)
        return self

    def pop(self, key: K, *default: Any) -> Any:
        """Remove one key and return its value."""
        self._note_all()
        return super().pop(key, *default)

    def popitem(self) -> tuple[K, V]:
        """Remove and return the newest pair."""
        self._note_all()
        return super().popitem()

    def clear(self) -> None:
        """Remove everything."""
        self._note_all()
        super().clear()

    def setdefault(self, key: K, default: Any = None) -> Any:
        """Return the value of ``key``, set to ``default`` when absent."""
        if key not in self:
            self[key] = default
        return self[key]

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Set many keys."""
        for key, value in dict(*args, **kwargs).items():
            self[key] = value


class List(list[V], Generic[V]):
    """A list that can be taken back."""

    def __init__(self, values: Iterable[V] = ()) -> None:
        super().__init__(tracked(value) for value in values)

    def _note_all(self) -> None:
        if _active.undo is not None:
            before = list(self)
            _active.undo.append(lambda: list.__setitem__(self, slice(None), before))

    def append(self, value: V) -> None:
        """Add one value at the end."""
        if _active.undo is not None:
            _active.undo.append(lambda: list.pop(self))
        super().append(tracked(value))

    def extend(self, values: Iterable[V]) -> None:
        """Add many values at the end."""
        for value in values:
            self.append(value)

    def __iadd__(self, values: Iterable[V]) -> List[V]:  # type: ignore[override,misc]  # list overloads it
        """Add many values at the end."""
        self.extend(values)
        return self

    def __setitem__(self, key: Any, value: Any) -> None:
        """Replace one value or a slice."""
        self._note_all()
        super().__setitem__(key, List(value) if isinstance(key, slice) else tracked(value))

    def __delitem__(self, key: SupportsIndex | slice) -> None:
        """Remove one value or a slice."""
        self._note_all()
        super().__delitem__(key)

    def insert(self, index: SupportsIndex, value: V) -> None:
        """Put one value before ``index``."""
        self._note_all()
        super().insert(index, tracked(value))

    def pop(self, index: SupportsIndex = -1) -> V:
        """Remove and return one value."""
        self._note_all()
        return super().pop(index)

    def remove(self, value: V) -> None:
        """Remove the first equal value."""
        self._note_all()
        super().remove(value)

    def clear(self) -> None:
        """Remove everything."""
        self._note_all()
        super().clear()

    def sort(self, **how: Any) -> None:
        """Sort in place."""
        self._note_all()
        super().sort(**how)

    def reverse(self) -> None:
        """Reverse in place."""
        self._note_all()
        super().reverse()


class Record:
    """Base of objects whose attributes can be taken back; works for dataclasses."""

    def __setattr__(self, name: str, value: Any) -> None:
        """Set one attribute; the value becomes trackable."""
        if _active.undo is not None:
            before = self.__dict__.get(name, _MISSING)
            if before is _MISSING:
                _active.undo.append(lambda: self.__dict__.pop(name, None))
            else:
                _active.undo.append(lambda: self.__dict__.__setitem__(name, before))
        super().__setattr__(name, tracked(value))


def plain(value: Any) -> Any:
    """Return ``value`` as plain JSON values: a deep copy that later changes do not touch."""
    if isinstance(value, Record):
        return plain(vars(value))
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, set | frozenset):
        return sorted(plain(inner) for inner in value)
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value
