"""Train, sparsify, prune and finetune small CNNs, without Ray.

The public names are loaded when they are first used, so that importing this package, or one of its
torch-free modules such as ``recipe``, costs nothing.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainables.checkpoints import load as load
    from trainables.checkpoints import save as save
    from trainables.conversion import transfer as transfer
    from trainables.counting import complexity as complexity
    from trainables.pruning import prune as prune

_WHERE = {
    "load": "trainables.checkpoints",
    "save": "trainables.checkpoints",
    "complexity": "trainables.counting",
    "prune": "trainables.pruning",
    "transfer": "trainables.conversion",
}

__all__ = ["complexity", "load", "prune", "save", "transfer"]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'trainables' has no attribute {name!r}")
    from importlib import import_module

    module = import_module(_WHERE[name])
    value = getattr(module, name)
    globals()[name] = value
    return value
