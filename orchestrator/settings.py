"""`tierwise.yaml`: the settings of the cloud half, read once at the front door.

A flag wins over the environment, the environment over the file, the file over the default. The
docstrings of the keys are what `tierwise doctor --explain` prints.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import ConfigDict, Field, ValidationError, field_validator, model_validator

from orchestrator.console_settings import Console
from orchestrator.executors import Executor, read_executor
from orchestrator.regions import COUNTRY_OF_REGION
from orchestrator.service_settings import (
    Documented,
    HourlyBudgets,
    Principal,
    Service,
    Sink,
    TriggerQueue,
    TriggerSource,
)
from telecom.errors import SettingsError
from telecom.schema import ProductModel
from telecom.settings_problems import unfit, unreadable
from telecom.workload import Home

AnalystName = Literal["rules", "bedrock", "slm"]


def is_database_url(state: str | Path) -> bool:
    """Whether a `state:` names a PostgreSQL database, not a file."""
    return str(state).startswith(("postgresql://", "postgres://"))


class SiteStatement(ProductModel):
    """What a site says about itself with each of its answers; it may say more."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    site: str | None = None
    country: str | None = Field(default=None, pattern=r"^[A-Z]{2}$")
    tier: str | None = None


class SiteDeclaration(Documented):
    """One site: where it is and what it is."""

    name: str = Field(min_length=1, max_length=64)
    """What the site is called in reports."""
    site_id: str | None = None
    """The id the site has for itself; by default what it says, and its name until then."""
    url: str | None = None
    """Base URL of `tierwise-site serve`; the three tool servers are under it."""
    site_dir: Path | None = None
    """A site directory instead of a URL: its tools are started as a child process over stdio."""
    token_file: Path | None = None
    """File with the bearer token for `url`, as `tierwise-site token` prints it."""
    ca_file: Path | None = None
    """PEM of the authority that signed the certificate of an https `url`, where it is the
    operator's own; by default the public ones are trusted."""
    tier: str = "outposts"
    """The tier instance that the site is; undeclared, what the site says of itself holds."""
    country: str | None = Field(default=None, pattern=r"^[A-Z]{2}$")
    """ISO 3166-1 alpha-2 country of the site. Undeclared, what the site says of itself holds; as
    long as it is unknown, everything but the site itself is closed."""
    transport: Literal["direct", "gateway"] = "direct"
    """`direct` speaks to the site's three servers, `gateway` to one endpoint that has all tools."""
    neighbors: tuple[str, ...] = ()
    """Sites that share links with this one: an incident here is looked into there, too."""
    tool_seconds: float | None = Field(default=None, gt=0)
    """Longest wait for one answer of this site; by default `budgets.tool_seconds`."""

    @model_validator(mode="after")
    def _one_way_in(self) -> SiteDeclaration:
        if (self.url is None) == (self.site_dir is None):
            raise ValueError(f"site {self.name!r} needs either url or site_dir")
        return self

    @property
    def home(self) -> Home:
        """Where this site's data lives, for the placement policy."""
        return Home(site=self.site_id or self.name, country=self.country, on_premises=True)

    def completed_by(self, told: SiteStatement) -> SiteDeclaration:
        """This declaration, with what it leaves open as the site itself says."""
        facts = {"site_id": told.site, "country": told.country, "tier": told.tier}
        return self.model_copy(
            update={
                key: value
                for key, value in facts.items()
                if value is not None and key not in self.model_fields_set
            }
        )

    def contradicted_by(self, told: SiteStatement) -> Iterator[tuple[str, str, str]]:
        """What is declared and the site says otherwise: key, declared value, the site's."""
        pairs = (("country", self.country, told.country), ("tier", self.tier, told.tier))
        for key, declared, says in pairs:
            if key not in self.model_fields_set or declared is None or says is None:
                continue
            if declared != says:
                yield key, declared, says


class PolicyFiles(Documented):
    """Which policy decides; empty is the shipped reference."""

    catalogue: Path | None = None
    """Catalogue of data classes, tiers, phases and models (YAML)."""
    rules: Path | None = None
    """Placement rules (Cedar)."""


class Budgets(Documented):
    """What one investigation may take."""

    tool_seconds: float = Field(default=30.0, gt=0)
    """Longest wait for one answer of a site."""
    brief_tokens: int = Field(default=2000, ge=200, le=20_000)
    """Length of the alarm brief that an analyst reads."""
    model_turns: int = Field(default=6, ge=1, le=50)
    """How often a model may ask back before it has to answer."""
    model_first_token_seconds: float = Field(default=30.0, gt=0)
    """Longest silence of a model."""
    model_seconds: float = Field(default=120.0, gt=0)
    """Longest time for one turn of a model, retries included."""
    model_tokens: int = Field(default=60_000, ge=1_000)
    """Tokens that models may read and write in one investigation, all turns together."""
    model_usd: float = Field(default=0.50, gt=0)
    """What models may cost in one investigation; holds where the price is known."""
    lookups: int = Field(default=6, ge=0, le=50)
    """How many predictions of the hypotheses are looked up at the sites."""
    seconds: float = Field(default=600.0, gt=0)
    """Longest time for one investigation; when it is over, it reports what is known."""


