"""The numbers that published networks normalise their images with. Needs no torch.

They are not alike, and a network that is fed with another's is wrong without a word: network-slimming
normalises CIFAR-100 with CIFAR-10's numbers, DIST and RepDistiller with CIFAR-100's, whose std is 1.3 times
as large.
"""

Statistics = tuple[tuple[float, ...], tuple[float, ...]]
"""Mean and std of pixel / 255, one number a channel."""

NORMALIZATIONS: dict[str, Statistics] = {
    "cifar10": ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),  # network-slimming, main.py
    "cifar100": ((0.5071, 0.4867, 0.4408), (0.2675, 0.2565, 0.2761)),  # RepDistiller, DIST
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),  # torchvision
    "half": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),  # to -1 .. 1
    "none": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),  # 0 .. 1
}
"""Name -> numbers for colour images; ``data`` names the data set's own beside them."""

NAMES = ("data", *NORMALIZATIONS)


def statistics_of(name: str, own: Statistics) -> Statistics:
    """The numbers of a name for images with as many channels as ``own`` has.

    Args:
        name: one of ``NAMES``.
        own: the data set's own numbers.
    """
    if name == "data":
        return own
    mean, std = NORMALIZATIONS[name]
    count = len(own[0])
    if count == len(mean):
        return mean, std
    return (sum(mean) / len(mean),) * count, (sum(std) / len(std),) * count
