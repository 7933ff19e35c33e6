"""The built-in tasks: real data, no network needed, minutes at most on one CPU core.

Only what is needed to list and to name them; the frameworks and data come with a task's own module, when it is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from attrs import frozen

__all__ = ["BUILTIN", "BuiltinTask"]


@frozen
class BuiltinTask:
    """A built-in task, described."""

    name: str
    target: str  # "module:function", called with a seed and keyword arguments
    description: str
    data: str  # where the data come from
    licence: str  # of the data
    extra: str | None  # what to install: pip install 'lrdecay[extra]'; None: nothing more
    seconds: float  # of one default run on one CPU core, evaluations included; measured, to within a factor of 2


_TASKS = (
    BuiltinTask(
        name="digits",
        target="lrdecay.tasks.digits:digits",
        description="handwritten digits, 8x8; MLP 100-100, accuracy on 360 held out",
        data="inside scikit-learn: 1,797 images",
        licence="BSD-3-Clause",
        extra="tasks",
        seconds=0.3,
    ),
    BuiltinTask(
        name="mnist1d",
        target="lrdecay.tasks.mnist1d:mnist1d",
        description="digits as noisy signals of 40 numbers; MLP 100-100, accuracy on 1,000 held out",
        data="made by the package mnist1d, 5,000 signals (arXiv:2011.14439)",
        licence="Apache-2.0",
        extra="tasks",
        seconds=1.0,
    ),
    BuiltinTask(
        name="fashion",
        target="lrdecay.tasks.fashion:fashion",
        description="Fashion-MNIST, 28x28, 10,000 images; small CNN, accuracy on 2,000 held out",
        data="Debian's dataset-fashion-mnist, --with data=DIR or LRDECAY_DATA, or a download of 31 MB",
        licence="MIT",
        extra="torch",
        seconds=10.0,
    ),
    BuiltinTask(
        name="chars",
        target="lrdecay.tasks.chars:chars",
        description="next character of any text; transformer of 2 layers, loss on the last tenth",
        data="your own text file: --with text=PATH",
        licence="your text's",
        extra="torch",
        seconds=37.0,
    ),
    BuiltinTask(
        name="quadratic",
        target="lrdecay.tasks.quadratic:quadratic",
        description="noisy quadratic of known curvature; exact loss",
        data="none",
        licence="none needed",
        extra=None,
        seconds=0.03,
    ),
)

BUILTIN: Mapping[str, BuiltinTask] = MappingProxyType({task.name: task for task in _TASKS})
"""The built-in tasks by name."""
