import platform
import subprocess
import sys

import pytest

CODE = """\
import resource, sys
import torch
from trainables.memory import keep_freed_memory
if sys.argv[1] == "keep":
    assert keep_freed_memory()
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(3):
    torch.zeros(64, 16, 32, 32)  # 4 MB
before = faults()
for _ in range(50):
    torch.zeros(64, 256, 32, 32)  # 64 MB
print(faults() - before)
"""


def page_faults(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", CODE, how], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library than glibc")
def test_the_same_tensor_again_needs_no_new_pages() -> None:
    assert page_faults("keep") < page_faults("leave") / 3
