"""Without keras: one sentence with the pip line."""

from __future__ import annotations

from tests.adapters.absent import last_line_without


def test_the_adapter_says_how_to_install_keras() -> None:
    line = last_line_without(["keras"], "import lrdecay.adapters.keras")

    assert line.startswith("lrdecay.errors.MissingExtraError: `lrdecay.adapters.keras` must have keras")
    assert line.endswith("Run: pip install 'lrdecay[keras]'")
