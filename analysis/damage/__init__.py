"""Which classes and which kinds of images pay for the pruning: answers on several test sets, before and after.

`recorded` is the part of the contract, `sets`, `classes` and `null` compute, the others draw and put together.
"""
