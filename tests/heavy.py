"""Tests that take long and repeat, at length, what quicker ones show."""

from __future__ import annotations

import os

import pytest

heavy = pytest.mark.skipif(not os.environ.get("CI"), reason="takes long; runs where CI is set")
