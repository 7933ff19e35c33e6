"""Bad logs: each is refused in one clear sentence, or put right with a note that says so; never a silent number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.logs.made import EVERY, LAST, STEPS, csv_of, loss, plain, rate

from lrdecay.errors import InputError, LrdecayError
from lrdecay.logs.cleaning import memory
from lrdecay.logs.reading import Reading, read_curves


def only(path: Path, **said: object) -> Reading:
    (reading,) = read_curves(path, **said)  # type: ignore[arg-type]
    return reading


def refused(path: Path, *words: str, **said: object) -> None:
    with pytest.raises(LrdecayError) as caught:
        only(path, **said)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message


def test_a_good_log_is_read_as_it_is_without_a_note(tmp_path: Path) -> None:
    reading = only(plain(tmp_path))
    assert reading.notes == ()
    assert np.array_equal(reading.curve.steps, STEPS)
    assert np.array_equal(reading.curve.losses, loss())
    assert reading.curve.warmup == 100
    assert reading.curve.rates == pytest.approx(rate(np.arange(LAST)), abs=1e-12)


def test_nan_losses_are_left_out_and_counted(tmp_path: Path) -> None:
    losses = loss()
    losses[[5, 9]] = np.nan
    reading = only(plain(tmp_path, losses=losses))
    assert "2 losses that are nan or infinite were left out." in reading.notes
    assert len(reading.curve.steps) == len(STEPS) - 2


def test_a_run_that_ends_in_nan_diverged(tmp_path: Path) -> None:
    losses = loss()
    losses[30:] = np.nan
    refused(plain(tmp_path, losses=losses), f"diverged at step {STEPS[30]}", "nan")


@pytest.mark.parametrize("to", [30.0, 1e6])
def test_a_loss_that_rises_above_its_start_and_stays_diverged(tmp_path: Path, to: float) -> None:
    losses = loss()
    losses[30:] = to + np.random.default_rng(1).normal(size=len(losses) - 30)
    refused(plain(tmp_path, losses=losses), f"diverged at step {STEPS[30]}")


def test_a_loss_that_comes_back_to_its_start_for_good_diverged(tmp_path: Path) -> None:
    losses = loss()
    losses[25:] = np.median(losses[:3])
    refused(plain(tmp_path, losses=losses), f"diverged at step {STEPS[25]}")


def test_a_spike_that_passes_is_no_divergence(tmp_path: Path) -> None:
    losses = loss()
    losses[20:23] = 20.0
    assert len(only(plain(tmp_path, losses=losses)).curve.steps) == len(STEPS)


def test_a_log_that_starts_late_and_hardly_falls_is_no_divergence(tmp_path: Path) -> None:
    steps = np.arange(20_000, 22_000, 50)
    reading = only(csv_of(tmp_path / "late.csv", "step,lr,loss", steps, np.full(40, 1e-3), loss(steps, noise=0.1)))
    assert len(reading.curve.steps) == 40


def test_rows_that_repeat_exactly_are_dropped(tmp_path: Path) -> None:
    twice = np.repeat(np.arange(len(STEPS)), 2)
    reading = only(plain(tmp_path, STEPS[twice], loss()[twice]))
    assert f"{len(STEPS)} losses that were logged twice were left out once." in reading.notes
    assert np.array_equal(reading.curve.losses, loss())


@pytest.mark.parametrize(
    "order",
    [np.arange(40)[::-1], np.random.default_rng(0).permutation(40), np.r_[20:40, 0:20], np.r_[0:10, 11, 10, 12:40]],
    ids=["backwards", "shuffled", "two halves", "two rows"],
)
def test_steps_out_of_order_are_sorted(tmp_path: Path, order: np.ndarray) -> None:
    reading = only(plain(tmp_path, STEPS[order], loss()[order]))
    assert any("were sorted" in note for note in reading.notes)
    assert np.array_equal(reading.curve.steps, STEPS)
    assert np.array_equal(reading.curve.losses, loss())


@pytest.mark.parametrize("off", [0, 20], ids=["on the same steps", "between them"])
def test_after_a_restart_the_later_part_counts(tmp_path: Path, off: int) -> None:
    later = np.arange(1000 + off, LAST + 1, EVERY)
    steps = np.r_[STEPS[:24], later]  # the first part went on to 1200
    losses = np.r_[loss(STEPS[:24]), loss(later, seed=5)]
    reading = only(plain(tmp_path, steps, losses))
    assert any(f"went back to step {1000 + off}, a restart" in note for note in reading.notes)
    assert np.array_equal(reading.curve.steps, np.r_[np.arange(EVERY, 1000 + off, EVERY), later])
    assert np.array_equal(reading.curve.losses[-len(later) :], loss(later, seed=5))


def test_steps_with_other_losses_keep_the_last_and_say_so(tmp_path: Path) -> None:
    steps = np.insert(STEPS, 11, STEPS[10])
    losses = np.insert(loss(), 10, 3.0)
    reading = only(plain(tmp_path, steps, losses))
    assert "1 steps have several losses; the last of each was kept." in reading.notes
    assert np.array_equal(reading.curve.losses, loss())


@pytest.mark.parametrize("last", [LAST, LAST + EVERY, LAST + 7], ids=["the same step", "rate 0", "off the spacing"])
def test_a_last_loss_far_away_is_taken_for_one_on_other_data(tmp_path: Path, last: int) -> None:
    rates = np.append(np.full(len(STEPS), 1e-3), 0.0)
    path = csv_of(tmp_path / "run.csv", "step,lr,loss", np.append(STEPS, last), rates, np.append(loss(), 3.9))
    reading = only(path)
    assert any(f"The last loss, 3.9 at step {last}, lies far" in note for note in reading.notes)
    assert np.array_equal(reading.curve.losses, loss())


def test_a_last_loss_near_by_is_kept(tmp_path: Path) -> None:
    path = csv_of(tmp_path / "run.csv", "step,lr,loss", STEPS, np.append(np.full(39, 1e-3), 0.0), loss(noise=0.1))
    assert len(only(path).curve.steps) == len(STEPS)


def test_ten_points_are_too_few_and_are_counted(tmp_path: Path) -> None:
    refused(plain(tmp_path, STEPS[:10]), "at least 12 losses", "got 10.")


def test_mixed_batch_sizes_are_refused(tmp_path: Path) -> None:
    sizes = np.where(STEPS < 1000, 256, 512)
    path = csv_of(tmp_path / "run.csv", "step,lr,loss,batch_size", STEPS, rate(STEPS), loss(), sizes)
    refused(path, "one batch size", "256", "512")


def test_one_batch_size_is_fine(tmp_path: Path) -> None:
    path = csv_of(tmp_path / "run.csv", "step,lr,loss,batch_size", STEPS, rate(STEPS), loss(), np.full(40, 256))
    assert only(path).notes == ()


def test_a_constant_rate_is_read(tmp_path: Path) -> None:
    path = csv_of(tmp_path / "run.csv", "step,lr,loss", STEPS, np.full(40, 1e-3), loss())
    curve = only(path).curve
    assert set(curve.rates) == {1e-3}
    assert curve.warmup == 0


def smoothed(losses: np.ndarray, memory: float) -> np.ndarray:
    held = losses.copy()
    for i in range(1, len(held)):
        held[i] = memory * held[i - 1] + (1 - memory) * losses[i]
    return held


def test_a_smoothed_loss_is_warned_about_and_a_raw_one_is_not(tmp_path: Path) -> None:
    steps = np.arange(10, 10_001, 20)
    for name, losses in (("raw", loss(steps)), ("smooth", smoothed(loss(steps), 0.9))):
        path = csv_of(tmp_path / f"{name}.csv", "step,lr,loss", steps, np.full(500, 1e-3), losses)
        assert any("moving average" in note for note in only(path).notes) == (name == "smooth")


@pytest.mark.parametrize("held", [0.0, 0.5, 0.9])
def test_memory_is_that_of_the_moving_average(held: float) -> None:
    steps = np.arange(10, 40_001, 20)
    assert memory(smoothed(loss(steps), held)) == pytest.approx(held, abs=0.17)


def test_losses_at_or_below_0_are_refused(tmp_path: Path) -> None:
    refused(plain(tmp_path, losses=loss() - 3), "losses above 0")


def test_no_rate_is_asked_for_by_both_names(tmp_path: Path) -> None:
    refused(csv_of(tmp_path / "run.csv", "step,loss", STEPS, loss()), "--lr NAME", "--schedule SPEC --log-steps N")


@pytest.mark.parametrize(
    ("header", "columns", "words"),
    [
        ("step,lr,loss_a,loss_b", (STEPS, rate(STEPS), loss(), loss(seed=1)), ("must hold a loss", "--loss NAME")),
        (
            "step,lr,train/loss,lm_loss",
            (STEPS, rate(STEPS), loss(), loss(seed=1)),
            ("--loss train/loss or --loss lm_loss",),
        ),
        (
            "step,lr-a/pg1,lr-a/pg2,loss",
            (STEPS, rate(STEPS), 2 * rate(STEPS), loss()),
            ("--lr lr-a/pg1 or --lr lr-a/pg2",),
        ),
        ("step,iteration,lr,loss", (STEPS, STEPS * 2, rate(STEPS), loss()), ("--step step or --step iteration",)),
        ("when,lr,loss", (STEPS, rate(STEPS), loss()), ("a column of steps", "--step NAME")),
        ("step,lr,loss", (STEPS + 0.5, rate(STEPS), loss()), ("whole numbers",)),
        ("step,lr,loss", (STEPS, -rate(STEPS), loss()), ("rates >= 0",)),
        ("step,lr,loss", (STEPS, rate(STEPS), ["abc", *loss()[1:]]), ("column of numbers", "abc (row 1)")),
        ("step,lr,loss,loss", (STEPS, rate(STEPS), loss(), loss()), ("each column once",)),
        ("1,0.1,2.5", (STEPS, rate(STEPS), loss()), ("a header",)),
    ],
)
def test_what_is_not_clear_is_asked_for(
    tmp_path: Path, header: str, columns: tuple[object, ...], words: tuple[str, ...]
) -> None:
    refused(csv_of(tmp_path / "run.csv", header, *columns), *words)


def test_columns_that_are_asked_for_by_name_are_taken(tmp_path: Path) -> None:
    path = csv_of(tmp_path / "run.csv", "when,eta,a,b", STEPS, rate(STEPS), loss(), loss(seed=1))
    reading = only(path, step="when", lr="eta", loss="b")
    assert np.array_equal(reading.curve.losses, loss(seed=1))
    refused(path, "--loss NAME", "'c'", step="when", lr="eta", loss="c")


def test_a_training_loss_and_a_held_out_one_are_asked_for_by_name(tmp_path: Path) -> None:
    path = csv_of(tmp_path / "run.csv", "step,lr,train_loss,val_loss", STEPS, rate(STEPS), loss(), loss(seed=1))
    refused(path, "Say which: --loss train_loss or --loss val_loss.")
    assert np.array_equal(only(path, loss="train_loss").curve.losses, loss())
    assert np.array_equal(only(path, loss="val_loss").curve.losses, loss(seed=1))


@pytest.mark.parametrize("content", [b"", b"\x80\x05\x95junk\0junk", b"SQLite format 3\0" + bytes(200)])
def test_a_file_that_is_no_log_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "log"
    path.write_bytes(content)
    refused(path, "forecast(logs=...)")


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    refused(tmp_path / "none.csv", "that is there")
    refused(tmp_path, "a folder that holds a log")
    with pytest.raises(InputError, match="--log-steps"):
        only(plain(tmp_path), steps=100)
