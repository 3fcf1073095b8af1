"""The part of `tierwise.yaml` that the console reads: how people sign in, and as what."""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from orchestrator.service_settings import LOOPBACK, Documented

Role = Literal["tier-1", "tier-2/3", "lead", "auditor", "architect"]
"""What somebody is in the NOC. Everybody reads incidents; who may act is said where it is done."""


class OpenIdProvider(Documented):
    """An OpenID Connect provider that people sign in at."""

    issuer: str
    """Its issuer URL; the endpoints are read from `/.well-known/openid-configuration` under it."""
    client_id: str
    """What the provider calls this console."""
    client_secret_file: Path | None = None
    """File with the client's secret, where the provider gave one."""
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    """What is asked for; `openid` is always among it."""

    @field_validator("issuer")
    @classmethod
    def _https(cls, value: str) -> str:
        return _safe_url(value, "issuer")


class LoadBalancer(Documented):
    """An AWS Application Load Balancer that authenticates people before they come here."""

    arn: str = Field(
        pattern=r"^arn:[a-z0-9-]+:elasticloadbalancing:[a-z0-9-]+:\d{12}:loadbalancer/"
    )
    """Its ARN: what another one signed is refused."""
    public_keys: str
    """Where its public keys are, such as
    `https://public-keys.auth.elb.eu-central-1.amazonaws.com`; the key's id is added."""

    @field_validator("public_keys")
    @classmethod
    def _https(cls, value: str) -> str:
        return _safe_url(value, "public_keys").rstrip("/")


class Console(Documented):
    """The NOC console, `tierwise serve --console`."""

    sign_in: Literal["link", "oidc", "alb"] = "link"
    """`link`: one-time links that this machine prints; `oidc`: a provider; `alb`: the verified
    headers of a load balancer."""
    public_url: str | None = None
    """Where people's browsers find the console, such as `https://noc.example.net`; by default
    whatever they asked for. `oidc` needs it, and so does every address but loopback."""
    oidc: OpenIdProvider | None = None
    """The provider of `sign_in: oidc`."""
    alb: LoadBalancer | None = None
    """The load balancer of `sign_in: alb`."""
    role_claim: str = "groups"
    """The claim of a provider or load balancer that says what somebody is."""
    roles: dict[str, Role] = Field(default_factory=dict)
    """Value of that claim -> role: tier-1, tier-2/3, lead, auditor or architect. Somebody without a
    role is not let in; of several, the first in this list counts."""
    session_hours: float = Field(default=12.0, gt=0, le=168)
    """How long a sign-in holds: a shift."""

    @field_validator("public_url")
    @classmethod
    def _origin(cls, value: str | None) -> str | None:
        if value is None:
            return None
        at = urlsplit(_safe_url(value, "public_url"))
        if at.path not in {"", "/"}:
            raise ValueError("public_url is an origin: scheme, host and port, no path")
        return f"{at.scheme}://{at.netloc}"

    @model_validator(mode="after")
    def _complete(self) -> Console:
        if self.sign_in == "oidc" and (self.oidc is None or self.public_url is None):
            raise ValueError("sign_in: oidc needs oidc and public_url")
        if self.sign_in == "alb" and self.alb is None:
            raise ValueError("sign_in: alb needs alb")
        if self.sign_in != "link" and not self.roles:
            raise ValueError(f"sign_in: {self.sign_in} needs roles, or nobody is let in")
        return self

    @property
    def is_https(self) -> bool:
        """Whether browsers come over TLS, so that a cookie may insist on it."""
        return (self.public_url or "").startswith("https://")


def _safe_url(value: str, key: str) -> str:
    at = urlsplit(value)
    plain = at.scheme == "http" and at.hostname in LOOPBACK
    if not at.hostname or not (at.scheme == "https" or plain):
        raise ValueError(f"{key} begins with https:// (http:// is for loopback only)")
    return value
