# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's reader: where the file is, whose secrets it takes, what a target becomes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils.engine.errors import ValidationFailed
from plugins.plugin_utils.action import connected
from plugins.plugin_utils.targets import Target, find, location

SECRET = "5f1d3c9e-canary"
HEAD = "targets:\n  lab:\n    platform: proxmox\n    url: https://pve:8006\n    credential: "


def no_vault(_ciphertext: str) -> str:
    raise AssertionError("no vault value in this file")


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    def write_file(credential: str) -> Path:
        path = tmp_path / "targets.yml"
        path.write_text(HEAD + credential + "\n")
        path.chmod(0o600)
        return path

    return write_file


@pytest.fixture
def by_file(write: Callable[[str], Path]) -> Path:
    path = write("{token_id: root@pam!vb, token_secret_file: token}")
    token = path.with_name("token")
    token.write_text(SECRET + "\n")
    token.chmod(0o600)
    return path


def refused(path: Path, decrypt: Callable[[str], str] = no_vault) -> str:
    with pytest.raises(ValidationFailed) as refusal:
        find("lab", path, decrypt)
    assert SECRET not in refusal.value.message
    return refusal.value.message


def test_the_environment_names_the_file_before_the_users_configuration() -> None:
    assert location({"VIRTBRIDGE_TARGETS": "/etc/vb.yml"}) == Path("/etc/vb.yml")
    assert location({"XDG_CONFIG_HOME": "/c"}) == Path("/c/virtbridge/targets.yml")
    home = Path.home() / ".config/virtbridge/targets.yml"
    assert location({}) == home
    assert location({"XDG_CONFIG_HOME": "relative"}) == home


def test_a_relative_path_in_the_environment_is_refused() -> None:
    with pytest.raises(ValidationFailed, match="absolute path"):
        location({"VIRTBRIDGE_TARGETS": "targets.yml"})


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    message = refused(tmp_path / "none.yml")
    assert "There is no targets file at" in message
    assert "VIRTBRIDGE_TARGETS" in message


def test_an_unknown_target_names_the_nearest(by_file: Path) -> None:
    with pytest.raises(ValidationFailed, match="Unknown target labb; did you mean lab"):
        find("labb", by_file, no_vault)


def test_a_secret_file_is_read_without_its_last_line_break(by_file: Path) -> None:
    target = find("lab", by_file, no_vault)
    assert target.credential == {"token_id": "root@pam!vb", "token_secret": SECRET}
    assert SECRET not in repr(target)
    assert SECRET not in str(target)


def test_a_targets_file_is_not_nested_without_end(write: Callable[[str], Path]) -> None:
    """Red when the loader is given it as it is: that ends the process."""
    levels = 100_000
    assert "nested deeper than 32 levels" in refused(write("[" * levels + "]" * levels))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610])
def test_a_secret_file_that_others_may_use_is_refused(by_file: Path, mode: int) -> None:
    by_file.with_name("token").chmod(mode)
    assert f"has mode {mode:04o}" in refused(by_file)


def test_a_link_to_a_secret_is_refused(by_file: Path) -> None:
    token = by_file.with_name("token")
    token.rename(token.with_name("real"))
    token.symlink_to("real")
    assert "symbolic link" in refused(by_file)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_secret_file_of_another_user_is_refused(by_file: Path) -> None:
    os.chown(by_file.with_name("token"), 65534, 65534)
    assert "belongs to another user" in refused(by_file)


def make_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir(mode=0o700)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.write_text(""), "is empty"),
        (lambda path: path.write_bytes(b"\xff\xfe"), "is not UTF-8 text"),
        (lambda path: path.write_bytes(b"x" * (65 << 10)), "is larger than"),
        (lambda path: path.unlink(), "No such file"),
        (make_folder, "is not a regular file"),
        (make_pipe, "is not a regular file"),
    ],
    ids=["empty", "binary", "large", "missing", "folder", "pipe"],
)
def test_what_is_no_secret_is_refused(
    by_file: Path, make: Callable[[Path], Any], reason: str
) -> None:
    make(by_file.with_name("token"))
    message = refused(by_file)
    assert "targets.lab.credential.token_secret_file" in message
    assert reason in message


def test_a_key_file_of_a_target_is_as_private_as_a_secret(by_file: Path) -> None:
    text = (
        "targets: {lab: {platform: kubevirt, url: 'https://k:6443', credential: "
        "{client_cert_file: cert.pem, client_key_file: key.pem}}}\n"
    )
    by_file.write_text(text)
    key = by_file.with_name("key.pem")
    key.write_text("a key")
    key.chmod(0o644)
    by_file.with_name("cert.pem").write_text("a certificate")
    by_file.with_name("cert.pem").chmod(0o644)
    assert "client_key_file" in (told := refused(by_file))
    assert "mode 0644" in told and "cert_file" not in told
    key.chmod(0o600)
    assert find("lab", by_file, no_vault).credential == {
        "client_cert_file": str(by_file.with_name("cert.pem")),
        "client_key_file": str(key),
    }


