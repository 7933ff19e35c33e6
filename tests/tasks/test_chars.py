"""`chars` reads any text and learns what can be learned of it, and no more."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from lrdecay.errors import InputError
from lrdecay.tasks.chars import _read, _windows, chars

FAITHFUL, SYMBOLS = 0.8, 8


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A text whose next letter is the following one with chance 0.8, and else any of the eight."""
    generator = np.random.default_rng(0)
    letters = [0]
    for _ in range(40_000):
        followed = generator.random() < FAITHFUL
        letters.append((letters[-1] + 1) % SYMBOLS if followed else int(generator.integers(SYMBOLS)))
    path = tmp_path_factory.mktemp("chain") / "chain.txt"
    path.write_text("".join("abcdefgh"[i] for i in letters), encoding="utf-8")
    return path


def entropy() -> float:
    """Of the next letter given the last, in nats: what no model can beat."""
    likely, other = FAITHFUL + (1 - FAITHFUL) / SYMBOLS, (1 - FAITHFUL) / SYMBOLS
    return float(-likely * np.log(likely) - (SYMBOLS - 1) * other * np.log(other))


@pytest.mark.parametrize(("model", "peak"), [("transformer", 3e-3), ("gru", 1e-2)])
def test_a_run_learns_what_there_is_to_learn_and_cannot_learn_more(chain: Path, model: str, peak: float) -> None:
    task = chars(0, text=str(chain), model=model, context=32, width=32, steps=150)
    assert (task.metric, task.goal) == ("loss", "min")
    before = task.evaluate()["loss"]
    rates = peak * (1 - np.arange(150) / 150)
    logged = task.advance({"lr": rates})["loss"]
    after = task.evaluate()["loss"]
    assert before > 0.95 * np.log(SYMBOLS)
    assert logged[-20:].mean() < 0.75 * logged[:5].mean()
    assert entropy() - 0.1 < after < entropy() + 0.15


def test_targets_are_the_inputs_one_letter_on() -> None:
    x, y = _windows(torch.arange(23), context=5)
    assert x.shape == y.shape == (4, 5)
    assert x.flatten().tolist() == list(range(20))
    assert torch.equal(y, x + 1)
    assert len(_windows(torch.arange(26), context=5)[0]) == 5
    assert len(_windows(torch.arange(25), context=5)[0]) == 4  # the last one has no letter after it


def test_any_language_is_read_as_its_characters(tmp_path: Path) -> None:
    written = "naïve 学习率 🙂\nnaïve"
    (tmp_path / "t.txt").write_text(written, encoding="utf-8")
    symbols, numbers = _read(tmp_path / "t.txt")
    assert symbols == "".join(sorted(set(written)))
    assert "".join(symbols[i] for i in numbers) == written
    assert numbers.dtype == torch.int64


def test_the_horizon_counts_tokens(chain: Path) -> None:
    horizon = chars(0, text=str(chain), context=16, batch_size=8, steps=77).horizon
    assert (horizon.steps, horizon.tokens_per_step, horizon.batch_size) == (77, 128, 8)
    assert horizon.samples_per_epoch == 36_000 // 16 - (36_000 % 16 == 0)


def test_the_last_tenth_and_only_it_is_held_out(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("ab" * 450 + "ba" * 50)  # the last tenth is told from the rest by its order
    task = chars(0, text=str(tmp_path / "t.txt"), context=9, width=16, batch_size=16, steps=60)
    task.advance({"lr": np.full(60, 1e-2)})
    assert task.evaluate("train")["loss"] < 0.1
    (tmp_path / "u.txt").write_text("ab" * 450 + "aa" * 50)
    other = chars(0, text=str(tmp_path / "u.txt"), context=9, width=16, batch_size=16, steps=60)
    other.advance({"lr": np.full(60, 1e-2)})
    assert other.evaluate("train") == task.evaluate("train")
    assert other.evaluate()["loss"] > 1 > 0.1 > task.evaluate()["loss"]


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.bin").write_bytes(b"\xff\xfe\x00\x81" * 400)
    for path, words in ((tmp_path / "t.bin", "must be a text file in UTF-8"), (tmp_path, "that exists")):
        with pytest.raises(InputError, match=words) as caught:
            chars(0, text=str(path))
        assert "\n" not in str(caught.value)


def test_an_empty_or_short_text_is_refused(tmp_path: Path) -> None:
    for written in ("", "a", "short"):
        (tmp_path / "t.txt").write_text(written)
        with pytest.raises(InputError, match="must hold more than context=64 characters"):
            chars(0, text=str(tmp_path / "t.txt"))
