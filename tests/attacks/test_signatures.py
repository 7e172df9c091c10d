"""Tokens that nobody signed, that somebody else signed, or that were signed as something else."""

import hashlib
import hmac
import json
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from tests.attacks.forge import (
    FOREIGN,
    Forge,
    Sign,
    b64,
    der_signed_by,
    raw_signature,
    signed_by,
)
from tests.attacks.targets import Target, assert_refused

FOREIGN_P384 = ec.generate_private_key(ec.SECP384R1())
# The order of the group of P-256 (FIPS 186-4, D.1.2.3): as a signature's number it is zero.
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

# RFC 4648, sections 4 and 5.
OTHER_ALPHABET = str.maketrans("-_", "+/")

Attack = Callable[[Forge], str]

OTHER_ALGORITHMS = ["ES384", "ES512", "ES256K", "RS256", "PS256", "EdDSA", "es256", "", "dir"]
DIGESTS = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}
PUBLIC_KEYS: dict[str, Callable[[Forge], bytes]] = {
    "PEM": lambda forge: forge.public_bytes(Encoding.PEM),
    "PEM in one piece": lambda forge: forge.public_bytes(Encoding.PEM).strip(),
    "DER": lambda forge: forge.public_bytes(Encoding.DER),
    "JWK": lambda forge: json.dumps(forge.public_jwk).encode(),
    "JWK without spaces": lambda forge: json.dumps(
        forge.public_jwk, separators=(",", ":")
    ).encode(),
    "nothing": lambda forge: b"",
}


def changed_payload(forge: Forge) -> str:
    head, _, signature = forge.token(claims={"role": "customer"}).split(".")
    return f"{head}.{b64(forge.claims({}))}.{signature}"


def changed_header(forge: Forge) -> str:
    _, payload, signature = forge.token().split(".")
    return f"{b64(forge.header({'cty': 'JWT'}))}.{payload}.{signature}"


def in_the_other_alphabet(forge: Forge) -> str:
    while (token := forge.token()).translate(OTHER_ALPHABET) == token:
        pass  # no letter in it that differs
    return token.translate(OTHER_ALPHABET)


SIGNATURES: dict[str, Attack] = {
    "another key": lambda forge: forge.token(sign=signed_by(FOREIGN)),
    "another key of another curve": lambda forge: forge.token(sign=signed_by(FOREIGN_P384)),
    "over another payload": changed_payload,
    "over another header": changed_header,
    "over the payload alone": lambda forge: forge.token(
        sign=lambda text: forge.sign(text.partition(b".")[2])
    ),
    "missing": lambda forge: forge.token(sign=lambda text: b""),
    "cut by a byte": lambda forge: forge.token(sign=lambda text: forge.sign(text)[:-1]),
    "cut by a character": lambda forge: forge.token()[:-1],
    "cut in half": lambda forge: forge.token(sign=lambda text: forge.sign(text)[:32]),
    "longer by a zero": lambda forge: forge.token(sign=lambda text: forge.sign(text) + b"\0"),
    "with zeros before": lambda forge: forge.token(sign=lambda text: bytes(2) + forge.sign(text)),
    "twice": lambda forge: forge.token(sign=lambda text: forge.sign(text) * 2),
    "in DER form": lambda forge: forge.token(sign=der_signed_by(forge.key)),
    "zero": lambda forge: forge.token(sign=lambda text: raw_signature(0, 0)),
    "the order of the group": lambda forge: forge.token(
        sign=lambda text: raw_signature(P256_ORDER, P256_ORDER)
    ),
    "one": lambda forge: forge.token(sign=lambda text: raw_signature(1, 1)),
    "its halves swapped": lambda forge: forge.token(
        sign=lambda text: (made := forge.sign(text))[32:] + made[:32]
    ),
    "padded": lambda forge: forge.token() + "==",
    "with a letter of no alphabet": lambda forge: forge.token() + "!",
    "with four letters of no alphabet": lambda forge: forge.token() + "!!!!",
    "in the other alphabet of base64": in_the_other_alphabet,
    "of 3000 bytes": lambda forge: forge.token(sign=lambda text: bytes(3000)),
}


class TestAlgorithm:
    @pytest.mark.parametrize("word", ["none", "None", "nOnE", "NONE", "none "])
    @pytest.mark.parametrize("signature", ["absent", "empty", "some", "good"])
    def test_that_is_none_is_refused(
        self, forge: Forge, target: Target, word: str, signature: str
    ) -> None:
        sign: Sign = {"some": lambda text: b"\0", "good": forge.sign}.get(
            signature, lambda text: b""
        )
        token = forge.token(header={"alg": word}, sign=sign)
        assert_refused(target.show(token.rstrip(".") if signature == "absent" else token))

    @pytest.mark.parametrize("form", PUBLIC_KEYS)
    @pytest.mark.parametrize("algorithm", DIGESTS)
    def test_with_the_public_key_as_its_secret_is_refused(
        self, forge: Forge, target: Target, algorithm: str, form: str
    ) -> None:
        secret, digest = PUBLIC_KEYS[form](forge), DIGESTS[algorithm]
        token = forge.token(
            header={"alg": algorithm}, sign=lambda text: hmac.digest(secret, text, digest)
        )
        assert_refused(target.show(token))

    @pytest.mark.parametrize("algorithm", OTHER_ALGORITHMS)
    def test_of_another_name_than_the_keys_is_refused(
        self, forge: Forge, target: Target, algorithm: str
    ) -> None:
        assert_refused(target.show(forge.token(header={"alg": algorithm})))


class TestSignature:
    def test_of_auth_is_accepted(self, forge: Forge, target: Target) -> None:
        assert target.show(forge.token()).status_code == 200

    @pytest.mark.parametrize("name", SIGNATURES)
    def test_is_refused(self, forge: Forge, target: Target, name: str) -> None:
        assert_refused(target.show(SIGNATURES[name](forge)))
