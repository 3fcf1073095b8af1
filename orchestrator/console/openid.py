"""Signing in at an OpenID Connect provider: authorization code with PKCE, state and nonce.

What a sign-in began with waits in a cookie of the browser that began it, so that nobody can finish
another's. Nothing of the provider's tokens is kept: they are read once, and a session begins.

Source: OpenID Connect Core 1.0; RFC 7636 (PKCE); RFC 9207 (`iss` in the answer).
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from html import escape
from typing import Any
from urllib.parse import urlencode

import httpx
import jwt
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from orchestrator.capped_http import CappedTransport
from orchestrator.console.claims import engineer_of
from orchestrator.console.guard import SIGN_IN
from orchestrator.console.look import plain_page
from orchestrator.console.sessions import Sessions
from orchestrator.console.sign_in import SignIn, told, within
from orchestrator.console_settings import Console, OpenIdProvider
from orchestrator.secret_files import read_secret
from telecom.errors import IdentityError

CALLBACK = f"{SIGN_IN}/callback"
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA")
_PROVIDER_S = 5.0
_LARGEST_ANSWER = 256 * 1024
_BEGUN_S = 600
_SKEW_S = 30.0
JsonObject = dict[str, Any]  # of the provider


class OpenIdSignIn(SignIn):
    """The way in through a provider; sessions are those of every other way."""

    def __init__(
        self, sessions: Sessions, settings: Console, *, http: httpx.AsyncClient | None = None
    ) -> None:
        """Prepare; the provider is asked when somebody signs in.

        Raises:
            SettingsError: The client's secret cannot be read.
        """
        super().__init__(sessions, settings)
        assert settings.oidc is not None  # the settings were validated
        self._provider: OpenIdProvider = settings.oidc
        file = settings.oidc.client_secret_file
        self._secret = None if file is None else read_secret(file).decode()
        self._http = http or httpx.AsyncClient(
            transport=CappedTransport(_LARGEST_ANSWER), timeout=_PROVIDER_S
        )
        self._begun_cookie = f"{self.cookie}-begun"
        self._endpoints: JsonObject | None = None

    def routes(self) -> list[Route]:
        """Below `/sign-in`."""
        return [
            Route(SIGN_IN, self._begin, methods=["GET"]),
            Route(CALLBACK, self._came_back, methods=["GET"]),
            Route("/sign-out", self.sign_out, methods=["POST"]),
        ]

    @property
    def _redirect(self) -> str:
        return f"{self.settings.public_url}{CALLBACK}"

    async def _begin(self, request: Request) -> Response:
        """Send the browser to the provider."""
        try:
            endpoint = (await self._discovered())["authorization_endpoint"]
        except IdentityError as exc:
            return told("Sign in", str(exc), status=502)
        begun = {name: secrets.token_urlsafe(32) for name in ("state", "nonce", "verifier")}
        begun["back"] = within(request.query_params.get("back"))
        challenge = hashlib.sha256(begun["verifier"].encode()).digest()
        query = urlencode(
            {
                "response_type": "code",
                "client_id": self._provider.client_id,
                "redirect_uri": self._redirect,
                "scope": " ".join(dict.fromkeys(("openid", *self._provider.scopes))),
                "state": begun["state"],
                "nonce": begun["nonce"],
                "code_challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
                "code_challenge_method": "S256",
            }
        )
        answer = RedirectResponse(f"{endpoint}?{query}", status_code=303)
        answer.set_cookie(
            self._begun_cookie,
            base64.urlsafe_b64encode(json.dumps(begun).encode()).decode(),
            max_age=_BEGUN_S,
            httponly=True,
            secure=self.settings.is_https,
            # The provider sends the browser back from its own site: strict would lose it.
            samesite="lax",
        )
        return answer

    async def _came_back(self, request: Request) -> Response:
        """Finish a sign-in that this browser began."""
        try:
            begun = self._begun(request)
            claims = await self._claims(request, begun)
            engineer = engineer_of(claims, self.settings)
        except IdentityError as exc:
            return told("Sign in", str(exc), status=403)
        await self.end(request)
        # Not a redirect: it would belong to the provider's navigation, and a strict cookie would
        # not be sent with it.
        page = plain_page(
            "Signed in",
            "<p>Signed in.</p>",
            head=f'<meta http-equiv="refresh" content="0;url={escape(begun["back"])}">',
        )
        answer = await self.let_in(engineer, HTMLResponse(page))
        answer.delete_cookie(
            self._begun_cookie, httponly=True, secure=self.settings.is_https, samesite="lax"
        )
        return answer

    def _begun(self, request: Request) -> dict[str, str]:
        """What this browser began with.

        Raises:
            IdentityError: It began nothing, or this is the end of another sign-in.
        """
        try:
            kept = base64.urlsafe_b64decode(request.cookies.get(self._begun_cookie, ""))
            begun: dict[str, str] = json.loads(kept)
            state, back = begun["state"], within(begun["back"])
        except (ValueError, KeyError, TypeError) as exc:
            raise IdentityError("this browser began no sign-in; open the console again") from exc
        if not secrets.compare_digest(state, request.query_params.get("state", "")):
            raise IdentityError("this is the end of another sign-in; open the console again")
        return {**begun, "back": back}

    async def _claims(self, request: Request, begun: dict[str, str]) -> JsonObject:
        """The verified claims of whoever signed in at the provider.

        Raises:
            IdentityError: The provider refused, cannot be reached, or says what does not fit.
        """
        code = request.query_params.get("code")
        issuer = request.query_params.get("iss", self._provider.issuer)
        if not code or issuer != self._provider.issuer:
            raise IdentityError("the provider did not sign anybody in")
        endpoints = await self._discovered()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect,
            "client_id": self._provider.client_id,
            "code_verifier": begun["verifier"],
        }
        if self._secret is not None:
            form["client_secret"] = self._secret
        answer = await self._asked("POST", endpoints["token_endpoint"], data=form)
        keys = await self._asked("GET", endpoints["jwks_uri"])
        return self._verified(answer.get("id_token"), keys, begun["nonce"])

    def _verified(self, token: object, keys: JsonObject, nonce: str) -> JsonObject:
        try:
            if not isinstance(token, str):
                raise IdentityError("the provider gave no id_token")
            head = jwt.get_unverified_header(token)
            known = {key.key_id: key for key in jwt.PyJWKSet.from_dict(keys).keys}
            key = known.get(head.get("kid")) or (
                next(iter(known.values())) if len(known) == 1 and "kid" not in head else None
            )
            if key is None:
                raise IdentityError("the provider signed with a key that it does not publish")
            claims: JsonObject = jwt.decode(
                token,
                key,
                algorithms=_ALGORITHMS,
                audience=self._provider.client_id,
                issuer=self._provider.issuer,
                leeway=_SKEW_S,
                options={"require": ["exp", "iat", "iss", "aud", "sub"]},
            )
        except jwt.PyJWTError as exc:
            raise IdentityError(f"the provider's statement is refused: {exc}") from exc
        if not secrets.compare_digest(str(claims.get("nonce", "")), nonce):
            raise IdentityError("the provider's statement belongs to another sign-in")
        return claims

    async def _discovered(self) -> JsonObject:
        if self._endpoints is None:
            base = self._provider.issuer.rstrip("/")
            found = await self._asked("GET", f"{base}/.well-known/openid-configuration")
            wanted = ("authorization_endpoint", "token_endpoint", "jwks_uri")
            if found.get("issuer") != self._provider.issuer or not all(
                isinstance(found.get(key), str) for key in wanted
            ):
                raise IdentityError("what the provider says about itself is not its own")
            self._endpoints = found
        return self._endpoints

    async def _asked(self, method: str, url: str, **form: Any) -> JsonObject:
        """One JSON answer of the provider.

        Raises:
            IdentityError: It cannot be reached, refuses, or answers something else.
        """
        try:
            answer = await self._http.request(method, url, **form)
            if answer.status_code != 200:
                raise IdentityError(f"the provider answered with status {answer.status_code}")
            content = answer.json()
        except (httpx.HTTPError, ValueError) as exc:
            raise IdentityError("the provider cannot be reached now, or answers nonsense") from exc
        if not isinstance(content, dict):
            raise IdentityError("the provider answered something else than JSON")
        return content
