"""Decay by looking: rules that watch a run and say what its schedule is multiplied by, and edits made by hand.

    cosine(0.1) * plateau(factor=0.5, patience=10, every="1ep")

A rule is a frozen value; all it remembers is a JSON state that goes in and comes out (`lrdecay.feedback.rule`). What a
hand did is a journal that is replayed (`lrdecay.feedback.edits`). `lrdecay.feedback.dial.Dial` puts schedule, rule and
journal together for an adapter. Nothing here knows a framework, reads a clock or draws a random number.
"""

from lrdecay.feedback.rule import Event, Observation, Response, Rule
from lrdecay.feedback.ruled import Ruled

__all__ = ["Event", "Observation", "Response", "Rule", "Ruled"]
