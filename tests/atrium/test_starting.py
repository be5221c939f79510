"""Starting the platform: no default secret, no default password, weak settings refused (D8, E1)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def manage(home: Path, *arguments: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("ATRIUM_", "DATABASE_", "REDIS_"))
    }
    return subprocess.run(
        [sys.executable, str(cwd / "manage.py"), *arguments],
        cwd=cwd,
        env={**kept, "ATRIUM_HOME": str(home), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_embedded_secret_is_made_once_and_private(tmp_path: Path) -> None:
    assert manage(tmp_path, "check").returncode == 0
    secret = tmp_path / "secret-key"
    first = secret.read_text()
    assert len(first) >= 50
    assert secret.stat().st_mode & 0o077 == 0
    manage(tmp_path, "check")
    assert secret.read_text() == first


def test_server_needs_a_secret_of_its_own(tmp_path: Path) -> None:
    refused = manage(tmp_path, "check", DATABASE_URL="postgres://nobody@127.0.0.1:1/x")
    assert refused.returncode != 0
    assert "ATRIUM_SECRET_KEY is required when DATABASE_URL is set" in refused.stderr


def test_deployment_check_is_clean(tmp_path: Path) -> None:
    done = manage(tmp_path, "check", "--deploy", "--fail-level", "WARNING", ATRIUM_HTTPS="1")
    assert done.returncode == 0, done.stderr


def test_stray_package_file_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "platform").mkdir()
    (tmp_path / "platform" / "__init__.py").touch()
    (tmp_path / "manage.py").write_text((ROOT / "manage.py").read_text())
    refused = manage(tmp_path, "check", cwd=tmp_path)
    assert refused.returncode == 1
    assert refused.stderr.strip() == (
        "platform/__init__.py must not exist: it would hide Python's own platform module. Delete the file."
    )


@pytest.mark.django_db
def test_new_people_have_no_password() -> None:
    from accounts.people import create_person

    person = create_person(username="nina")
    assert not person.has_usable_password()


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["", "a b", "x" * 151, "nina"])
def test_impossible_user_name_is_refused(name: str) -> None:
    from accounts.people import create_person
    from rest.problems import Refused

    create_person(username="nina")
    with pytest.raises(Refused) as refused:
        create_person(username=name)
    assert refused.value.errors[0]["field"] == "username"


@pytest.mark.django_db
def test_first_admin_is_made_once_without_a_password(capsys: pytest.CaptureFixture[str]) -> None:
    from django.core.management import call_command

    from accounts.models import User
    from atrium.management.commands.up import people_to_greet

    call_command("first_admin")
    call_command("first_admin", "--username", "second")
    admin = User.objects.get()
    assert admin.is_platform_admin and not admin.has_usable_password()
    assert people_to_greet() == [admin]
    User.objects.update(last_login=admin.date_joined)
    assert people_to_greet() == []
