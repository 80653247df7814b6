# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A prepared store is handed out once, of the file as it is now; what is useless does no harm."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from plugins.module_utils import trust


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[Path]:
    """Give a CA file that is old enough to be kept."""
    file = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(file))
    while time.time() - file.stat().st_ctime < 0.2:
        time.sleep(0.02)
    trust._prepared.clear()
    yield file
    trust._prepared.clear()


def test_a_prepared_store_is_nobody_elses(authority: Path) -> None:
    """Red when a store is lent twice: a client certificate put into it would be shown to others."""
    trust.prepare(str(authority))
    (prepared,) = trust._prepared.values()
    first, second = (trust.trusting(str(authority)) for _turn in range(2))
    assert first is prepared
    assert second is not prepared
    assert not trust._prepared
    for context in (first, second):
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname
        assert len(context.get_ca_certs()) == 1


def test_what_is_not_checked_loads_nothing() -> None:
    """Red with what urllib3 makes by itself: it loads all authorities of the system."""
    context = trust.unchecked()
    assert context.verify_mode is ssl.CERT_NONE
    assert context.get_ca_certs() == []


def test_a_young_or_useless_file_is_not_kept(
    authority: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Red without the wait: a second change within one tick of the clock would not be noticed."""
    young = tmp_path / "young.pem"
    young.write_bytes(authority.read_bytes())
    empty = tmp_path / "empty.pem"
    monkeypatch.setattr(trust, "_SETTLED", 60.0)
    trust.prepare(str(young))
    assert not trust._prepared
    monkeypatch.setattr(trust, "_SETTLED", 0.0)
    for path in (empty, tmp_path / "nothing.pem", tmp_path):
        trust.prepare(str(path))
    assert not trust._prepared
    trust.prepare(str(young))
    assert len(trust._prepared) == 1
    with pytest.raises(FileNotFoundError):
        trust.trusting(str(tmp_path / "nothing.pem"))


def test_only_so_many_are_kept_and_one_of_each_file(
    authority: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trust, "_MOST", 2)
    monkeypatch.setattr(trust, "_SETTLED", 0.0)
    trust.prepare(None)
    for number in range(3):
        authority.write_bytes(trustme.CA().cert_pem.bytes() * (number + 1))
        trust.prepare(str(authority))
    assert len(trust._prepared) == 2
    other = authority.with_name("other.pem")
    other.write_bytes(authority.read_bytes())
    trust.prepare(str(other))
    assert [Path(key[0]).name for key in trust._prepared] == ["ca.pem", "other.pem"]
