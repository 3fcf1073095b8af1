"""What is placed: workloads, their data classes, their phase of the AI life cycle, and tiers.

The names are those of the reference table; `placement` decides over them, `agents` declares them.
"""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from telecom.schema import ProductModel


class TierKind(StrEnum):
    """The kinds of place a workload can run in."""

    REGION = "region"
    LOCAL_ZONE = "local_zone"
    DEDICATED_LOCAL_ZONE = "dedicated_local_zone"
    OUTPOSTS = "outposts"
    AI_FACTORY = "ai_factory"


class LifecyclePhase(StrEnum):
    """The ten phases of an AI workload's life."""

    DATA_PREPARATION = "data_preparation"
    FOUNDATION_MODEL_TRAINING = "foundation_model_training"
    FINE_TUNING = "fine_tuning"
    CONTEXT_CREATION = "context_creation"
    REAL_TIME_INFERENCE = "real_time_inference"
    INTERACTIVE_INFERENCE = "interactive_inference"
    BATCH_INFERENCE = "batch_inference"
    EDGE_PREFILTERING = "edge_prefiltering"
    MODEL_OPTIMIZATION = "model_optimization"
    AGENTIC_ORCHESTRATION = "agentic_orchestration"


class Dimension(StrEnum):
    """The four dimensions, in order of precedence."""

    SOVEREIGNTY = "sovereignty"
    LATENCY = "latency"
    DATA_GRAVITY = "data_gravity"
    OPERATIONS = "operations"


DataClass = str
"""A catalogued data class such as `alarms_raw`. Open by design: a class the catalogue does not know
counts as the most closed one."""


class Home(ProductModel):
    """Where a workload's data lives."""

    site: str | None = None
    country: str | None = None
    """ISO 3166-1 alpha-2; None when unknown, which no in-country rule accepts."""
    on_premises: bool = True


class WorkloadProfile(ProductModel):
    """A piece of work to be placed: what it is, what data it reads, how fast it must be."""

    name: str
    phase: LifecyclePhase
    data_classes: tuple[DataClass, ...]
    """Classes of everything the workload reads; empty counts as unknown, and so as closed."""
    home: Home = Home()
    latency_budget_ms: float | None = Field(default=None, gt=0)
    """End-to-end budget of one call; None for batch."""
    data_gb: float = Field(default=0.0, ge=0)
    """How much data one run has to read."""
    pseudonymized: bool = False
    anonymized: bool = False
    summarized: bool = False
