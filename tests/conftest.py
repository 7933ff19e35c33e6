"""Settings of every test: hypothesis draws the same examples on every run and keeps no database."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("lrdecay", derandomize=True, database=None, deadline=None)
settings.load_profile("lrdecay")
