"""The containers' secrets: made once, added to, never changed, and never shown."""

import os
import re
import stat
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from local import secrets_folder
from local.errors import PlatformError
from local.home import ROOT, SERVICES


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "secrets"
    secrets_folder.fill(folder)
    return folder


def contents(folder: Path) -> dict[str, str]:
    return {
        file.name: file.read_text(encoding="utf-8") for file in folder.iterdir() if file.is_file()
    }


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


class TestFolder:
    def test_holds_every_file_that_the_compose_files_name(self, folder):
        named = {
            Path(secret["file"]).name
            for file in (ROOT / "compose").glob("*.yaml")
            for secret in (
                yaml.safe_load(file.read_text(encoding="utf-8")).get("secrets") or {}
            ).values()
        }
        assert len(named) > 20
        assert named <= set(contents(folder))

    def test_lets_its_owner_in_alone_and_every_user_read_a_file(self, folder):
        assert mode(folder) == 0o700
        assert {mode(folder / name) for name in contents(folder)} == {0o444}

    def test_has_room_for_the_gateways_certificates(self, folder):
        assert mode(folder / "tls") == 0o777

    def test_holds_no_secret_twice(self, folder):
        texts = [text for name, text in contents(folder).items() if text and name != "mail_url"]
        assert len(texts) == len(set(texts))


class TestFilledAgain:
    def test_changes_nothing(self, folder):
        before = contents(folder)
        inodes = {name: (folder / name).stat().st_ino for name in before}
        assert secrets_folder.fill(folder) == []
        assert contents(folder) == before
        # A container keeps the file that it opened.
        assert {name: (folder / name).stat().st_ino for name in before} == inodes

    def test_keeps_what_an_operator_wrote(self, folder):
        file = folder / "mail_url"
        file.chmod(0o600)
        file.write_text("smtp://mailpit:1025\n", encoding="utf-8")
        secrets_folder.fill(folder)
        assert file.read_text(encoding="utf-8") == "smtp://mailpit:1025\n"
        assert mode(file) == 0o444

    def test_lets_containers_read_what_a_call_that_was_cut_off_left_private(self, folder):
        (folder / "broker.acl").chmod(0o600)
        secrets_folder.fill(folder)
        assert mode(folder / "broker.acl") == 0o444

    def test_makes_anew_what_is_made_of_others_and_is_no_text(self, folder):
        before = contents(folder)
        (folder / "broker.acl").chmod(0o600)
        (folder / "broker.acl").write_bytes(b"\xff\xfe")
        secrets_folder.fill(folder)
        assert contents(folder) == before

    def test_leaves_what_may_be_empty(self, folder):
        assert (folder / "auth.secret_key_fallbacks").read_bytes() == b""
        assert secrets_folder.fill(folder) == []

    def test_adds_what_is_missing(self, folder):
        before = contents(folder)
        (folder / "order.secret_key").unlink()
        assert secrets_folder.fill(folder) == ["order.secret_key"]
        after = contents(folder)
        assert after.pop("order.secret_key") != before.pop("order.secret_key")
        assert after == before

    def test_closes_a_folder_that_was_opened(self, folder):
        folder.chmod(0o755)
        secrets_folder.fill(folder)
        assert mode(folder) == 0o700

    def test_gives_the_broker_the_password_of_a_new_url(self, folder):
        before = (folder / "broker.acl").read_text(encoding="utf-8")
        (folder / "order.broker_url").unlink()
        (folder / "order.broker_url").write_text(
            "redis://order:n%2Fw@broker:6379/0", encoding="utf-8"
        )
        secrets_folder.fill(folder)
        after = (folder / "broker.acl").read_text(encoding="utf-8")
        assert sha256(b"n/w").hexdigest() in after
        changed = set(before.splitlines()) ^ set(after.splitlines())
        assert {line.split()[1] for line in changed} == {"order"}


