"""Ray's accounts of a worker's death, as Ray 2.60 has written them, in a few words."""

import pytest

from sweeper.deaths import reason_of

KILLED = """Failure # 1 (occurred at 2026-11-24_19-25-59)
The actor died unexpectedly before finishing this task.
\tclass_name: ResourceTrainable
The actor is dead because its worker process has died. Worker exit type: SYSTEM_ERROR Worker exit detail: Worker
unexpectedly exits with a connection error code 2. End of file. There are some potential root causes. (1) The process is
killed by SIGKILL by OOM killer due to high memory usage. (2) ray stop --force is called.
"""
MEMORY = """Failure # 1 (occurred at 2026-11-24_19-29-26)
2 worker(s) were killed due to the node running low on memory. Memory on the node (IP: 127.0.0.1, ID: de1a) was \
2.74GB used / 23.54GB limit (0.116466)
OOM kill reason: Memory usage 2939752448B exceeded threshold of 252765104B (1.0% of 25276510208B limit)
"""
NODE = "The actor died because its node has died. Node Id: 1f\n\tthe actor's node was terminated expectedly\n"
RAISED = """Failure # 1 (occurred at 2026-11-24_19-29-26)
ray::ResourceTrainable.train() (pid=8001, ip=127.0.0.1, actor_id=1f)
  File "trainables/tune.py", line 75, in step
    raise MemoryError(reason) from None
MemoryError: RuntimeError: could not create a primitive
"""
BEGIN = """The actor died because of an error raised in its creation task, ray::Pipeline.__init__()
  File "x.py", line 1, in <module>
ModuleNotFoundError: No module named 'torch'

"""


@pytest.mark.parametrize(
    ("account", "reason"),
    [
        (KILLED, "its worker process died"),
        (MEMORY, "out of memory: Ray killed its worker process when 2.74 of 23.54 GB were in use"),
        ("running low on memory", "out of memory: Ray killed its worker process"),
        (RAISED, "out of memory: RuntimeError: could not create a primitive"),
        (NODE, "its node died"),
        (BEGIN, "its worker process could not begin: ModuleNotFoundError: No module named 'torch'"),
        ("", "its worker process died"),
    ],
)
def test_the_reason_of_a_death(account: str, reason: str) -> None:
    assert reason_of(account) == reason
