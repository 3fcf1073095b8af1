"""`tierwise console link` and the settings of the console."""

import asyncio
import json
from urllib.parse import parse_qs, urlsplit

import pytest
from typer.testing import CliRunner

from orchestrator.cli import app
from orchestrator.console.sessions import Engineer, Sessions
from orchestrator.settings import load_settings
from orchestrator.storage.state import open_state
from telecom.errors import SettingsError


def written(folder, console):
    """A settings file with a console section; JSON is YAML."""
    file = folder / "tierwise.yaml"
    file.write_text(json.dumps({"state": "state.sqlite", "console": console}))
    return file


def test_a_printed_link_signs_in_whom_it_names(tmp_path):
    """Issue 10: a one-time link for anybody, from another process than the one that serves."""
    file = written(tmp_path, {"public_url": "https://noc.example.net"})
    ran = CliRunner().invoke(
        app, ["console", "link", "Ada Byron", "--role", "tier-2/3", "--config", str(file)]
    )
    address = urlsplit(ran.stdout.strip())

    async def used():
        async with open_state(tmp_path / "state.sqlite") as state:
            return await Sessions(state.database).use_link(parse_qs(address.query)["link"][0])

    assert ran.exit_code == 0
    assert (address.netloc, address.path) == ("noc.example.net", "/sign-in")
    assert asyncio.run(used()) == Engineer("Ada Byron", "Ada Byron", "tier-2/3")


def test_no_link_is_printed_that_would_let_nobody_in(tmp_path):
    """Issue 10: behind a provider, a link is no way in."""
    balancer = {
        "arn": "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/noc/1",
        "public_keys": "https://keys.example.net",
    }
    file = written(tmp_path, {"sign_in": "alb", "alb": balancer, "roles": {"noc": "tier-1"}})
    ran = CliRunner().invoke(app, ["console", "link", "Ada", "--config", str(file)])
    assert ran.exit_code == 1
    assert "people sign in by alb" in ran.stderr


def test_without_the_extra_the_console_says_how_to_install_it(tmp_path, monkeypatch):
    """Issue 10: an optional part, imported only when it is asked for."""
    monkeypatch.setattr("orchestrator.commands.console.find_spec", lambda name: None)
    file = written(tmp_path, {})
    for command in (["serve", "--console"], ["console", "link", "Ada"]):
        ran = CliRunner().invoke(app, [*command, "--config", str(file)])
        assert ran.exit_code == 1
        assert "pip install 'tierwise[console]'" in ran.stderr


@pytest.mark.parametrize(
    ("console", "why"),
    [
        ({"sign_in": "oidc", "roles": {"noc": "lead"}}, "needs oidc and public_url"),
        ({"sign_in": "alb", "roles": {"noc": "lead"}}, "needs alb"),
        ({"public_url": "http://noc.example.net"}, "begins with https"),
        ({"public_url": "https://noc.example.net/console"}, "no path"),
        ({"alb": {"arn": "mine", "public_keys": "https://k"}}, "alb.arn"),
        ({"roles": {"noc": "boss"}}, "roles"),
    ],
)
def test_a_way_in_that_protects_nobody_is_refused_at_the_start(tmp_path, console, why):
    """Issue 10: closed by default; the message names the key."""
    with pytest.raises(SettingsError, match=why):
        load_settings(written(tmp_path, console), environment={})
