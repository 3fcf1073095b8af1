"""The site directory: what a site's operator writes down, and where its files are.

Every key of `site.yaml` but `site_id` has a default, and every file and folder but `site.yaml` may
be missing: then it is a gap, not an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, tzinfo
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from telecom.errors import SettingsError, SiteDirectoryError
from telecom.schema import ProductModel
from telecom.settings_problems import unfit, unreadable
from telecom.times import site_timezone
from telecom.topology import Topology, read_topology_csv
from telecom.workload import Home


class MaintenanceWindow(ProductModel):
    """Planned work: alarms of its objects within its time are planned, too."""

    begin: str = Field(alias="from")
    """ISO 8601; without a zone in the site's own."""
    end: str = Field(alias="to")
    objects: tuple[str, ...] = Field(min_length=1)
    """`device`, `device:port`, or a pattern with `*` and `?` such as `agg-muc-*`."""
    why: str = ""
    """For people: the change ticket, say."""

    @field_validator("begin", "end", mode="before")
    @classmethod
    def _as_text(cls, moment: object) -> object:
        """YAML reads a time with seconds as a time; without a zone it stays the site's own."""
        return moment.isoformat() if isinstance(moment, date) else moment


class AlarmSettings(ProductModel):
    """How alarm files are read, and what is planned."""

    year: int | None = Field(default=None, ge=1990, le=2100)
    """For timestamps that carry none; None means the year of the file's last change."""
    maintenance: tuple[MaintenanceWindow, ...] = ()


class CallerSettings(ProductModel):
    """Which tier instance a client of a token issuer runs on."""

    issuer: str
    client: str
    tier: str
    """A tier instance of the catalogue, such as `region`."""
    networks: tuple[str, ...] = ()
    """CIDRs the caller must come from; empty means any."""
    statement_keys: Path | None = None
    """JSON Web Key Set, from the site directory, with which this caller signs whom it acts for;
    without it nobody is recorded as the person behind its requests."""


class IssuerSettings(ProductModel):
    """A token issuer beside the site itself, such as the operator's OIDC provider."""

    issuer: str = Field(min_length=1)
    """The `iss` of its tokens; bind its clients to tiers with `callers`."""
    jwks_url: str | None = None
    """Where its public keys are; fetched ones are kept and hold for a week without the line."""
    jwks_file: Path | None = None
    """Its public keys as a file, relative to the site directory."""
    audience: str | None = None
    """The `aud` its tokens carry; None is the site's own name, `tierwise-site:SITE_ID`."""

    @model_validator(mode="after")
    def _one_source(self) -> IssuerSettings:
        if (self.jwks_url is None) == (self.jwks_file is None):
            raise ValueError(f"issuer {self.issuer!r} needs either jwks_url or jwks_file")
        return self


class PolicySettings(ProductModel):
    """Which policy the gate enforces; None is the shipped reference."""

    catalogue: Path | None = None
    rules: Path | None = None


class ArtifactSettings(ProductModel):
    """Who may release what decides here: policy, salience filter, embedding model."""

    trusted_keys: tuple[Path, ...] = ()
    """Ed25519 public keys (PEM); paths are from the site directory. None demands no signature."""


class BudgetSettings(ProductModel):
    """What one principal may take out of the site in an hour, whatever it asks for."""

    tokens_per_hour: int = Field(default=400_000, ge=0)
    records_per_hour: int = Field(default=20_000, ge=0)
    """Raw records (alarm lines, tickets, configuration blocks) quoted."""
    identifiers_per_hour: int = Field(default=5_000, ge=0)
    """Distinct identifiers, as pseudonyms."""
    typed_identifiers_per_hour: int = Field(default=200, ge=0)
    """Distinct identifiers masked in what one principal types: whoever types one can test whether
    its pseudonym was in an answer."""
    answer_tokens: int = Field(default=12_000, ge=500)
    """Largest single answer."""


class TicketSettings(ProductModel):
    """How ticket exports are read."""

    mapping: dict[str, str] = Field(default_factory=dict)
    """Our column name -> the export's column name."""


class EmbeddingSettings(ProductModel):
    """Which embedding model the knowledge base uses."""

    model: str = "all-MiniLM-L6-v2"
    engine: str = "onnx-int8"
    """`onnx-int8` (the default artifact) or `torch` (sentence-transformers)."""


