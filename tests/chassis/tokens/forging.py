"""Tokens as no issuer should write them."""

import base64
import json

import jwt
from cryptography.hazmat.primitives.asymmetric import ec


def b64(data):
    if not isinstance(data, bytes):
        data = json.dumps(data).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def raw_token(signing_key, header, payload):
    """Sign any header and payload, as an issuer with a fault would."""
    text = f"{b64(header)}.{b64(payload)}".encode()
    algorithm = jwt.algorithms.ECAlgorithm(jwt.algorithms.ECAlgorithm.SHA256, ec.SECP256R1)
    return f"{text.decode()}.{b64(algorithm.sign(text, signing_key.private))}"
