"""Signing in by somebody else's word: a load balancer's signed header, an OpenID provider."""

import asyncio
import base64
import json
import time
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm

from orchestrator.console.load_balancer import BehindLoadBalancer
from orchestrator.console.openid import OpenIdSignIn
from orchestrator.console.sessions import Engineer
from tests.orchestrator.console.conftest import ORIGIN, console_at

ARN = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/noc/50dc6c495c0c9188"
KEY_ID = "12345678-1234-1234-1234-123456789012"
ROLES = {"noc-leads": "lead", "noc": "tier-1"}
CLAIMS = {"sub": "u-1", "name": "Ada Byron", "groups": ["staff", "noc"]}
KEY, OTHER = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def behind(settings_for):
    """Settings of a console behind a load balancer."""
    plain = settings_for()
    balancer = {"arn": ARN, "public_keys": "https://keys.test"}
    console = {"sign_in": "alb", "alb": balancer, "roles": ROLES, "public_url": ORIGIN}
    console["public_url"] = "https://noc.test"
    return type(plain).model_validate(plain.model_dump(exclude_unset=True) | {"console": console})


def statement(claims=CLAIMS, *, key=KEY, signer=ARN, kid=KEY_ID, ends=60, padded=True):
    """What a load balancer would send of somebody; the real one keeps the padding of base64."""
    exp = int(time.time()) + ends
    head = {"kid": kid, "signer": signer, "exp": exp, "iss": "https://idp.test", "client": "c"}
    token = jwt.encode(claims | {"exp": exp}, key, algorithm="ES256", headers=head)
    if not padded:
        return token
    # Signed over the padded parts, as the balancer does it.
    parts = [part + "=" * (-len(part) % 4) for part in token.split(".")[:2]]
    signature = jwt.algorithms.ECAlgorithm(jwt.algorithms.ECAlgorithm.SHA256).sign(
        ".".join(parts).encode(), key
    )
    return ".".join([*parts, base64.urlsafe_b64encode(signature).decode()])


def unsigned():
    head = base64.urlsafe_b64encode(json.dumps({"alg": "none", "signer": ARN}).encode())
    body = base64.urlsafe_b64encode(json.dumps(CLAIMS).encode())
    return f"{head.decode()}.{body.decode()}."


def keys(request):
    """The balancer's public keys."""
    if request.url != f"https://keys.test/{KEY_ID}":
        return httpx.Response(404)
    pem = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return httpx.Response(200, content=pem)


def answered(settings, monkeypatch, *headers):
    """What the console answers to requests with each of these headers."""
    http = httpx.AsyncClient(transport=httpx.MockTransport(keys))
    monkeypatch.setattr(
        "orchestrator.console.identities.BehindLoadBalancer",
        lambda sessions, console: BehindLoadBalancer(sessions, console, http=http),
    )

    async def work():
        async with console_at(settings) as noc:
            answers = [await noc.stranger(**each).get("/") for each in headers]
            people = await noc.desk.sessions.people({"tier-1"})
        await http.aclose()
        return answers, people

    return asyncio.run(work())


def test_a_statement_of_our_load_balancer_lets_in(behind, monkeypatch):
    """Issue 10: verified ALB headers; padded base64, as the balancer writes it."""
    headers = [{"x-amzn-oidc-data": statement(padded=padded)} for padded in (True, False)]
    answers, people = answered(behind, monkeypatch, *headers)
    assert [answer.status_code for answer in answers] == [200, 200]
    assert "Ada Byron" in answers[0].text
    assert "/sign-out" not in answers[0].text
    assert people == [Engineer("u-1", "Ada Byron", "tier-1")]


def test_a_forged_statement_is_refused(behind, monkeypatch):
    """Issue 10: forged ALB headers; the unsigned ones beside it are never believed."""
    other = ARN.replace("noc", "evil")
    forged = [
        statement(key=OTHER),
        statement(signer=other),
        statement(ends=-3600),
        statement(kid="../../evil"),
        statement(kid=KEY_ID.replace("1", "2")),
        statement(CLAIMS | {"groups": ["staff"]}),
        statement({"groups": ["noc"]}),
        unsigned(),
        "nonsense",
    ]
    answers, people = answered(
        behind,
        monkeypatch,
        *({"x-amzn-oidc-data": each} for each in forged),
        {"x-amzn-oidc-identity": "u-1", "x-amzn-oidc-accesstoken": statement()},
    )
    assert [answer.status_code for answer in answers] == [403] * len(forged) + [303]
    assert people == []


