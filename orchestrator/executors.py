"""Executors: what stands behind a tier instance, as `tierwise.yaml` words it.

in_process                      the orchestrator itself runs there
http://host:8700                a site half's tool servers (MCP) run there
bedrock                         Bedrock, with the model that the catalogue's routing picks
bedrock:MODEL_ID                Bedrock, with this foundation model, profile or router
openai:http://host/v1#MODEL     an OpenAI-compatible server (vLLM, llama.cpp, ...)
"""

from __future__ import annotations

from dataclasses import dataclass

from telecom.errors import SettingsError


@dataclass(frozen=True, slots=True)
class InProcess:
    """The orchestrator's own process."""


@dataclass(frozen=True, slots=True)
class McpEndpoint:
    """Tool servers under one base URL."""

    url: str


@dataclass(frozen=True, slots=True)
class SiteTools:
    """The tool servers of the site that is asked, wherever they are."""


@dataclass(frozen=True, slots=True)
class BedrockEndpoint:
    """A model on Amazon Bedrock."""

    model_id: str | None = None
    """None leaves the choice to the catalogue's routing."""


@dataclass(frozen=True, slots=True)
class OpenAiEndpoint:
    """A model on an OpenAI-compatible server."""

    base_url: str
    model: str


Executor = InProcess | McpEndpoint | SiteTools | BedrockEndpoint | OpenAiEndpoint

_SCHEMES = ("http://", "https://")


def read_executor(text: str) -> Executor:
    """Read one executor.

    Raises:
        SettingsError: It is none of the five forms.
    """
    kind, _, rest = text.strip().partition(":")
    if text.strip() == "in_process":
        return InProcess()
    if text.startswith(_SCHEMES):
        return McpEndpoint(text.strip().rstrip("/"))
    if kind == "bedrock":
        return BedrockEndpoint(rest or None)
    if kind == "openai" and rest.startswith(_SCHEMES):
        url, _, model = rest.partition("#")
        return OpenAiEndpoint(url.rstrip("/"), model or "default")
    raise SettingsError(
        f"an executor must be in_process, an MCP URL, bedrock[:MODEL_ID] or "
        f"openai:URL[#MODEL], got {text!r}"
    )
