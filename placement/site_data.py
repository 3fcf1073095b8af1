"""What `tierwise-site assess data` writes and steps two to four read: one site, counts only."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from placement.assessment import DataAssessment
from placement.latency import LatencySample
from telecom.errors import SettingsError
from telecom.evidence import Gap
from telecom.schema import ProductModel
from telecom.workload import Home


class AlarmVolume(ProductModel):
    """How much alarm text arises at a site, and what folding leaves of it. All of it measured."""

    records: int = Field(ge=0)
    """Alarm records of the hours that were looked at."""
    hours: float = Field(gt=0)
    incident_records: int = Field(gt=0)
    """Records of the newest incident."""
    incident_tokens: int = Field(gt=0)
    """Its raw text."""
    brief_tokens: int = Field(ge=0)
    """What a model reads instead."""
    fold_ms: float = Field(ge=0)
    """How long the site took to fold it."""
    compression: float = Field(le=1)
    """Share of the raw tokens that never reaches a model; below 0 when a brief is longer."""
    events_per_hour: float = Field(ge=0)
    """The hourly records in portions of this incident's size."""


class SiteData(DataAssessment):
    """Step one for one site, ready to leave it: names of classes and fields, counts, no values."""

    version: Literal[1] = 1
    site: str
    country: str | None
    tier: str
    """The tier instance that the site is."""
    assessed_at: datetime
    alarms: AlarmVolume | None
    """None when the site holds no alarm with a time."""
    gaps: tuple[Gap, ...] = ()
    """What could not be looked at."""

    @property
    def home(self) -> Home:
        """Where the data lives."""
        return Home(site=self.site, country=self.country, on_premises=True)

    @property
    def samples(self) -> tuple[LatencySample, ...]:
        """What was timed on the site itself, where no network lies between."""
        if self.alarms is None:
            return ()
        return (
            LatencySample(
                tier=self.tier, tool="summarize_alarms", round_trip_ms=self.alarms.fold_ms
            ),
        )


def read_site_data(path: Path) -> SiteData:
    """Read what `tierwise-site assess data` wrote.

    Raises:
        SettingsError: Missing, or something else; names every problem.
    """
    try:
        return SiteData.model_validate_json(path.read_bytes())
    except OSError as exc:
        raise SettingsError(
            f"{path} cannot be read: {exc.strerror}; `tierwise-site assess data DIR` writes "
            "DIR/store/assessment/data.json"
        ) from exc
    except ValidationError as exc:
        problems = "; ".join(
            f"{'.'.join(map(str, error['loc'])) or 'file'}: {error['msg']}"
            for error in exc.errors(include_url=False, include_input=False)[:5]
        )
        raise SettingsError(
            f"{path} is not what `tierwise-site assess data` writes: {problems}"
        ) from exc
