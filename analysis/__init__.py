"""Reads run folders and says what was found: selection, tables, figures, one report.

Needs neither torch, ray nor optuna, and knows nothing of the packages that wrote the run: `records` is the
contract between them. `select`, `pareto` and `significance` compute, `tables`, `figures` and `report` draw; `grids`
compares the recipes of a designed run, `damage` says which classes and images pay for the pruning.
"""
