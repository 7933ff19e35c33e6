"""Transfer: probes right where the answer is known, targets kept apart, emoji had or not, statistics, smoke."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.stats import multivariate_normal

from lrdecay.errors import InputError
from lrdecay.lab.declaration import Statistic
from lrdecay.lab.estimate import estimated
from lrdecay.lab.register import declared
from lrdecay.lab.running import run_experiments
from lrdecay.lab.you2019.transfer.analysis import TARGETS, Stages, statistics
from lrdecay.lab.you2019.transfer.tasks.emoji import FEWEST, SHA256, checksum, find_archive, pictures
from lrdecay.lab.you2019.transfer.tasks.probe import accuracy, log_me, ridge
from lrdecay.lab.you2019.transfer.tasks.targets import LABELS, classes_of, data
from lrdecay.lab.you2019.transfer.tasks.transferring import transferring, untrained


def png(level: int, alpha: int = 255) -> bytes:
    """A picture of one colour in its left half and of nothing in its right one."""
    picture = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    picture.paste((level, level, level, alpha), (0, 0, 32, 64))
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def archive(path: Path, sizes: dict[str, int]) -> Path:
    """An archive of the published form with so many emoji of each category, and one that Google has not drawn."""
    index, files = [], {}
    for place, (category, size) in enumerate(sizes.items()):
        for i in range(size):
            name = f"{place}-{i}.png"
            index.append({"sort_order": i, "category": category, "image": name, "has_img_google": True})
            files[f"package/img/google/64/{name}"] = png(100 + 50 * place)
    index.append({"sort_order": 0, "category": "tools", "image": "none.png", "has_img_google": False})
    files["package/emoji.json"] = json.dumps(index).encode()
    with tarfile.open(path, "w:gz", compresslevel=1) as out:
        for name, raw in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(raw)
            out.addfile(member, io.BytesIO(raw))
    return path


@pytest.fixture
def some(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = archive(tmp_path / "some.tgz", {"tools": FEWEST + 20, "birds": FEWEST, "few": FEWEST - 1})
    monkeypatch.setenv("LRDECAY_EMOJI", str(path))
    return path


def test_a_probe_finds_what_is_there_and_nothing_where_there_is_nothing() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(3000) % 3
    apart = np.concatenate([np.eye(3)[labels], np.zeros((3000, 2))], axis=1) + 0.1 * rng.normal(size=(3000, 5))
    blind = rng.normal(size=(3000, 5))
    train, test = np.arange(150), np.arange(150, 3000)
    assert accuracy(apart, labels, train, test, rng) > 0.99
    assert accuracy(blind, labels, train, test, rng) == pytest.approx(1 / 3, abs=0.04)
    assert log_me(apart[train], labels[train]) > log_me(blind[train], labels[train]) + 0.3


def test_ridge_is_least_squares_without_noise_and_shrinks_what_is_noise_alone() -> None:
    rng = np.random.default_rng(1)
    x, new, w = rng.normal(size=(200, 4)), rng.normal(size=(9, 4)), rng.normal(size=(4, 2))
    np.testing.assert_allclose(ridge(x, x @ w + 1, new, rng), new @ w + 1, atol=1e-2)
    noise = rng.normal(size=(200, 2))
    assert np.abs(ridge(x, noise, new, rng) - noise.mean(axis=0)).max() < 0.1


def test_log_me_is_the_largest_evidence() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(30, 3))
    labels = (x[:, 0] + 0.5 * rng.normal(size=30) > 0).astype(np.int64)
    best = []
    for k in (0, 1):
        y = (labels == k).astype(float)
        grid = [
            multivariate_normal(np.zeros(30), x @ x.T / alpha + np.eye(30) / beta).logpdf(y)
            for alpha in np.logspace(-0.5, 2.5, 31)
            for beta in np.logspace(0, 1.5, 16)
        ]
        best.append(max(grid) / 30)
    assert log_me(x, labels) == pytest.approx(np.mean(best), abs=2e-3)
    assert log_me(x, labels) >= np.mean(best) - 1e-6


def test_emoji_are_grey_over_black_of_categories_that_are_large_enough(some: Path) -> None:
    images, labels, names = pictures(checksum(some))
    assert names == ("birds", "tools")
    assert np.bincount(labels).tolist() == [FEWEST, FEWEST + 20]
    assert images.shape == (2 * FEWEST + 20, 28, 28)
    assert (images[labels == 0][:, :, :14] == 150).all()
    assert (images[labels == 1][:, :, :14] == 100).all()
    assert not images[:, :, 14:].any()


def test_an_archive_is_found_where_the_user_says_or_fetched_whole_or_refused(
    some: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find_archive() == some
    monkeypatch.setenv("LRDECAY_EMOJI", str(tmp_path / "absent.tgz"))
    with pytest.raises(InputError, match="LRDECAY_EMOJI"):
        find_archive()
    monkeypatch.delenv("LRDECAY_EMOJI")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(InputError, match="LRDECAY_EMOJI, or run once with a network"):
        find_archive(source=(tmp_path / "absent").as_uri())
    with pytest.raises(InputError, match="SHA-256"):
        find_archive(source=some.as_uri())
    assert not list((tmp_path / "cache").rglob("*.tgz*"))
    found = find_archive(source=some.as_uri(), expected=checksum(some))
    assert found.read_bytes() == some.read_bytes()
    assert find_archive(source="file:///nowhere") == found


def test_another_archive_or_a_broken_one_is_refused(some: Path) -> None:
    with pytest.raises(InputError, match="sha256"):
        pictures(SHA256)
    broken = some.with_name("broken.tgz")
    broken.write_bytes(some.read_bytes()[:3000])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LRDECAY_EMOJI", str(broken))
        with pytest.raises(InputError, match="archive of emoji"):
            pictures(checksum(broken))
        patch.setenv("LRDECAY_EMOJI", str(archive(some.with_name("few.tgz"), {"few": 3})))
        with pytest.raises(InputError, match="category of at least"):
            pictures(checksum(some.with_name("few.tgz")))


def test_targets_share_no_class_with_the_source_and_pilots_see_no_picture_of_the_test() -> None:
    assert sorted(classes_of(5)) == list(range(10))
    assert classes_of(5).tolist() != classes_of(6).tolist()
    (x, y), held, test = data(5, 100, 300, "test", None)
    _, _, pilot = data(5, 100, 300, "validation", None)
    assert np.bincount(y).tolist() == [100] * 6
    assert abs(float(x.mean())) < 1e-3
    assert len(held[0]) == 300
    counts = {name: len(np.unique(target.labels)) for name, target in test.items()}
    assert counts == {"source": 6, "near": 4, "digits": 10}
    for name, target in test.items():
        seen, shown = ({t.images[i].numpy().tobytes() for i in t.draws[0][1]} for t in (target, pilot[name]))
        assert not seen & shown
        for labelled, classified in target.draws:
            assert np.bincount(target.labels[labelled]).tolist() == [LABELS] * counts[name]
            assert not set(labelled) & set(classified)
    learned = {image.numpy().tobytes() for image in x}
    assert not learned & {image.numpy().tobytes() for image in test["near"].images}


def test_features_of_a_few_updates_are_better_than_untrained_ones(some: Path) -> None:
    own = {"images": 100, "heldout": 200, "emoji": checksum(some)}
    task = transferring(3, **own)
    before = untrained(3, own)
    task.advance({"lr": np.full(20, 0.05)})
    after = task.evaluate()
    assert set(before) == {f"{name}{more}" for name in ("source", *TARGETS) for more in ("", "_logme")}
    assert set(before) < set(after)
    assert after["source"] > before["source"] + 0.05
    assert after["emoji"] == 1.0


def stages(rng: np.random.Generator, **ends: tuple[float, float]) -> Stages:
    """Eight seeds of each arm around the same two accuracies, or others."""
    made = {
        arm: np.array(ends.get(arm, (0.90, 0.91))) + 0.001 * rng.normal(size=(8, 2))
        for arm in ("decay", "peak", "average", "nudged", "shuffled")
    }
    return Stages(**made, untrained=np.full(8, 0.5))


def test_statistics_find_what_was_put_and_nothing_else() -> None:
    rng = np.random.default_rng(0)
    put = stages(rng, decay=(0.90, 0.89), shuffled=(0.5, 0.6))
    same = {name: stages(rng) for name in ("source", "digits", "emoji")}
    found = statistics({"near": put, **same}, {"near": put, **same}, same["source"].decay)
    told = {name: Statistic(name, name, 0.005, "below") for name in ("near", "digits", "emoji", "near, no drop")}
    told |= {name: Statistic(name, name, 0.005, "below") for name in ("near, shuffled late", "mean, shuffled late")}
    states = {name: e.state for name, e in estimated(told, {name: found[name] for name in told}).items()}
    assert states == {
        "near": "there",
        "digits": "not there",
        "emoji": "not there",
        "near, no drop": "not there",
        "near, shuffled late": "there",
        "mean, shuffled late": "there",
    }
    assert np.mean(found["near, error removed"]) == pytest.approx(-0.2, abs=0.02)
    assert set(found) == set(declared("you2019/transfer").statistics)


def test_without_emoji_the_other_targets_are_measured() -> None:
    rng = np.random.default_rng(0)
    had = {name: stages(rng) for name in ("source", "near", "digits")}
    found = statistics(had, had, had["source"].decay)
    assert "near" in found
    assert not [name for name in found if name.startswith(("emoji", "mean"))]


@pytest.mark.soak
def test_a_run_at_scale_smoke_measures_every_declared_statistic(some: Path, tmp_path: Path) -> None:
    (result,) = run_experiments(["you2019/transfer"], scale="smoke", folder=tmp_path / "lab", workers=1)
    assert set(result.evidence.values) == set(result.declaration.statistics)
    assert not result.evidence.gates
    assert {j.verdict for j in result.judged} == {"not tested"}


@pytest.mark.soak
def test_without_emoji_it_runs_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LRDECAY_EMOJI", str(tmp_path / "absent.tgz"))
    (result,) = run_experiments(["you2019/transfer"], scale="smoke", folder=tmp_path / "lab", workers=1)
    reasons = {j.claim.name: j.reason for j in result.judged}
    assert "LRDECAY_EMOJI" in reasons["emoji"]
    assert "LRDECAY_EMOJI" in reasons["transfers"]
    assert "smoke" in reasons["near"]
