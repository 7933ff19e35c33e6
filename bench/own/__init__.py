"""Runs of this project's own tasks, kept as data that forecasts are tried on."""
