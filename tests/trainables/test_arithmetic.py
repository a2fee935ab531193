import json

import torch

from trainables.arithmetic import describe, pick_device, use_threads


def test_the_arithmetic_is_plain_data_and_names_what_changes_bits() -> None:
    found = describe(threads=1, device=torch.device("cpu"))
    assert json.loads(json.dumps(found)) == found
    assert found["device"] == "cpu"
    assert found["threads"] == 1
    assert found["torch"] == torch.__version__
    assert torch.backends.cpu.get_cpu_capability() in found["processor"]
    assert found != describe(threads=2, device=torch.device("cpu"))


def test_without_a_share_of_a_gpu_the_device_is_the_processor() -> None:
    assert pick_device(0) == torch.device("cpu")


def test_the_number_of_threads_is_set() -> None:
    try:
        use_threads(2)
        assert torch.get_num_threads() == 2
    finally:
        use_threads(1)
    assert torch.get_num_threads() == 1