class IntakeSource(ProductModel):
    """A sender that signs its deliveries because it cannot carry a bearer token."""

    name: str = Field(min_length=1, max_length=64)
    secret_file: Path
    """File with the shared secret; a relative path is from the site directory."""


class SyslogIntake(ProductModel):
    """Where log lines are listened for; None does not listen."""

    udp: str | None = None
    """`address:port`, such as `0.0.0.0:5514`."""
    tcp: str | None = None
    networks: tuple[str, ...] = Field(default=("127.0.0.0/8", "::1/128"), min_length=1)
    """CIDRs that senders are in; syslog knows no credential, so others are not heard."""


class TrapUser(ProductModel):
    """An SNMPv3 user that sends notifications."""

    name: str = Field(min_length=1, max_length=32)
    auth: Literal["md5", "sha", "sha224", "sha256", "sha384", "sha512"] | None = None
    auth_file: Path | None = None
    """File with the passphrase, from the site directory."""
    privacy: Literal["des", "aes128", "aes192", "aes256"] | None = None
    privacy_file: Path | None = None
    engine_ids: tuple[Annotated[str, Field(pattern=r"^([0-9A-Fa-f]{2}){5,32}$")], ...] = ()
    """Engine ids of the elements whose traps this user signs, in hexadecimal; informs need none."""

    @model_validator(mode="after")
    def _whole(self) -> TrapUser:
        if (self.auth is None) != (self.auth_file is None):
            raise ValueError(f"user {self.name!r} needs auth and auth_file, or neither")
        if (self.privacy is None) != (self.privacy_file is None):
            raise ValueError(f"user {self.name!r} needs privacy and privacy_file, or neither")
        if self.privacy is not None and self.auth is None:
            raise ValueError(f"user {self.name!r} cannot have privacy without auth")
        return self


class TrapIntake(ProductModel):
    """Where SNMP notifications are listened for; None does not listen."""

    udp: str | None = None
    """`address:port`, such as `0.0.0.0:5162`."""
    networks: tuple[str, ...] = Field(default=("127.0.0.0/8", "::1/128"), min_length=1)
    """CIDRs that senders are in."""
    communities_file: Path | None = None
    """File with the communities of v1 and v2c, one a line; None takes neither version."""
    users: tuple[TrapUser, ...] = ()


class KafkaTopic(ProductModel):
    """A topic with alarms."""

    name: str = Field(min_length=1, max_length=249)
    format: str = "generic"
    """As in `/intake/{format}`."""


class KafkaIntake(ProductModel):
    """Topics that are read for alarms (extra `kafka`)."""

    servers: tuple[str, ...] = Field(min_length=1)
    """Brokers to ask first, `host:port`."""
    topics: tuple[KafkaTopic, ...] = Field(min_length=1)
    group: str | None = None
    """Consumer group; None is `tierwise-SITE_ID`."""
    tls: bool = True
    ca_file: Path | None = None
    """Authority of the brokers' certificates, where it is the operator's own."""
    user: str | None = None
    """For SASL SCRAM-SHA-512, with `password_file`."""
    password_file: Path | None = None

    @model_validator(mode="after")
    def _protected(self) -> Self:
        if (self.user is None) != (self.password_file is None):
            raise ValueError("name user and password_file, or neither")
        if self.user is not None and not self.tls:
            raise ValueError("a password does not travel without tls")
        return self


def _refuse_clear_text(url: str) -> None:
    """Refuse a URL that would carry a credential in the clear."""
    host = urlsplit(url).hostname or ""
    if url.startswith("http:") and host not in ("localhost", "127.0.0.1", "::1"):
        raise ValueError("url must begin with https://, except for a loopback address")