class TestContents:
    @pytest.mark.parametrize("service", SERVICES)
    def test_give_a_service_a_role_of_its_own(self, folder, service):
        url = urlsplit((folder / f"{service}.database_url").read_text(encoding="utf-8"))
        assert (url.username, url.hostname) == (f"souk_{service}", f"{service}-database")
        assert url.path == f"/souk_{service}"

    @pytest.mark.parametrize("service", SERVICES)
    @pytest.mark.parametrize("engine", ["broker", "cache"])
    def test_name_a_service_to_the_engines_by_its_digest_alone(self, folder, service, engine):
        password = urlsplit(
            (folder / f"{service}.{engine}_url").read_text(encoding="utf-8")
        ).password
        lines = (folder / f"{engine}.acl").read_text(encoding="utf-8").splitlines()
        assert password is not None
        (line,) = [one for one in lines if one.startswith(f"user {service} ")]
        assert sha256(password.encode()).hexdigest() in line
        assert password not in line

    @pytest.mark.parametrize("client", ["catalog", "order"])
    def test_tell_auth_the_hash_of_a_clients_secret(self, folder, client):
        secret = (folder / f"{client}.client_secret").read_bytes()
        hashes = (folder / f"auth.{client}_client_secret_hashes").read_text(encoding="utf-8")
        assert hashes == sha256(secret).hexdigest()


class TestRefused:
    def test_is_a_url_without_a_password_and_it_is_not_shown(self, folder):
        file = folder / "auth.cache_url"
        file.unlink()
        file.write_text("redis://cache:6379/0", encoding="utf-8")
        with pytest.raises(PlatformError) as error:
            secrets_folder.fill(folder)
        assert (
            str(error.value)
            == f"{file} holds no URL with a password; remove it and run this again."
        )

    @pytest.mark.parametrize("name", ["auth.secret_key", "catalog.client_secret", "mail_url"])
    def test_is_a_secret_that_is_empty(self, folder, name):
        (folder / name).chmod(0o600)
        (folder / name).write_text("\n", encoding="utf-8")
        with pytest.raises(PlatformError) as error:
            secrets_folder.fill(folder)
        assert (
            str(error.value)
            == f"{folder / name} is empty; remove it or write it, and run this again."
        )

    def test_is_a_folder_in_a_files_place(self, folder):
        (folder / "mail_url").unlink()
        (folder / "mail_url").mkdir()
        with pytest.raises(PlatformError) as error:
            secrets_folder.fill(folder)
        assert str(error.value) == f"{folder}/mail_url is no file; remove it and run this again."

    @pytest.mark.parametrize(
        ("arguments", "code"), [(["-h"], 0), (["--help"], 0), (["-x"], 1), (["a", "b"], 1)]
    )
    def test_is_what_is_no_folder(self, tmp_path, monkeypatch, capsys, arguments, code):
        monkeypatch.chdir(tmp_path)
        assert secrets_folder.main(arguments) == code
        assert capsys.readouterr().err.startswith("usage: ")
        assert list(tmp_path.iterdir()) == []

    def test_is_a_place_that_cannot_be_written(self, tmp_path, capsys):
        (tmp_path / "file").touch()
        assert secrets_folder.main([str(tmp_path / "file" / "secrets")]) == 1
        assert capsys.readouterr().err == (
            f"The secrets cannot be written: {tmp_path}/file/secrets: Not a directory.\n"
        )


class TestCommand:
    def test_needs_nothing_installed_and_prints_no_secret(self, tmp_path):
        folder = tmp_path / "secrets"
        # -S: without site-packages.
        command = [sys.executable, "-S", "-m", "local.secrets_folder", str(folder)]
        environment = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
        finished = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        assert finished.returncode == 0, finished.stderr
        assert re.search(r"secrets: \d+ secrets made, 0 already there", finished.stdout)
        assert not [
            name for name, text in contents(folder).items() if text and text in finished.stdout
        ]
