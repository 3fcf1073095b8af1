"""`tierwise.yaml` and the environment become one Settings, or one clear error."""

from __future__ import annotations

import pytest

from orchestrator.executors import (
    BedrockEndpoint,
    InProcess,
    McpEndpoint,
    OpenAiEndpoint,
    read_executor,
)
from orchestrator.settings import Settings, explain, load_settings
from telecom.errors import SettingsError


def written(tmp_path, text):
    file = tmp_path / "tierwise.yaml"
    file.write_text(text)
    return file


def test_a_flag_wins_over_the_environment_over_the_file_over_the_default(tmp_path):
    """House style: precedence flag > environment > file > default."""
    file = written(tmp_path, "analyst: slm\ntier: outposts\n")
    environment = {"TIERWISE_ANALYST": "bedrock", "AWS_REGION": "eu-central-1"}
    settings = load_settings(file, environment=environment)
    assert (settings.analyst, settings.tier, settings.own_country) == ("bedrock", "outposts", "DE")
    assert (
        load_settings(file, environment=environment, flags={"analyst": "rules"}).analyst == "rules"
    )
    assert load_settings(None, environment={}) == Settings()


def test_relative_paths_are_relative_to_the_file(tmp_path):
    """Us: a settings file works from any folder."""
    file = written(
        tmp_path,
        "sites: [{name: a, url: 'http://x', token_file: t}, {name: b, site_dir: s}]\n"
        "policy: {catalogue: c.yaml}\nstate: st.sqlite\n",
    )
    settings = load_settings(file, environment={})
    assert settings.sites[0].token_file == tmp_path / "t"
    assert settings.sites[1].site_dir == tmp_path / "s"
    assert settings.policy.catalogue == tmp_path / "c.yaml"
    assert settings.state_address == str(tmp_path / "st.sqlite")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("nonsense: 1", "nonsense"),
        ("sites: [{name: a}]", "either url or site_dir"),
        ("sites: [{name: a, url: 'http://x'}, {name: a, url: 'http://y'}]", "same name"),
        ("executors: {region: somewhere}", "in_process"),
        ("executors: 7", "executors"),
        ("country: Germany", "country"),
        ("budgets: {model_turns: 0}", "model_turns"),
        ("- a list", "mapping"),
        ("a: [", "YAML"),
    ],
)
def test_a_file_that_does_not_fit_is_named_with_its_key(tmp_path, text, why):
    """Bad input: one error with every problem."""
    with pytest.raises(SettingsError, match=why) as caught:
        load_settings(written(tmp_path, text), environment={})
    assert "tierwise.yaml" in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    """Bad input."""
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(tmp_path / "none.yaml", environment={})


@pytest.mark.parametrize(
    ("text", "executor"),
    [
        ("in_process", InProcess()),
        ("http://lz:8700/", McpEndpoint("http://lz:8700")),
        ("bedrock", BedrockEndpoint()),
        ("bedrock:eu.amazon.nova-pro-v1:0", BedrockEndpoint("eu.amazon.nova-pro-v1:0")),
        ("openai:http://slm/v1#qwen", OpenAiEndpoint("http://slm/v1", "qwen")),
    ],
)
def test_an_executor_is_read_from_its_five_forms(text, executor):
    """INTERFACES: in_process | MCP url | model endpoint."""
    assert read_executor(text) == executor


def test_every_key_is_documented():
    """INTERFACES: every key documented by `doctor --explain`."""
    keys = {key: says for key, _, says in explain()}
    assert {"sites", "executors", "policy.catalogue", "state", "budgets.model_turns"} <= set(keys)
    assert all(says for says in keys.values())