class AlarmHub(ProductModel):
    """A TMF642 alarm server that sends its events to this site."""

    name: str = Field(min_length=1, max_length=64)
    url: str = Field(pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$")
    """Base of its API, such as `https://oss.example.net/tmf-api/alarmManagement/v4`."""
    callback: str = Field(pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$")
    """How the server reaches this site: the base URL of `tierwise-site serve`."""
    query: str | None = None
    """Which events, in the server's query language, such as `eventType=AlarmCreateEvent`."""
    token_file: Path | None = None
    """File with a bearer token for the server; paths are from the site directory."""
    ca_file: Path | None = None
    """Certificates to trust, where the server's is of the operator's own authority."""

    @model_validator(mode="after")
    def _protected(self) -> Self:
        _refuse_clear_text(self.url)
        _refuse_clear_text(self.callback)
        return self


class IntakeSettings(ProductModel):
    """How live alarms come in."""

    sources: tuple[IntakeSource, ...] = ()
    syslog: SyslogIntake = SyslogIntake()
    traps: TrapIntake = TrapIntake()
    kafka: KafkaIntake | None = None
    hubs: tuple[AlarmHub, ...] = ()
    """TMF642 servers to register with."""
    keep_days: int = Field(default=92, ge=1)
    """How long files of `alarms/received/` are kept, and with them what the store knows of them."""


class RateSettings(ProductModel):
    """How often one principal may call."""

    calls_per_second: int = Field(default=100, ge=1)
    """A burst; more are answered with 429, or over stdio with an error that says when to retry."""
    calls_per_minute: int = Field(default=3_000, ge=1)


class TlsSettings(ProductModel):
    """Certificates of `tierwise-site serve`; paths are relative to the site directory."""

    certificate: Path
    """PEM with the certificate and its chain."""
    key: Path
    client_ca: Path | None = None
    """With it, every client has to show a certificate that this authority signed."""


class EdgeModelServer(ProductModel):
    """A small model that rewrites briefs: any OpenAI-compatible server of the site."""

    base_url: str = Field(pattern=r"^https?://[^\s?#]+$", max_length=512)
    """Up to and including `/v1`."""
    model: str = Field(min_length=1, max_length=128)
    tier: str
    """The tier instance of the catalogue where that server runs; the gate decides by it."""
    seconds: float = Field(default=20.0, gt=0, le=120)
    """Longest time that a brief waits for it."""


class KnowledgeSettings(ProductModel):
    """Where the knowledge base keeps its vectors."""

    chroma_url: str | None = Field(default=None, pattern=r"^https?://[^/?#@\s]+/?$")
    """A Chroma server beside the data; None keeps the vectors in the store."""


PageOrigin = Annotated[
    str,
    Field(
        pattern=r"^(https://[A-Za-z0-9.-]+|http://(localhost|127\.0\.0\.1|\[::1\]))(:[0-9]{1,5})?$"
    ),
]
"""One origin as a browser writes it: no path, no wildcard; https, but for loopback."""


class ServingSettings(ProductModel):
    """How the tool servers are reached."""

    allowed_hosts: tuple[str, ...] = ()
    """Host headers accepted beside loopback, such as `noc-tools.example.net:8700`."""
    allowed_origins: tuple[str, ...] = ()
    page_parents: tuple[PageOrigin, ...] = ()
    """Origins whose pages may frame `/compose` and `/reveal/frame`, such as
    `https://console.example.net`."""
    rate: RateSettings = RateSettings()
    tls: TlsSettings | None = None
    """None serves plain HTTP: on loopback, or behind a proxy that ends TLS."""


class CloudSettings(ProductModel):
    """The cloud half that is told of incidents."""

    url: str = Field(pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$")
    """Its base URL; https, but for loopback. Envelopes go to `/triggers/site` below it."""
    tier: str = "region"
    """Tier instance of the catalogue that it runs on: what the gate decides by."""
    token_file: Path | None = None
    """File with its bearer token; paths are from the site directory."""
    secret_file: Path | None = None
    """File with the secret that envelopes are signed with."""
    ca_file: Path | None = None
    """Certificates to trust, where the cloud half's is of the operator's own authority."""

    @model_validator(mode="after")
    def _protected(self) -> Self:
        _refuse_clear_text(self.url)
        if self.token_file is None and self.secret_file is None:
            raise ValueError("name a token_file, a secret_file, or both")
        return self


class NetBoxSettings(ProductModel):
    """A NetBox that knows the site's cables."""

    url: str = Field(pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$")
    token_file: Path
    """File with a read-only API token; paths are from the site directory."""
    ca_file: Path | None = None
    """Certificates to trust, where its certificate is of the operator's own authority."""

    @model_validator(mode="after")
    def _protected(self) -> Self:
        _refuse_clear_text(self.url)
        return self


class SiteSettings(ProductModel):
    """The content of `site.yaml`."""

    site_id: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    name: str = ""
    country: str | None = Field(default=None, pattern=r"^[A-Z]{2}$")
    """ISO 3166-1 alpha-2; None is unknown, and nothing in-country can then be told."""
    tier: str = "outposts"
    """The tier instance this site is."""
    timezone: str = "UTC"
    alarms: AlarmSettings = AlarmSettings()
    tickets: TicketSettings = TicketSettings()
    subscriber_prefixes: tuple[str, ...] = ()
    """CIDRs whose addresses belong to subscribers; element addresses stay readable."""
    mask_all_ips: bool = False
    circuit_ids: tuple[str, ...] = ()
    """Regular expressions (RE2) of customer circuit ids."""
    callers: tuple[CallerSettings, ...] = ()
    issuers: tuple[IssuerSettings, ...] = ()
    """Token issuers that are trusted beside the site's own key."""
    policy: PolicySettings = PolicySettings()
    artifacts: ArtifactSettings = ArtifactSettings()
    budgets: BudgetSettings = BudgetSettings()
    embedding: EmbeddingSettings = EmbeddingSettings()
    knowledge: KnowledgeSettings = KnowledgeSettings()
    serving: ServingSettings = ServingSettings()
    intake: IntakeSettings = IntakeSettings()
    cloud: CloudSettings | None = None
    """Who is told of incidents; None tells nobody."""
    netbox: NetBoxSettings | None = None
    """Where cables are kept; None asks nobody."""
    edge_slm: EdgeModelServer | None = None
    """None: briefs are extracted and no model reads them on the site."""

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, name: str) -> str:
        site_timezone(name)
        return name


@dataclass(frozen=True)
class SiteDirectory:
    """A site directory that has a readable `site.yaml`."""

    path: Path
    settings: SiteSettings

    @classmethod
    def open(cls, path: Path) -> SiteDirectory:
        """Read `site.yaml` under `path`.

        Raises:
            SiteDirectoryError: No such directory or file, or not YAML.
            SettingsError: A key is unknown or its value does not fit; every problem is named.
        """
        file = path / "site.yaml"
        if not path.is_dir():
            raise SiteDirectoryError(
                f"{path} is not a directory; `tierwise-site init {path}` makes one"
            )
        try:
            content = yaml.safe_load(file.read_text(encoding="utf-8"))
        except FileNotFoundError as exc:
            raise SiteDirectoryError(
                f"{file} is missing; `tierwise-site init {path}` writes one"
            ) from exc
        except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as exc:
            raise SiteDirectoryError(f"{file} {unreadable(exc)}") from exc
        return cls(path, _settings(content, file))

    @property
    def home(self) -> Home:
        """Where this site's data lives, for the placement policy."""
        return Home(site=self.settings.site_id, country=self.settings.country, on_premises=True)

    @property
    def timezone(self) -> tzinfo:
        """The zone of every time that carries none."""
        return site_timezone(self.settings.timezone)

    @property
    def alarms(self) -> Path:
        """Alarm files, as they came."""
        return self.path / "alarms"

    @property
    def tickets(self) -> Path:
        """Ticket exports."""
        return self.path / "tickets"

    @property
    def docs(self) -> Path:
        """Vendor documents and runbooks."""
        return self.path / "docs"

    @property
    def configs(self) -> Path:
        """The configuration repository."""
        return self.path / "configs"

    @property
    def neighbors(self) -> Path:
        """Saved LLDP and CDP outputs of elements."""
        return self.path / "neighbors"

    @property
    def store(self) -> Path:
        """Ours: may be deleted and rebuilt, except vault, ledger and keys."""
        return self.path / "store"

    @property
    def topology_file(self) -> Path:
        """The topology table."""
        return self.path / "topology.csv"

    @cached_property
    def topology(self) -> Topology:
        """The site's topology; empty when there is no table.

        Raises:
            SiteDirectoryError: The table cannot be read; names the line.
        """
        try:
            text = self.topology_file.read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            return Topology()
        except (OSError, UnicodeDecodeError) as exc:
            raise SiteDirectoryError(f"{self.topology_file} cannot be read: {exc}") from exc
        return read_topology_csv(text, name=str(self.topology_file))


def _settings(content: Any, file: Path) -> SiteSettings:
    """Validate what YAML gave (any shape, hence Any)."""
    if not isinstance(content, dict):
        raise SettingsError(f"{file} must be a mapping with at least `site_id: NAME`")
    try:
        return SiteSettings.model_validate(content)
    except ValidationError as exc:
        raise SettingsError(f"{file}: {unfit(exc, SiteSettings)}") from exc
