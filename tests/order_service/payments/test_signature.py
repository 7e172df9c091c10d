"""The signature of Standard Webhooks, by the example of its specification and by ours."""

import hashlib
import hmac
from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta

import pytest

from apps.order_service.errors import WebhookExpired, WebhookSignatureInvalid
from apps.order_service.payments.signature import SignedHeaders, verify

# From https://github.com/standard-webhooks/standard-webhooks: the vector of its libraries' tests.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
TIMESTAMP = "1614265330"
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

SENT_AT = datetime.fromtimestamp(int(TIMESTAMP), UTC)
OTHER = "whsec_" + b64encode(b"another key of thirty-two bytes!").decode()


def sign(secret=SECRET, message_id=ID, timestamp=TIMESTAMP, body=BODY):
    key = b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + b64encode(digest).decode()


def check(signatures=SIGNATURE, *, secrets=(SECRET,), now=SENT_AT, body=BODY, **headers):
    values = {"message_id": ID, "timestamp": TIMESTAMP} | headers
    return verify(SignedHeaders(signatures=signatures, **values), body, secrets=secrets, now=now)


class TestSignature:
    def test_of_the_specification_is_valid(self):
        assert check() == SENT_AT

    @pytest.mark.parametrize("place", [0, 1, 2])
    def test_may_stand_among_others(self, place):
        others = ["v1," + b64encode(bytes(32)).decode(), "v1a,c2lnbmVk"]
        others.insert(place, SIGNATURE)
        assert check(" ".join(others)) == SENT_AT

    def test_may_be_by_either_secret_while_one_replaces_the_other(self):
        for secret in (SECRET, OTHER):
            assert check(sign(secret), secrets=(SECRET, OTHER)) == SENT_AT
            assert check(sign(secret), secrets=(OTHER, SECRET)) == SENT_AT

    @pytest.mark.parametrize(
        "signatures",
        [
            pytest.param("", id="none"),
            pytest.param("v1,", id="empty"),
            pytest.param(SIGNATURE.removeprefix("v1,"), id="no version"),
            pytest.param("v2," + SIGNATURE.removeprefix("v1,"), id="other version"),
            pytest.param("V1," + SIGNATURE.removeprefix("v1,"), id="upper case"),
            pytest.param(SIGNATURE[:-1], id="cut"),
            pytest.param(SIGNATURE + "=", id="longer"),
            pytest.param(SIGNATURE.replace("g0", "g1"), id="other"),
            pytest.param("v1,ü\udc80", id="no ASCII"),
            pytest.param(f"v1,{SIGNATURE}", id="twice the version"),
        ],
    )
    def test_that_does_not_fit_is_refused(self, signatures):
        with pytest.raises(WebhookSignatureInvalid):
            check(signatures)

    def test_by_another_secret_is_refused(self):
        with pytest.raises(WebhookSignatureInvalid):
            check(sign(OTHER))

    @pytest.mark.parametrize("secrets", [(), (OTHER,)], ids=["none", "another"])
    def test_without_its_secret_is_refused(self, secrets):
        with pytest.raises(WebhookSignatureInvalid):
            check(secrets=secrets)

    @pytest.mark.parametrize(
        "changed",
        [
            {"message_id": "msg_other"},
            {"timestamp": str(int(TIMESTAMP) + 1)},
            {"body": BODY + b" "},
            {"body": b""},
        ],
        ids=["id", "timestamp", "body", "no body"],
    )
    def test_covers_all_that_is_told(self, changed):
        with pytest.raises(WebhookSignatureInvalid):
            check(**changed)

    @pytest.mark.parametrize(
        "headers",
        [
            {"message_id": ""},
            {"message_id": "m" * 201},
            {"message_id": "with space"},
            {"message_id": "über"},
            {"timestamp": ""},
            {"timestamp": "-1614265330"},
            {"timestamp": "1614265330.0"},
            {"timestamp": " 1614265330"},
            {"timestamp": "١٦١٤٢٦٥٣٣٠"},
            {"timestamp": "9" * 5000},
            {"timestamp": "2021-02-25T15:02:10Z"},
        ],
        ids=range(11),
    )
    def test_over_malformed_headers_is_refused(self, headers):
        with pytest.raises(WebhookSignatureInvalid):
            check(sign(**headers), **headers)


class TestWindow:
    @pytest.mark.parametrize("seconds", [-300, 0, 300])
    def test_is_five_minutes_both_ways(self, seconds):
        assert check(now=SENT_AT + timedelta(seconds=seconds)) == SENT_AT

    @pytest.mark.parametrize("seconds", [-301, 301, 10**8])
    def test_ends_there(self, seconds):
        with pytest.raises(WebhookExpired):
            check(now=SENT_AT + timedelta(seconds=seconds))

    def test_tells_nothing_to_who_cannot_sign(self):
        with pytest.raises(WebhookSignatureInvalid):
            check(sign(OTHER), now=SENT_AT + timedelta(days=1))

    @pytest.mark.parametrize("timestamp", ["0", "9" * 12])
    def test_is_nowhere_near_the_ends_of_time(self, timestamp):
        with pytest.raises(WebhookExpired):
            check(sign(timestamp=timestamp), timestamp=timestamp)
