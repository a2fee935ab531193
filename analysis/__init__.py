"""Reads run folders and says what was found: selection, tables, figures, one report.

Needs neither torch, ray nor optuna, and knows nothing of the packages that wrote the run: `records` is the
contract between them. `select` and `pareto` compute, `tables`, `figures` and `report` draw.
"""
