"""Without optax or jax: one sentence with the pip line."""

from __future__ import annotations

import pytest
from tests.adapters.absent import last_line_without


@pytest.mark.parametrize("absent", ["optax", "jax"])
def test_the_adapter_says_how_to_install_what_is_absent(absent: str) -> None:
    line = last_line_without([absent], "import lrdecay.adapters.optax")

    assert line.startswith("lrdecay.errors.MissingExtraError: `lrdecay.adapters.optax` must have optax and jax")
    assert line.endswith("Run: pip install 'lrdecay[optax]'")
