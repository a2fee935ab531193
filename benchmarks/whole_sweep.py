"""A whole sweep, ours against plain Ray Tune: the same trials, the same accuracies, the time on the clock.

    python benchmarks/whole_sweep.py [--repeats 3] [--epochs 6] [--small]

The grid is 4 strengths x 8 percents x 2 distillation losses, 64 trials, with distillation in both stages of six
epochs, on scikit-learn's digits as colour images of 32 x 32 (128 to train, 64 to choose by), with a teacher of about
six times the student's multiply-accumulates from a file. Arms take turns; both are timed from the start of their
process to its end, ours with an empty store each time. Prints a Markdown table. Nine minutes a repeat on two idle
cores; --small runs 4 trials.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from machine import said_of_this_machine

HERE = Path(__file__).resolve().parent
TEACHER = """\
name: teacher
data: {{source: npz, path: {images}, pad: 4, flip: true, val_fraction: 0.3334, batch_size: 64}}
model: resnet32
finetune: {{epochs: 6, lr: 0.05, warmup: 3, decay_every: 1}}
"""
SPACE = """\
name: ours
data: {{source: npz, path: {images}, pad: 4, flip: true, val_fraction: 0.3334, batch_size: 64}}
model: preresnet8
teacher: {{checkpoint: {teacher}}}
sparsity: {{epochs: {epochs}, warmup: 2, decay_every: 1, lr: 0.05, kd: dist}}
finetune: {{epochs: {epochs}, warmup: 2, decay_every: 1, lr: 0.02}}
prune: {{}}
search:
  sparsity.s: [{s}]
  prune.percent: [{percents}]
  finetune.kd: [dist, kd]
sweep: {{sampler: grid}}
"""
GRID = {"s": "1e-4, 1e-3, 3e-3, 1e-2", "percents": "0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9"}
SMALL = {"s": "1e-3", "percents": "0.3, 0.6"}


def write_images(file: Path) -> None:
    """192 digits and as many to test, enlarged to 32 x 32 and coloured."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    pixels = np.round(digits.images * 255 / 16).astype(np.uint8)
    colour = np.kron(pixels, np.ones((1, 4, 4), np.uint8))[..., None].repeat(3, axis=-1)
    labels = digits.target.astype(np.int64)
    np.savez(
        file,
        train_images=colour[:192],
        train_labels=labels[:192],
        test_images=colour[192:384],
        test_labels=labels[192:384],
    )


def timed(*command: str, cwd: Path) -> tuple[float, str]:
    """Seconds and output of a process."""
    began = time.perf_counter()
    done = subprocess.run([sys.executable, *command], cwd=cwd, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    assert done.returncode == 0, done.stdout + done.stderr
    return seconds, done.stdout


def ours(folder: Path, name: str) -> tuple[float, dict[str, float], dict[str, int]]:
    """Our arm: seconds, accuracy of every point, epochs."""
    space = str(folder / "space.yaml")
    seconds, out = timed(
        "-m", "sweeper", "run", space, "--name", name, "--store", f"store-{name}", "--json", cwd=folder
    )
    events = [json.loads(line) for line in (folder / "runs" / name / "trials.jsonl").read_text().splitlines()]
    told = {}
    for event in events:
        if event["event"] == "end":
            assert event["state"] == "complete", event
            params = event["params"]
            key = f"{params['sparsity.s']:g} {params['prune.percent']:g} {params['finetune.kd']}"
            told[key] = event["metrics"]["accuracy"]
    return seconds, told, json.loads(out.splitlines()[-1])["epochs"]


def plain(folder: Path, name: str) -> tuple[float, dict[str, float]]:
    """Plain Ray Tune: seconds, accuracy of every point."""
    result = folder / f"{name}.json"
    teacher = str(folder / "teacher.safetensors")
    seconds, _ = timed(
        str(HERE / "plain_ray.py"), str(folder / "space.yaml"), teacher, str(result), cwd=folder
    )
    return seconds, json.loads(result.read_text())["accuracies"]


def main() -> None:
    """Both arms in turns, then the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=6, help="of each of the two stages")
    parser.add_argument("--small", action="store_true", help="4 trials, to try it out")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_images(folder / "images.npz")
        (folder / "teacher.yaml").write_text(TEACHER.format(images=folder / "images.npz"))
        timed("-m", "sweeper", "train", "teacher.yaml", "--store", "store-teacher", cwd=folder)
        teacher = folder / "teacher.safetensors"
        (folder / "runs" / "teacher" / "network.safetensors").rename(teacher)
        grid = SMALL if options.small else GRID
        space = SPACE.format(images=folder / "images.npz", teacher=teacher, epochs=options.epochs, **grid)
        (folder / "space.yaml").write_text(space)
        times: dict[str, list[float]] = {"plain Ray Tune": [], "ours": []}
        for repeat in range(options.repeats):
            seconds, reference = plain(folder, f"plain{repeat}")
            times["plain Ray Tune"].append(seconds)
            seconds, reached, epochs = ours(folder, f"ours{repeat}")
            times["ours"].append(seconds)
            assert reached == reference, (reached, reference)
            print({arm: round(all_[-1], 1) for arm, all_ in times.items()}, file=sys.stderr, flush=True)
    print(said_of_this_machine(options.repeats))
    print(f"\n{len(reached)} trials, all accuracies equal; epochs: {epochs}\n")
    print("| | seconds, median | shortest | longest |\n|---|--:|--:|--:|")
    for arm, all_ in times.items():
        print(f"| {arm} | {statistics.median(all_):.1f} | {min(all_):.1f} | {max(all_):.1f} |")
    ratios = [a / b for a, b in zip(*times.values(), strict=True)]
    print(f"| ratio | {statistics.median(ratios):.1f} | {min(ratios):.1f} | {max(ratios):.1f} |")


if __name__ == "__main__":
    main()
