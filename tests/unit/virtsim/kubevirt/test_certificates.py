# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Client certificates as the Python kubernetes client shows them: who one is, who is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client
from kubernetes.client import ApiException

import virtsim
from virtsim.core.tls import Subject
from virtsim.kubevirt.auth import CERTIFICATES, READERS

ADMIN = CERTIFICATES["client"]
Show = Callable[..., client.ApiClient]


@pytest.fixture
def show(sim: virtsim.SimServer, tmp_path: Path) -> Show:
    def make(
        subject: Subject | None = None, kind: str = "valid", token: str = ""
    ) -> client.ApiClient:
        configuration = client.Configuration()
        configuration.host = sim.url
        configuration.ssl_ca_cert = str(sim.ca_file)
        if subject:
            assert sim.certificates is not None
            issued = sim.certificates.client(subject, kind)
            (tmp_path / "cert.pem").write_text(issued.certificate)
            (tmp_path / "key.pem").write_text(issued.key)
            configuration.cert_file = str(tmp_path / "cert.pem")
            configuration.key_file = str(tmp_path / "key.pem")
        if token:
            configuration.api_key = {"authorization": f"Bearer {token}"}
        return client.ApiClient(configuration)

    return make


def who(shown: client.ApiClient) -> tuple[str, list[str]]:
    """Return name and groups of who asks."""
    review = client.AuthenticationV1Api(shown).create_self_subject_review({})
    return review.status.user_info.username, review.status.user_info.groups


def status(call: Callable[[], Any]) -> int:
    with pytest.raises(ApiException) as caught:
        call()
    return int(caught.value.status)


def nodes(shown: client.ApiClient) -> Any:
    return client.CoreV1Api(shown).list_node().items


def test_name_and_organization_are_user_and_group(show: Show) -> None:
    assert who(show(ADMIN)) == ("virtsim-admin", ["system:masters", "system:authenticated"])
    assert len(nodes(show(ADMIN))) == 3
    jane = Subject("jane", "developers")
    assert who(show(jane)) == ("jane", ["developers", "system:authenticated"])
    assert status(lambda: nodes(show(jane))) == 403
    reader = show(Subject("joe", READERS))
    assert len(nodes(reader)) == 3
    assert status(lambda: client.CoreV1Api(reader).create_namespace({"metadata": {}})) == 403


@pytest.mark.parametrize("kind", ["expired", "foreign_ca"])
def test_one_that_is_not_accepted_is_a_401_and_not_anonymous(show: Show, kind: str) -> None:
    assert status(lambda: nodes(show(ADMIN, kind))) == 401
    assert status(lambda: nodes(show())) == 403


def test_certificate_and_token_are_asked_in_turn(sim: virtsim.SimServer, show: Show) -> None:
    reader = sim.credentials["reader_token"]
    assert who(show(ADMIN, token=reader))[0] == "virtsim-admin"
    assert who(show(ADMIN, token="nobody's"))[0] == "virtsim-admin"
    assert who(show(ADMIN, "expired", reader))[0].endswith(":virtsim-reader")
    assert status(lambda: nodes(show(ADMIN, "expired", "nobody's"))) == 401
    assert status(lambda: nodes(show(token="nobody's"))) == 401


def test_a_subject_without_a_name_is_anonymous(show: Show) -> None:
    assert status(lambda: nodes(show(Subject("", "system:masters")))) == 403
