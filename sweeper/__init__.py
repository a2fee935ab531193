"""Sweeps of compression settings: Optuna asks, Ray Tune runs, the run folder remembers."""
