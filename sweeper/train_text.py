"""What is said while one configuration is trained, and of its result."""

from collections.abc import Callable
from typing import Any, TextIO

from analysis.files import shown
from analysis.text import human, percent, plain
from sweeper.closing import say_json
from sweeper.live import epochs_of
from sweeper.train import NETWORK, Trained
from trainables.recipe import Recipe


def teller(stream: TextIO) -> Callable[[dict[str, Any], Recipe], None]:
    """Says the records of one training, a line each."""
    sizes: list[dict[str, Any]] = []

    def tell(record: dict[str, Any], recipe: Recipe) -> None:
        if record["kind"] in ("init", "prune"):
            sizes.append(record)
        line = _line(record, recipe, sizes)
        if line:
            stream.write(f"{line}\n")
            stream.flush()

    return tell


def _line(record: dict[str, Any], recipe: Recipe, sizes: list[dict[str, Any]]) -> str:
    """A record in words; "" for one that says nothing new. ``sizes`` are the networks from files and cuts so far."""
    match record["kind"]:
        case "warning":
            return f"warning: {plain(record['text'])}"
        case "reused":
            last = record["epochs"][-1]
            stored = f"{len(record['epochs'])} epochs from the store"
            return f"{record['stage']:9} {stored}, accuracy {percent(last['accuracy'], 1)} %"
        case "epoch":
            epochs = epochs_of(recipe, record["stage"], sizes)
            return (
                f"{record['stage']:9} epoch {record['epoch']}/{epochs}  lr {record['lr']:.2g}  "
                f"loss {record['train_loss']:.3f}  accuracy {percent(record['accuracy'], 1)} %  "
                f"{record['seconds']:.1f} s"
            )
        case "init":
            return (
                f"{'init':9} {human(record['params'])} params, {human(record['macs'])} MACs, images normalised "
                f"with {record['normalize']}, accuracy {percent(record['accuracy'], 1)} %{_moved(record)}"
            )
        case "prune":
            return (
                f"{'prune':9} {percent(record['percent_cut'], 1)} % of the channels cut, "
                f"{human(record['params'])} params, {human(record['macs'])} MACs, "
                f"accuracy {percent(record['accuracy'], 1)} %"
            )
    return ""


def _moved(record: dict[str, Any]) -> str:
    """Of a network that was moved into another: how well it did before."""
    if "moved_from" not in record:
        return ""
    kept = "its function is kept" if record["moved_exact"] else "which can't keep its function"
    before = percent(record["moved_accuracy"], 1)
    return f"; moved from {record['moved_from']}, {kept}: {before} % before"


def say_trained(trained: Trained, stream: TextIO, *, as_json: bool) -> None:
    """The result of one training."""
    metrics = trained.metrics
    stream.write(
        f"\nvalidation accuracy {percent(metrics['accuracy'], 2)} %, test accuracy "
        f"{percent(metrics['test_accuracy'], 2)} %, {human(metrics['params'])} params, "
        f"{human(metrics['macs'])} MACs\n"
        f"{trained.epochs_trained} epochs trained, {trained.epochs_reused} from the store\n"
        f"network: {plain(shown(trained.folder / NETWORK))}\n"
    )
    stream.flush()
    if as_json:
        say_json({"metrics": metrics, "network": str(trained.folder / NETWORK)})
