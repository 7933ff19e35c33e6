"""Settings of every test: hypothesis draws the same examples on every run and keeps no database."""

from __future__ import annotations

import os
import signal

from hypothesis import settings

os.environ.setdefault("KERAS_BACKEND", "jax")  # Keras looks for TensorFlow by default, which no test needs
os.environ.setdefault("JAX_PLATFORMS", "cpu")

collect_ignore = ["verbs/resumable.py"]  # a script: to look for doctests in it would run it, here

settings.register_profile("lrdecay", derandomize=True, database=None, deadline=None)
settings.load_profile("lrdecay")

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # a shell starts background jobs deaf to Ctrl-C, and what they start too; some tests press it
    signal.signal(signal.SIGINT, signal.default_int_handler)
