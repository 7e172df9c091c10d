"""Changing the signing keys."""

from datetime import timedelta
from uuid import UUID

import jwt
import pytest
from cryptography.fernet import Fernet
from django.db.models import F
from django.utils import timezone

from apps.auth_service import keys as signing
from apps.auth_service import tokens
from apps.auth_service.errors import LeadOutOfRange, RotationUnderWay
from apps.auth_service.models import SigningKey
from apps.auth_service.services import keys
from chassis.crypto import fernet
from chassis.models import AuditEntry
from chassis.tokens.claims import LEEWAY_SECONDS
from tests.auth_service.factories import make_user
from tests.auth_service.racing import at_once


def pass_time(by: timedelta) -> None:
    """Let all keys be that much older: the times of keys are the database's."""
    SigningKey.objects.update(
        created_at=F("created_at") - by,
        activates_at=F("activates_at") - by,
        retired_at=F("retired_at") - by,
    )


def signs_with() -> str:
    """Return the kid of a token issued now."""
    token = tokens.issue_access_token(make_user(), now=timezone.now())
    kid: str = jwt.get_unverified_header(token)["kid"]
    return kid


def published() -> list[str]:
    return [key["kid"] for key in signing.own_keys()["keys"]]


@pytest.mark.django_db
class TestRotate:
    def test_publishes_a_key_that_signs_after_every_verifier_has_it(self, settings):
        settings.KEY_REFRESH_SECONDS = 60
        old = signing.ensure_signing_key()
        new = keys.rotate(by=None)
        assert published() == [new.kid, old.kid]
        assert signs_with() == old.kid
        lead = new.activates_at - new.created_at
        assert timedelta(seconds=120) < lead <= timedelta(seconds=131)
        pass_time(lead + timedelta(seconds=1))
        assert signs_with() == new.kid
        assert published() == [new.kid, old.kid]

    def test_retires_the_old_key_when_its_last_token_has_ended(self):
        old = signing.ensure_signing_key()
        new = keys.rotate(by=None)
        old.refresh_from_db()
        new.refresh_from_db()
        assert new.retired_at is None
        longest = timedelta(seconds=tokens.SERVICE_SECONDS + LEEWAY_SECONDS)
        assert old.retired_at is not None
        assert old.retired_at - new.activates_at > longest
        pass_time(old.retired_at - timezone.now() - timedelta(seconds=5))
        assert published() == [new.kid, old.kid]
        pass_time(timedelta(seconds=10))
        assert published() == [new.kid]

    def test_leaves_the_end_of_keys_that_retire_already(self):
        signing.ensure_signing_key()
        keys.rotate(by=None)
        pass_time(timedelta(minutes=30))
        first = SigningKey.objects.get(retired_at__isnull=False)
        keys.rotate(by=None)
        assert SigningKey.objects.get(pk=first.pk).retired_at == first.retired_at
        assert len(published()) == 3

    def test_signs_on_where_there_was_no_key_before(self):
        new = keys.rotate(by=None)
        assert signs_with() != new.kid
        assert len(published()) == 2

    def test_is_refused_while_the_last_one_is_under_way(self):
        signing.ensure_signing_key()
        first = keys.rotate(by=None)
        with pytest.raises(RotationUnderWay, match=first.kid):
            keys.rotate(by=None)
        assert SigningKey.objects.count() == 2
        assert AuditEntry.objects.count() == 1
        pass_time(timedelta(minutes=10))
        keys.rotate(by=None)

    @pytest.mark.parametrize("lead", [-1, 0, 119, 30 * 86_400 + 1])
    def test_is_refused_with_a_lead_that_verifiers_cannot_keep(self, settings, lead):
        settings.KEY_REFRESH_SECONDS = 60
        with pytest.raises(LeadOutOfRange, match=f"not after {lead}"):
            keys.rotate(by=None, lead_seconds=lead)
        assert not SigningKey.objects.exists()

    def test_is_audited(self):
        admin = UUID(int=7)
        new = keys.rotate(by=admin)
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.target_type) == ("signing_key.rotated", "signing_key")
        assert (entry.target_id, entry.actor_id) == (new.kid, admin)
        assert entry.details == {"activates_at": new.activates_at.isoformat()}


@pytest.mark.django_db
class TestReplace:
    def test_signs_with_a_new_key_and_publishes_no_other(self):
        old = signing.ensure_signing_key()
        coming = keys.rotate(by=None)
        pass_time(timedelta(seconds=1))
        new = keys.replace(by=None)
        assert published() == [new.kid]
        assert signs_with() == new.kid
        assert set(SigningKey.objects.values_list("kid", flat=True)) == {old.kid, new.kid}
        entry = AuditEntry.objects.get(action="signing_key.replaced")
        assert entry.details == {"retired": [coming.kid, old.kid]}

    def test_ends_keys_that_would_have_retired_later(self):
        signing.ensure_signing_key()
        keys.rotate(by=None)
        pass_time(timedelta(minutes=10))
        assert len(published()) == 2
        new = keys.replace(by=None)
        assert published() == [new.kid]

    def test_may_be_done_again_at_once(self):
        keys.replace(by=None)
        second = keys.replace(by=None)
        assert published() == [second.kid]


@pytest.mark.django_db
class TestDeleteRetired:
    def test_deletes_what_retired_over_a_day_ago(self):
        old = signing.ensure_signing_key()
        new = keys.rotate(by=None)
        old.refresh_from_db()
        assert old.retired_at is not None
        assert keys.delete_retired(now=old.retired_at + timedelta(hours=23)) == 0
        assert keys.delete_retired(now=old.retired_at + timedelta(hours=25)) == 1
        assert SigningKey.objects.get() == new


@pytest.mark.django_db
class TestEncryptionKeys:
    def test_may_be_changed_while_the_old_one_still_decrypts(self, settings):
        first, second = Fernet.generate_key().decode(), Fernet.generate_key().decode()
        settings.ENCRYPTION_KEYS = [first]
        fernet.cache_clear()
        old = signing.ensure_signing_key()
        settings.ENCRYPTION_KEYS = [second, first]
        fernet.cache_clear()
        signing._decrypted.cache_clear()
        assert signs_with() == old.kid
        new = keys.rotate(by=None)
        pass_time(timedelta(minutes=10))
        settings.ENCRYPTION_KEYS = [second]
        fernet.cache_clear()
        assert signs_with() == new.kid

    @pytest.fixture(autouse=True)
    def _no_cipher_kept(self):
        yield
        fernet.cache_clear()


@pytest.mark.django_db(transaction=True)
class TestTogether:
    def test_rotate_once(self):
        signing.ensure_signing_key()

        def rotate() -> bool:
            try:
                keys.rotate(by=None)
            except RotationUnderWay:
                return False
            return True

        assert sorted(at_once(*[rotate] * 6)) == [False] * 5 + [True]
        assert SigningKey.objects.count() == 2
