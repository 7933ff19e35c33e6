"""Scripts of users, compared as a tree and apart: every trace, final number and weight is the same bit for bit.

The examples as they are, but for one thing: they log a fingerprint of the weights that each update starts from, and of
those they end with.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest
from tests.sweep.test_executor import assert_same_bits

import lrdecay

EXAMPLES = Path(__file__).parents[2] / "examples"
WEIGHTS = """
def weights(model):
    import hashlib
    digest = hashlib.sha256(b"".join(v.cpu().numpy().tobytes() for v in model.state_dict().values())).digest()
    return int.from_bytes(digest[:6])  # exact as a float

"""
LOGGED = {
    "script.py": [
        ("    loss = train_step", "    run.log(weights=weights(model))\n    loss = train_step"),
        (None, "run.log(weights=weights(model))\n"),
    ],
    "script_lightning.py": [
        (
            "        inputs, targets = batch\n        return",
            "        run.log(weights=weights(self.net))\n        inputs, targets = batch\n        return",
        ),
        (None, "run.log(weights=weights(trainer.lightning_module.net))\n"),
    ],
    "script_transformers.py": [
        ("        logits = self.net(x)", "        run.log(weights=weights(self.net))\n        logits = self.net(x)"),
    ],
}
STEPS = 60
SCHEDULES = ["constant(0.1)", "multi_step(0.1, factor=0.1, at=[30])", "multi_step(0.1, factor=0.1, at=[30, 41])"]


def logging_weights(example: str, folder: Path) -> Path:
    text = (EXAMPLES / example).read_text()
    for old, new in LOGGED[example]:
        assert old is None or text.count(old) == 1
        text = text + new if old is None else text.replace(old, new)
    text = text.replace("\nSTEPS, ", f"\n{WEIGHTS}STEPS, ")
    path = folder / example
    path.write_text(text)
    return path


@pytest.mark.soak
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("example", LOGGED)
def test_compare_forks_an_example_and_says_what_it_says_of_whole_runs(example, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("lrdecay.sweep.costs.Costs.least", 0)  # so few updates are not worth a fork
    command = shlex.join([sys.executable, str(logging_weights(example, tmp_path))])
    asked = {"script": command, "metric": "accuracy", "steps": STEPS, "seeds": 1, "fixed_peak": True, "workers": 2}
    tree = lrdecay.compare(None, SCHEDULES, **asked, forecast=True, out=tmp_path / "tree")  # changes the order only
    apart = lrdecay.compare(None, SCHEDULES, **asked, share=False, out=tmp_path / "apart")

    assert tree.study.steps_trained == 30 + 30 + 11 + 19 + 19
    assert apart.study.steps_trained == tree.study.steps_naive == 3 * STEPS
    one, other = ({r.schedule: r for row in found.study.main.rows for r in row.results} for found in (tree, apart))
    assert len(one) == 3
    for schedule, result in one.items():
        assert_same_bits(result, other[schedule])
        assert len(result.trace.metrics["weights"]) == STEPS
    ends = {result.metrics["weights"] for result in one.values()}
    assert len(ends) == 3
