"""What early stopping may have cost: the audited among the stopped trials, and how well rungs foretell the end.

`regret` and `links` compute, `words` says it and what to change, `parts` makes the section of the report.
"""
