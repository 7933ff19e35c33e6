"""Without keras, or without the backend it looks for: one sentence with the way out."""

from __future__ import annotations

import pytest
from tests.adapters.absent import last_line_without


def test_the_adapter_says_how_to_install_keras() -> None:
    line = last_line_without(["keras"], "import lrdecay.adapters.keras")

    assert line.startswith("lrdecay.errors.MissingExtraError: `lrdecay.adapters.keras` must have keras")
    assert line.endswith("Run: pip install 'lrdecay[keras]'")


def test_a_backend_that_is_not_installed_is_said_with_how_to_choose_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    line = last_line_without(["tensorflow"], "import lrdecay.adapters.keras")

    assert line.startswith(
        "lrdecay.errors.MissingExtraError: `lrdecay.adapters.keras` must find Keras' backend, got no"
    )
    assert line.endswith("before Python starts: KERAS_BACKEND=jax, or torch.")
