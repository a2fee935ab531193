"""The sweep that a user would write with Ray Tune's own means, as its documentation teaches: one arm of `whole_sweep`.

    python benchmarks/plain_ray.py SPACE.yaml TEACHER RESULT.json

A function a trial, an actor each, torchvision's transforms in a DataLoader, the teacher in every step, the whole
pipeline from its beginning. It reads the grid of a space of ours, and draws the same random numbers (order, crops,
flips, first weights), so that every trial must end with exactly our accuracy.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms
from torchvision.transforms import functional as pictures

BATCH, PAD = 64, 4


class Crops(Dataset[tuple[Tensor, int]]):
    """Training images, each with a random crop and flip that was drawn beforehand."""

    def __init__(self, pixels: Tensor, labels: Tensor, views: Tensor, order: Tensor, normalise: Any) -> None:
        self.images = [Image.fromarray(array) for array in pixels.permute(0, 2, 3, 1).numpy()]
        self.labels, self.order, self.views = labels, order, views
        self.transform = transforms.Compose([transforms.PILToTensor(), transforms.Lambda(normalise)])

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, place: int) -> tuple[Tensor, int]:
        row, view = int(self.order[place]), int(self.views[place])
        corner, mirrored = divmod(view, 2)
        top, left = divmod(corner, 2 * PAD + 1)
        image = pictures.crop(pictures.pad(self.images[row], [PAD]), top, left, 32, 32)
        if mirrored:
            image = pictures.hflip(image)
        return self.transform(image), int(self.labels[row])


def trial(config: dict[str, Any]) -> None:
    """Sparsity training, cut, finetuning: what one trial of plain Ray Tune runs."""
    from ray import tune

    from trainables import load, prune
    from trainables.data.dataset import load_data
    from trainables.losses import LOSSES
    from trainables.losses.sparsity import add_subgradient
    from trainables.models import Architecture, build

    torch.set_num_threads(1)
    data = load_data(
        "npz",
        path=Path(config["images"]),
        val_fraction=config["val_fraction"],
        split_seed=0,
        pad=PAD,
        flip=True,
    )
    scale = torch.tensor([1 / (255 * s) for s in data.std]).view(-1, 1, 1)
    bias = torch.tensor([-m / s for m, s in zip(data.mean, data.std, strict=True)]).view(-1, 1, 1)

    def normalise(pixels: Tensor) -> Tensor:
        return pixels.float().mul(scale).add(bias)

    def loader(stage: str, epoch: int) -> DataLoader[tuple[Tensor, int]]:
        from trainables.seeding import generator

        count = len(data.train)
        order = torch.randperm(count, generator=generator(0, stage, epoch, "order"))
        views = torch.randint((2 * PAD + 1) ** 2 * 2, (count,), generator=generator(0, stage, epoch, "views"))
        return DataLoader(
            Crops(data.train.pixels, data.train.labels, views, order, normalise), batch_size=BATCH
        )

    def accuracy(network: nn.Module) -> float:
        network.eval()
        with torch.no_grad():
            images = normalise(data.validation.pixels).contiguous(memory_format=torch.channels_last)
            right = (network(images).argmax(1) == data.validation.labels).sum().item()
        return float(right / len(data.validation))

    def train(
        network: nn.Module, stage: str, rates: list[float], decay: float, loss: str, s: float
    ) -> Iterator[float]:
        rule = LOSSES[loss]
        optimizer = torch.optim.SGD(
            network.parameters(), lr=rates[0], momentum=0.9, weight_decay=decay, foreach=True
        )
        for epoch, rate in enumerate(rates, 1):
            optimizer.param_groups[0]["lr"] = rate
            network.train()
            for images, labels in loader(stage, epoch):
                images = images.contiguous(memory_format=torch.channels_last)
                with torch.no_grad():
                    answers = teacher(images)
                logits = network(images)
                distilled = rule.function(logits, answers, labels=labels, tau=rule.tau)
                total = rule.ce_weight * functional.cross_entropy(logits, labels) + rule.kd_weight * distilled
                optimizer.zero_grad()
                total.backward()
                if s:
                    add_subgradient(network, s)
                optimizer.step()
            yield accuracy(network)

    teacher = load(config["teacher"]).to(memory_format=torch.channels_last).eval()
    whole = Architecture(model=config["model"], classes=data.classes, mean=data.mean, std=data.std)
    network = build(whole, seed=0).to(memory_format=torch.channels_last)
    sparsity, finetune = config["rates"]["sparsity"], config["rates"]["finetune"]
    for reached in train(network, "sparsity", sparsity, 1e-4, "dist", config["s"]):
        tune.report({"accuracy_in_training": reached})
    network = prune(network, config["percent"]).to(memory_format=torch.channels_last)
    for reached in train(network, "finetune", finetune, 5e-4, config["kd"], 0.0):
        tune.report({"accuracy": reached})


def main(space: Path, teacher: Path, result: Path) -> None:
    """Run the grid of a space on Ray Tune."""
    import ray
    from ray import tune

    from sweeper.space import load
    from trainables.schedule import rates

    grid = load(str(space))
    recipe = grid.settings
    searched = {knob.key: knob.values for knob in grid.knobs}
    config = {
        "s": tune.grid_search(searched["sparsity.s"]),
        "percent": tune.grid_search(searched["prune.percent"]),
        "kd": tune.grid_search(searched["finetune.kd"]),
        "images": recipe.data.path,
        "val_fraction": recipe.data.val_fraction,
        "model": recipe.model,
        "teacher": str(teacher),
        "rates": {stage: list(rates(recipe.training(stage))) for stage in ("sparsity", "finetune")},
    }
    os.environ["PYTHONPATH"] = os.pathsep.join((str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")))
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    began = time.perf_counter()
    tuner = tune.Tuner(
        tune.with_resources(trial, {"cpu": 1}),
        param_space=config,
        run_config=tune.RunConfig(storage_path=str(result.parent), name=f"{result.stem}-ray", verbose=0),
    )
    ended = tuner.fit()
    seconds = time.perf_counter() - began
    assert not ended.errors, ended.errors[0]
    told = {
        f"{one.config['s']:g} {one.config['percent']:g} {one.config['kd']}": one.metrics["accuracy"]
        for one in ended
    }
    result.write_text(json.dumps({"accuracies": told, "seconds_of_fit": seconds}))


if __name__ == "__main__":
    import plain_ray  # so that Ray's workers import the function by its name

    plain_ray.main(*(Path(argument).resolve() for argument in sys.argv[1:4]))
