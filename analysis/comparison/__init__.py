"""Several runs against each other at equal cost: what was found when, by method, paired by seed."""
