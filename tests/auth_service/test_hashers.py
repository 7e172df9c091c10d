"""How passwords are hashed, and hashes that are damaged."""

import pytest
from django.contrib.auth.hashers import identify_hasher, make_password

from apps.auth_service.hashers import Argon2Hasher
from tests.auth_service.factories import PASSWORD, make_user

DAMAGED = ["argon2$x", "argon2$argon2id$v=19$m=1$a", "garbage", "", "!none"]


class TestArgon2Hasher:
    def test_makes_argon2id_hashes_of_the_stated_cost(self):
        hashed = make_password(PASSWORD)
        assert hashed.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
        assert not identify_hasher(hashed).must_update(hashed)

    def test_wants_a_damaged_hash_made_anew(self):
        assert Argon2Hasher().must_update("argon2$x")

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize("damaged", DAMAGED)
    def test_lets_nobody_in_by_a_damaged_hash(self, api, damaged):
        user = make_user(password=damaged)
        answer = api.post("/api/v1/auth/token", {"email": user.email, "password": PASSWORD})
        assert (answer.status_code, answer.json()["code"]) == (401, "credentials-invalid")
