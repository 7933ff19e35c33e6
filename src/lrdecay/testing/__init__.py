"""The published laws: what every schedule and every adapter must obey, to be run on your own as on ours.

    from lrdecay.testing import check_schedule
    check_schedule(my_schedule, Horizon(steps=1000))

`laws` has one function per law of a schedule, `adapters` those of what drives an optimizer. A broken law is a
`LawError`, an `AssertionError` that says which law, for which schedule, and where. Nothing here needs a framework, or a
test runner.
"""

from lrdecay.testing.adapters import Driven, check_adapter
from lrdecay.testing.laws import LAWS, LawError, check_schedule, check_translation

__all__ = ["LAWS", "Driven", "LawError", "check_adapter", "check_schedule", "check_translation"]