class Settings(Documented):
    """The settings of one process."""

    tier: str = "region"
    """The tier instance that this orchestrator runs on. Environment: TIERWISE_TIER."""
    country: str | None = Field(default=None, pattern=r"^[A-Z]{2}$")
    """Its country; by default that of AWS_REGION. Environment: TIERWISE_COUNTRY."""
    aws_region: str | None = None
    """Region of the models. Environment: AWS_REGION or AWS_DEFAULT_REGION."""
    sites: tuple[SiteDeclaration, ...] = ()
    """The sites that can be asked."""
    executors: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Tier instance -> what runs there: `in_process`, an MCP URL, `bedrock[:MODEL_ID]` or
    `openai:URL[#MODEL]`, one or a list. Added to the defaults: each site's tier runs its own tools,
    the orchestrator's tier reasons over what the sites released."""
    policy: PolicyFiles = PolicyFiles()
    """Which policy decides."""
    state: str | None = None
    """SQLite file or `postgresql://` URL (extra `postgresql`) for investigations and decisions; by
    default `~/.local/state/tierwise/state.sqlite`. Environment: TIERWISE_STATE."""
    statement_key_file: Path | None = None
    """Ed25519 key that vouches for people towards sites; made beside the state where none is named.
    Copies of one orchestrator share it: name a mounted secret where the state is a database."""
    analyst: AnalystName = "rules"
    """Who reasons: the deterministic analyst, a model on Bedrock, or a small model at the edge.
    Environment: TIERWISE_ANALYST."""
    escalation: Literal["unconfirmed", "always"] = "unconfirmed"
    """What a model reads: only what the deterministic analyst leaves below "confirmed", or
    everything. `--analyst` on the command line asks for everything."""
    bedrock_model: str | None = None
    """Model id, inference profile or router for `bedrock`; by default the catalogue's choice for
    the Region. Environment: TIERWISE_BEDROCK_MODEL."""
    bedrock_guardrail: str | None = Field(default=None, pattern=r"^[^:]+(:[^:]+)*:(\d+|DRAFT)$")
    """Guardrail that Bedrock applies, as ID:VERSION or ARN:VERSION. Environment:
    TIERWISE_BEDROCK_GUARDRAIL."""
    budgets: Budgets = Budgets()
    """What one investigation may take."""
    hourly_budgets: HourlyBudgets = HourlyBudgets()
    """What an hour may take."""
    triggers: tuple[TriggerSource, ...] = ()
    """Who may report trouble over HTTP."""
    queues: tuple[TriggerQueue, ...] = ()
    """SQS queues that are read for triggers."""
    sinks: tuple[Sink, ...] = ()
    """Who is told what an investigation found."""
    principals: tuple[Principal, ...] = ()
    """Who may use the API and decide approvals."""
    service: Service = Service()
    """How `tierwise serve` works."""
    console: Console = Console()
    """The NOC console, `tierwise serve --console`."""

    @field_validator("executors", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:  # any YAML: it is not validated yet
        if not isinstance(value, dict):
            return value
        return {key: (item,) if isinstance(item, str) else item for key, item in value.items()}

    @field_validator("executors")
    @classmethod
    def _readable(cls, value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for texts in value.values():
            for text in texts:
                try:
                    read_executor(text)
                except SettingsError as exc:
                    raise ValueError(str(exc)) from exc
        return value

    @model_validator(mode="after")
    def _distinct_names(self) -> Settings:
        sources = [*(source.name for source in self.triggers), *(q.name for q in self.queues)]
        for what, names in (
            ("sites", [site.name for site in self.sites]),
            ("trigger sources", sources),
            ("sinks", [sink.name for sink in self.sinks]),
            ("principals", [principal.name for principal in self.principals]),
        ):
            if len(names) != len(set(names)):
                raise ValueError(f"two {what} have the same name")
        return self

    @model_validator(mode="after")
    def _known_sites(self) -> Settings:
        names = {site.name for site in self.sites}
        spoken_of = {
            *(name for source in self.triggers for name in source.sites),
            *(name for queue in self.queues for name in queue.sites),
            *(name for site in self.sites for name in site.neighbors),
        }
        if unknown := sorted(spoken_of - names):
            raise ValueError(f"no site is declared as {', '.join(map(repr, unknown))}")
        return self

    @property
    def own_country(self) -> str | None:
        """The country this orchestrator runs in; None when unknown."""
        return self.country or COUNTRY_OF_REGION.get(self.aws_region or "")

    @property
    def state_address(self) -> str:
        """Where investigations and decisions are kept: a file path or a `postgresql://` URL."""
        address = self.state or "~/.local/state/tierwise/state.sqlite"
        return address if is_database_url(address) else str(Path(address).expanduser())

    @property
    def statement_key(self) -> Path:
        """The file of the key that vouches for people."""
        if self.statement_key_file is not None:
            return self.statement_key_file
        at = "" if is_database_url(self.state_address) else self.state_address
        folder = Path(at).parent if at else Path("~/.local/state/tierwise").expanduser()
        return folder / "orchestrator_ed25519.pem"

    @property
    def state_shown(self) -> str:
        """The address of the state without user and password, for people and logs."""
        if not is_database_url(self.state_address):
            return self.state_address
        at = urlsplit(self.state_address)
        return f"{at.scheme}://{at.hostname or ''}{at.path}"

    def declared_executors(self) -> dict[str, tuple[Executor, ...]]:
        """The executors of the file, read."""
        return {
            tier: tuple(read_executor(text) for text in texts)
            for tier, texts in self.executors.items()
        }


_ENVIRONMENT: Mapping[str, str] = {
    "TIERWISE_TIER": "tier",
    "TIERWISE_COUNTRY": "country",
    "AWS_DEFAULT_REGION": "aws_region",
    "AWS_REGION": "aws_region",
    "TIERWISE_STATE": "state",
    "TIERWISE_ANALYST": "analyst",
    "TIERWISE_BEDROCK_MODEL": "bedrock_model",
    "TIERWISE_BEDROCK_GUARDRAIL": "bedrock_guardrail",
}
"""Variable -> key; a later one wins."""


def load_settings(
    config: Path | None, *, environment: Mapping[str, str], flags: Mapping[str, Any] | None = None
) -> Settings:
    """Read the settings of this process.

    Args:
        config: A `tierwise.yaml`; relative paths in it are relative to its folder.
        environment: The process's environment.
        flags: Keys given on the command line; None among them were not given.

    Raises:
        SettingsError: A file cannot be read, or a key does not fit; every problem is named.
    """
    values: dict[str, Any] = {} if config is None else _read(config)
    for variable, key in _ENVIRONMENT.items():
        if environment.get(variable):
            values[key] = environment[variable]
    values.update({key: value for key, value in (flags or {}).items() if value is not None})
    try:
        return Settings.model_validate(values)
    except ValidationError as exc:
        raise SettingsError(f"{config or 'settings'}: {unfit(exc, Settings)}") from exc


def _read(config: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(config.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as exc:
        raise SettingsError(f"{config} {unreadable(exc)}") from exc
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise SettingsError(f"{config} must be a mapping of settings")
    return _anchored(content, config.parent)


def _anchored(content: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Make the file's relative paths relative to the file."""

    def anchor(holder: Any, key: str) -> None:
        if isinstance(holder, dict) and isinstance(holder.get(key), str):
            holder[key] = str(folder / Path(holder[key]).expanduser())

    for site in content.get("sites") or ():
        anchor(site, "site_dir")
        anchor(site, "token_file")
        anchor(site, "ca_file")
    for section in ("triggers", "principals", "sinks"):
        for entry in content.get(section) or ():
            anchor(entry, "secret_file")
            anchor(entry, "token_file")
    for key in ("catalogue", "rules"):
        anchor(content.get("policy"), key)
    if isinstance(console := content.get("console"), dict):
        anchor(console.get("oidc"), "client_secret_file")
    if not is_database_url(str(content.get("state"))):
        anchor(content, "state")
    anchor(content, "statement_key_file")
    return content


_SECTIONS: Mapping[str, type[ProductModel]] = {
    "policy": PolicyFiles,
    "budgets": Budgets,
    "hourly_budgets": HourlyBudgets,
    "service": Service,
    "console": Console,
}
_LISTS: Mapping[str, type[ProductModel]] = {
    "sites": SiteDeclaration,
    "triggers": TriggerSource,
    "queues": TriggerQueue,
    "sinks": Sink,
    "principals": Principal,
}


def explain() -> Iterator[tuple[str, str, str]]:
    """Every key of `tierwise.yaml` with its default and its meaning."""
    yield from _explain(Settings, "")


def _explain(model: type[ProductModel], prefix: str) -> Iterator[tuple[str, str, str]]:
    top = model is Settings
    for name, field in model.model_fields.items():
        default = "" if field.is_required() else repr(field.get_default(call_default_factory=True))
        if top and (nested := _SECTIONS.get(name)):
            yield from _explain(nested, f"{prefix}{name}.")
            continue
        yield f"{prefix}{name}", default, " ".join((field.description or "").split())
        if top and (listed := _LISTS.get(name)):
            yield from _explain(listed, f"{prefix}{name}[].")
