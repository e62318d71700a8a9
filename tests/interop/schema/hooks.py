"""Proofs of possession (DPoP, RFC 9449) for the calls that the outside tester makes up."""

import base64
import hashlib
import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

import schemathesis
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

ORIGIN = os.environ["BILLFOLD_ORIGIN"]
TOKEN = os.environ["BILLFOLD_TOKEN"]
KEY = serialization.load_der_private_key(base64.b64decode(os.environ["BILLFOLD_KEY"]), password=None)


def text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def fresh_nonce() -> str:
    """The nonce that the server gives with every refusal."""
    try:
        urllib.request.urlopen(ORIGIN + "/api/v1/me")
    except urllib.error.HTTPError as refused:
        return refused.headers["DPoP-Nonce"]
    raise RuntimeError("a call without a token was answered")


NUMBERS = KEY.public_key().public_numbers()
JWK = {"kty": "EC", "crv": "P-256", "x": text(NUMBERS.x.to_bytes(32)), "y": text(NUMBERS.y.to_bytes(32))}
HEAD = text(json.dumps({"typ": "dpop+jwt", "alg": "ES256", "jwk": JWK}).encode())
ATH = text(hashlib.sha256(TOKEN.encode()).digest())
NONCE = fresh_nonce()


def proof(method: str, url: str) -> str:
    claims = {"jti": uuid.uuid4().hex, "htm": method, "htu": url, "iat": int(time.time()), "nonce": NONCE, "ath": ATH}
    signed = HEAD + "." + text(json.dumps(claims).encode())
    r, s = decode_dss_signature(KEY.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    return signed + "." + text(r.to_bytes(32) + s.to_bytes(32))


@schemathesis.auth()
class Possession:
    """Every call gets a proof of its own."""

    def get(self, case, context):
        return TOKEN

    def set(self, case, data, context):
        case.headers = case.headers or {}
        case.headers["Authorization"] = "DPoP " + data


def own_device() -> str:
    url = ORIGIN + "/api/v1/me"
    headers = {"Authorization": "DPoP " + TOKEN, "DPoP": proof("GET", url)}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
        return json.load(answer)["device"]


DEVICE = own_device()


@schemathesis.hook
def before_call(context, case, kwargs):
    # The tester reads the list of devices and would sign itself out.
    if DEVICE in case.path_parameters.values():
        case.path_parameters["id"] = str(uuid.uuid4())
    transport = case.as_transport_kwargs(base_url=ORIGIN)
    path = urllib.parse.urlsplit(transport["url"]).path
    case.headers = case.headers or {}
    case.headers["DPoP"] = proof(transport["method"].upper(), ORIGIN + path)