def test_addresses_are_a_list(by_file: Path) -> None:
    by_file.write_text(by_file.read_text().replace("url: https://pve:8006", "urls: https://pve"))
    message = refused(by_file)
    assert "targets.lab.urls: expected" in message
    assert "urls[0]" not in message


def test_a_targets_file_has_a_largest_size(by_file: Path) -> None:
    with by_file.open("a") as file:
        file.write("#" * (2 << 20))
    assert "is larger than" in refused(by_file)


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_a_targets_file_that_others_may_change_is_refused(by_file: Path, mode: int) -> None:
    by_file.chmod(mode)
    assert "choose where your credentials are sent" in refused(by_file)


def test_a_secret_may_come_from_the_environment(
    write: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write("{username: root@pam, password_env: VB_TEST_PASSWORD}")
    assert "VB_TEST_PASSWORD is not set" in refused(path)
    monkeypatch.setenv("VB_TEST_PASSWORD", "")
    assert "VB_TEST_PASSWORD is empty" in refused(path)
    monkeypatch.setenv("VB_TEST_PASSWORD", SECRET)
    assert find("lab", path, no_vault).credential["password"] == SECRET


def test_the_secrets_of_other_targets_are_left_alone(by_file: Path) -> None:
    text = by_file.read_text()
    other = text.replace("targets:\n", "").replace("lab:", "other:").replace(": token}", ": gone}")
    by_file.write_text(text + other)
    assert find("lab", by_file, no_vault).credential["token_secret"] == SECRET
    with pytest.raises(ValidationFailed, match=r"targets\.other\.credential"):
        find("other", by_file, no_vault)


def test_a_vault_value_is_decrypted_and_a_failure_quotes_nothing(
    write: Callable[[str], Path],
) -> None:
    path = write("\n      token_id: root@pam!vb\n      token_secret: !vault $ANSIBLE_VAULT;1.1;A")

    def fails(ciphertext: str) -> str:
        raise ValueError(f"{ciphertext} {SECRET}")

    assert find("lab", path, lambda _text: SECRET).credential["token_secret"] == SECRET
    message = refused(path, fails)
    assert "--vault-password-file" in message
    assert "ANSIBLE_VAULT" not in message


def test_addresses_keep_the_port_that_a_url_means() -> None:
    urls = ("https://pve1:8006", "https://[2001:db8::1]:8006/", "https://pve3")
    assert target_of(urls=urls).addresses == ["pve1:8006", "[2001:db8::1]:8006", "pve3:443"]


def target_of(**settings: Any) -> Target:
    given: dict[str, Any] = {
        "name": "lab",
        "platform": "proxmox",
        "urls": ("https://pve:8006",),
        "verify_tls": True,
        "ca_file": "/ca.pem",
        "fingerprint": None,
        "proxy": None,
        "timeout": None,
        "labels": {},
        "read_only": False,
        "credential": {"token_id": "root@pam!vb", "token_secret": SECRET},
    }
    return Target(**given | settings)


def test_a_target_becomes_every_connection_option() -> None:
    options = connected({"name": "web"}, target_of(), {})
    assert options == {
        "name": "web",
        "api_host": ["pve:8006"],
        "api_token_id": "root@pam!vb",
        "api_token_secret": SECRET,
        "api_user": None,
        "api_password": None,
        "api_totp": None,
        "validate_certs": True,
        "ca_path": "/ca.pem",
        "fingerprint": None,
        "proxy": None,
        "timeout": None,
    }


def test_what_the_task_gives_wins_over_the_target() -> None:
    options = connected({"timeout": 5, "ca_path": None}, target_of(timeout=60), {})
    assert (options["timeout"], options["ca_path"]) == (5, "/ca.pem")


def test_a_credential_comes_from_one_source_as_a_whole() -> None:
    given = {"api_user": "me@pam", "api_password": "mine"}
    options = connected(given, target_of(), {})
    assert (options["api_token_id"], options["api_token_secret"]) == (None, None)
    assert options["api_user"] == "me@pam"


@pytest.mark.parametrize("place", [{"api_host": ["evil:8006"]}, {"api_port": 1}])
def test_another_place_beside_a_target_is_refused(place: dict[str, Any]) -> None:
    with pytest.raises(ValidationFailed, match="go to no other host"):
        connected(place, target_of(), {})


def test_a_target_wins_over_a_place_and_credential_of_module_defaults() -> None:
    defaults = {"api_host": ["old:8006"], "api_user": "me@pam", "api_password": "mine"}
    options = connected({**defaults}, target_of(), defaults)
    assert options["api_host"] == ["pve:8006"]
    assert (options["api_user"], options["api_token_secret"]) == (None, SECRET)
