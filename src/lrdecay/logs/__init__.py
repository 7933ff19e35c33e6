"""Handing runs on to other tools, and reading their logs.

One small protocol and a writer for each tool; one door, `lrdecay.logs.reading.read_curves`, and a reader for each
format.

CSV, JSON lines, trainer states and MLflow's stores need nothing to be read. Writing for TensorBoard, MLflow, W&B and
pandas/parquet, and reading TensorBoard and W&B, are extras of their own: their modules import them at the top, so
importing the module is asking for it.
"""
