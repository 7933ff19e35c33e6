"""Handing runs on to other tools: one small protocol, and a writer for each tool.

CSV and JSON lines need nothing. TensorBoard, MLflow, W&B and pandas/parquet are extras of their own: their modules
import them at the top, so importing the module is asking for it.
"""