class Provider:
    """An OpenID provider that signs in whoever comes."""

    issuer = "https://idp.test"

    def __init__(self):
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.claims = dict(CLAIMS)
        self.asked = []
        self.nonce = None

    def __call__(self, request):
        self.asked.append(request)
        path = request.url.path
        if path == "/.well-known/openid-configuration":
            places = {"authorization": "authorize", "token": "token"}
            found = {f"{k}_endpoint": f"{self.issuer}/{v}" for k, v in places.items()}
            return httpx.Response(
                200, json={"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys", **found}
            )
        if path == "/keys":
            key = json.loads(RSAAlgorithm.to_jwk(self.key.public_key()))
            return httpx.Response(200, json={"keys": [key | {"kid": "k1", "alg": "RS256"}]})
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": "console", "iat": now, "exp": now + 60}
        claims |= {"nonce": self.nonce} | self.claims
        token = jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": "k1"})
        return httpx.Response(200, json={"id_token": token, "access_token": "x"})


@pytest.fixture
def provided(settings_for, monkeypatch):
    """Settings of a console with a provider, and the provider."""
    plain = settings_for()
    provider = Provider()
    console = {
        "sign_in": "oidc",
        "public_url": "https://noc.test",
        "oidc": {"issuer": provider.issuer, "client_id": "console"},
        "roles": ROLES,
    }
    http = httpx.AsyncClient(transport=httpx.MockTransport(provider))
    monkeypatch.setattr(
        "orchestrator.console.identities.OpenIdSignIn",
        lambda sessions, given: OpenIdSignIn(sessions, given, http=http),
    )
    settings = type(plain).model_validate(
        plain.model_dump(exclude_unset=True) | {"console": console}
    )
    return settings, provider


def browser_of(noc):
    http = noc.stranger(Origin="https://noc.test")
    http.base_url = "https://noc.test"
    return http


async def come_back(http, provider, **changed):
    """Go to the provider and come back; with a query of one's own where it is changed."""
    sent = await http.get("/sign-in", params={"back": "/incidents/inc-1"})
    asked = {k: v[0] for k, v in parse_qs(urlsplit(sent.headers["location"]).query).items()}
    provider.nonce = asked["nonce"]
    query = {"code": "c", "state": asked["state"], "iss": provider.issuer} | changed
    return asked, await http.get("/sign-in/callback", params=query)


def test_a_provider_signs_in_with_pkce_state_and_nonce(provided):
    """Issue 10: OIDC; the session's cookie is ours, strict, and on TLS only."""
    settings, provider = provided

    async def work():
        async with console_at(settings) as noc:
            http = browser_of(noc)
            asked, back = await come_back(http, provider)
            return asked, back, await http.get("/")

    asked, back, board = asyncio.run(work())
    assert (asked["code_challenge_method"], asked["client_id"]) == ("S256", "console")
    form = parse_qs(next(r for r in provider.asked if r.method == "POST").content.decode())
    assert form["redirect_uri"] == ["https://noc.test/sign-in/callback"]
    assert back.status_code == 200
    assert 'content="0;url=/incidents/inc-1"' in back.text
    [cookie] = [c for c in back.headers.get_list("set-cookie") if c.startswith("__Host-tierwise=")]
    assert {"secure", "httponly", "samesite=strict"} <= {
        p.strip().lower() for p in cookie.split(";")
    }
    assert board.status_code == 200
    assert "Ada Byron" in board.text


def test_a_sign_in_at_a_provider_that_does_not_fit_is_refused(provided):
    """Issue 10: another's state, nonce, key, issuer or browser, and nobody without a role."""
    settings, provider = provided
    honest = provider.key

    async def work():
        async with console_at(settings) as noc:
            refused = []
            http = browser_of(noc)
            refused.append((await come_back(http, provider, state="of another"))[1])
            refused.append((await come_back(http, provider, iss="https://evil.test"))[1])
            provider.claims = CLAIMS | {"nonce": "of another"}
            refused.append((await come_back(http, provider))[1])
            provider.claims = CLAIMS | {"aud": "somebody else"}
            refused.append((await come_back(http, provider))[1])
            provider.claims = CLAIMS | {"groups": "staff"}
            refused.append((await come_back(http, provider))[1])
            refused.append(await browser_of(noc).get("/sign-in/callback?code=c&state="))
            return refused, await http.get("/")

    refused, board = asyncio.run(work())
    assert [answer.status_code for answer in refused] == [403] * 6
    assert board.status_code == 303
    assert provider.key is honest
