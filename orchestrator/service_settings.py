"""The part of `tierwise.yaml` that `tierwise serve` reads: who may call, how much, who is told."""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, model_validator

from telecom.schema import ProductModel

TriggerKind = Literal["site", "alertmanager", "tmf642", "ves", "eventbridge", "generic"]
SinkKind = Literal[
    "webhook", "slack", "teams", "servicenow", "jira", "tmf642_alarm", "email", "sns"
]
Scope = Literal["incidents:read", "incidents:write", "approvals:decide"]

LOOPBACK = ("127.0.0.1", "::1", "localhost")

WRITES: frozenset[SinkKind] = frozenset({"servicenow", "jira", "tmf642_alarm"})
"""Sinks that change a record of somebody else's system."""


class Documented(ProductModel):
    """A section of the file; the docstrings under its keys are its documentation."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class TriggerSource(Documented):
    """Somebody who may report trouble."""

    name: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")
    """Who it is; budgets and records go by this name."""
    kind: TriggerKind
    """What it sends, and so under which `/triggers/...` it calls."""
    sites: tuple[str, ...] = Field(min_length=1)
    """The sites it may speak about. A `site` source is one site; a foreign system's trigger is
    looked into on all of them."""
    secret_file: Path | None = None
    """File with the HMAC secret that signs its requests (`Tierwise-Signature`)."""
    token_file: Path | None = None
    """File with the bearer token it sends, for systems that cannot sign."""
    per_minute: int = Field(default=600, ge=1)
    """Requests a minute; more are answered 429 with Retry-After."""

    @model_validator(mode="after")
    def _can_be_known(self) -> TriggerSource:
        if self.secret_file is None and self.token_file is None:
            raise ValueError(f"trigger source {self.name!r} needs secret_file or token_file")
        return self


class TriggerQueue(Documented):
    """An SQS queue that EventBridge writes to."""

    name: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")
    """Who it is; budgets and records go by this name."""
    url: str
    """The queue's URL."""
    dead_letter_url: str
    """Where a message that cannot be read goes, with the reason as attribute `tierwise_reason`."""
    sites: tuple[str, ...] = Field(min_length=1)
    """The sites that its events are looked into on."""
    visibility_seconds: int = Field(default=60, ge=10, le=43_200)
    """How long a message is hidden from other consumers; extended while it is worked on."""


class Principal(Documented):
    """Somebody who may use the API and decide approvals."""

    name: str = Field(min_length=1, max_length=64)
    """The name that is kept beside a decision."""
    token_file: Path
    """File with the bearer token that says so."""
    scopes: tuple[Scope, ...] = ("incidents:read",)
    """`incidents:read`, `incidents:write` (retry), `approvals:decide`."""


class Sink(Documented):
    """Somebody who is told what an investigation found."""

    name: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")
    """What the sink is called."""
    kind: SinkKind
    """`webhook` (the signed report), `slack`, `teams` (a message), `servicenow`, `jira` (the ticket
    draft), `tmf642_alarm` (the alarm patch), `email`, `sns`."""
    url: str
    """Where to: an https address, `smtp://host:port` or `smtps://host:port`, a topic ARN. http is
    for loopback only. Redirects are not followed."""
    secret_file: Path | None = None
    """File with the secret that signs a `webhook`."""
    token_file: Path | None = None
    """File with a bearer token, `user:password` for basic authentication, or the SMTP password."""
    approval: bool | None = None
    """Whether a person has to approve each delivery; by default for the kinds that change somebody
    else's record: servicenow, jira, tmf642_alarm."""
    sender: str | None = None
    """`email`: the address it comes from, and the SMTP user."""
    recipients: tuple[str, ...] = ()
    """`email`: the addresses it goes to."""
    project: str | None = None
    """`jira`: the key of the project."""

    @property
    def waits_for_approval(self) -> bool:
        """Whether a person has to approve each delivery."""
        return self.kind in WRITES if self.approval is None else self.approval

    @model_validator(mode="after")
    def _safe_address(self) -> Sink:
        at = urlsplit(self.url)
        schemes = {"email": ("smtp", "smtps"), "sns": ("arn",)}.get(self.kind, ("https",))
        plain = at.scheme == "http" and schemes == ("https",) and at.hostname in LOOPBACK
        if not (at.scheme in schemes or plain) or (self.kind != "sns" and not at.hostname):
            raise ValueError(
                f"sink {self.name!r} needs an address that begins with {' or '.join(schemes)}:"
            )
        if at.username or at.password:
            raise ValueError(f"sink {self.name!r} has its credentials in token_file, not in url")
        return self

    @model_validator(mode="after")
    def _complete(self) -> Sink:
        if self.kind == "email" and not (self.sender and self.recipients):
            raise ValueError(f"sink {self.name!r} needs sender and recipients")
        if self.kind == "jira" and not self.project:
            raise ValueError(f"sink {self.name!r} needs project")
        if self.kind == "webhook" and self.secret_file is None:
            raise ValueError(f"sink {self.name!r} needs secret_file")
        return self


class HourlyBudgets(Documented):
    """What an hour may take before a new incident is answered 429; None is no limit."""

    tokens_per_site: int | None = Field(default=None, ge=1)
    """Tokens of model calls about one site."""
    cost_usd_per_site: float | None = Field(default=None, gt=0)
    """Money for model calls about one site."""
    tokens_per_principal: int | None = Field(default=None, ge=1)
    """Tokens of model calls that one trigger source caused."""
    cost_usd_per_principal: float | None = Field(default=None, gt=0)
    """Money for model calls that one trigger source caused."""


class Service(Documented):
    """How `tierwise serve` works."""

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = Field(default=8800, ge=0, le=65_535)
    """Port to listen on; 0 takes a free one."""
    allowed_hosts: tuple[str, ...] = ()
    """Host headers that `/agents/mcp` accepts beside loopback, such as `noc.example.net:8800`."""
    concurrent_investigations: int = Field(default=4, ge=1, le=256)
    """Investigations that run in this process at the same time; others wait in the inbox."""
    waiting_per_site: int = Field(default=1000, ge=1)
    """Incidents that may wait for one site; a trigger beyond it is answered 429."""
    coalesce_seconds: float = Field(default=300.0, ge=0)
    """Triggers about a site whose windows are that close belong to one incident."""
    lease_seconds: float = Field(default=30.0, gt=0)
    """How long an investigation belongs to a worker that no longer says it is alive."""
    attempts: int = Field(default=5, ge=1)
    """How often an investigation that breaks is tried before it is parked."""
    patience_hours: float = Field(default=72.0, gt=0)
    """How long an incident waits for sites that cannot be reached before it is parked."""
    drain_seconds: float = Field(default=20.0, ge=0)
    """How long a stopping process lets investigations finish; then it hands them back."""
    approval_hours: float = Field(default=24.0, gt=0)
    """How long a person may take to approve a delivery; then it expires."""
    delivery_hours: float = Field(default=24.0, gt=0)
    """How long a delivery is tried again before it counts as failed."""
    keep_days: float = Field(default=90.0, gt=0)
    """How long finished incidents, reports, decisions and silent conversations are kept."""
