"""Comparisons within a designed run: a grid, or recipes that were repeated over seeds or draws.

`cells` groups a run's networks by recipe; `baselines`, `contrast`, `limit` and `bands` compute; `main_table`,
`tables` and the figures draw; `parts` puts them into sections of the report.
"""
