"""Users: added, given another password, removed; no password is kept, and none is taken for another's."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from advisor.config import Settings
from advisor.database import reading
from advisor.errors import UserFault
from advisor.users import open_users
from tests.conftest import Run

GOOD, OTHER = "four words and more", "another four words"


def test_a_user_signs_in_with_the_password_and_with_no_other(database: str, tmp_path: Path) -> None:
    users = open_users(Settings(home=tmp_path / "home", database=database))
    users.add("Anna@clinic.org", GOOD)
    name, stamp = users.signed_in(" anna@clinic.ORG ", GOOD) or ("", "")
    assert (name, users.stamp(name)) == ("anna@clinic.org", stamp)
    for wrong in (GOOD[:-1], GOOD + " ", GOOD.upper(), "", "\ud800\0", "x" * 5000):
        assert users.signed_in("anna@clinic.org", wrong) is None
    for nobody in ("berta", "", "'; --", "\0"):
        assert users.signed_in(nobody, GOOD) is None
    users.password("anna@clinic.org", OTHER)
    assert users.signed_in("anna@clinic.org", GOOD) is None
    assert users.stamp("anna@clinic.org") != stamp, "whoever was signed in has to do it again"
    users.remove("anna@clinic.org")
    assert users.signed_in("anna@clinic.org", OTHER) is None
    assert users.stamp("anna@clinic.org") is None
    users.close()


def test_the_same_password_from_another_keyboard_fits(tmp_path: Path) -> None:
    users = open_users(Settings(home=tmp_path / "home"))
    users.add("anna", "crème brûlée twice")
    assert users.signed_in("anna", "cre\u0300me bru\u0302le\u0301e twice")
    users.close()


def test_no_password_is_kept_and_equal_ones_are_not_seen_to_be(database: str, tmp_path: Path) -> None:
    users = open_users(Settings(home=tmp_path / "home", database=database))
    users.add("anna", GOOD)
    users.add("berta", GOOD)
    with reading(users.engine) as connection:
        digests = connection.execute(text("SELECT digest FROM users")).scalars().all()
    assert len(set(digests)) == 2
    assert GOOD not in str(digests)
    users.close()
    for file in (tmp_path / "home").glob("*") if database == "sqlite" else ():
        assert GOOD.encode() not in file.read_bytes()


@pytest.mark.parametrize(
    ("name", "password", "fault"),
    [
        ("", GOOD, "name has"),
        ("a b", GOOD, "name has"),
        ("../x", GOOD, "name has"),
        ("x" * 65, GOOD, "name has"),
        ("anna", "short", "password has"),
        ("longenough", "LongEnough", "password has"),
        ("anna", "x" * 1001, "password has"),
        ("berta", GOOD, "already"),
    ],
)
def test_what_cannot_be_a_user_is_refused_with_the_remedy(tmp_path: Path, name: str, password: str, fault: str) -> None:
    users = open_users(Settings(home=tmp_path / "home"))
    users.add("berta", OTHER)
    with pytest.raises(UserFault, match=fault) as caught:
        users.add(name, password)
    assert password not in str(caught.value)
    assert [user.name for user in users.listed()] == ["berta"]
    for change in (users.remove, lambda name: users.password(name, GOOD)):
        with pytest.raises(UserFault, match="advisor users list"):
            change("nobody")
    users.close()


def test_the_command_line_adds_lists_and_removes_users_without_showing_a_password(advisor: Run) -> None:
    added = advisor("users", "add", "anna", sent=f"{GOOD}\n".encode())
    assert added.returncode == 0, added.stderr
    assert advisor("users", "password", "anna", sent=OTHER.encode()).returncode == 0
    listed = advisor("users", "list")
    assert "anna" in listed.stdout
    refused = advisor("users", "add", "berta", sent=b"short\n")
    assert (refused.returncode, len(refused.stderr.splitlines())) == (1, 1)
    assert "--yes" in advisor("users", "remove", "anna").stderr
    removed = advisor("users", "remove", "anna", "--yes")
    assert removed.stdout.strip() == "Removed 'anna' with 0 conversations and 0 documents."
    assert "no users yet" in advisor("users", "list").stdout
    for done in (added, listed, refused, removed):
        assert GOOD not in done.stdout + done.stderr
