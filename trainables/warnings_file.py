"""What a worker has to say, such as that a stored state was damaged, in a file: its own output is not shown."""

import logging
from pathlib import Path


class _Lines(logging.FileHandler):
    """A line a warning, in one write, behind those of other processes; the file is made with the first."""

    def __init__(self, file: Path) -> None:
        super().__init__(file, encoding="utf-8", delay=True)
        self.setLevel(logging.WARNING)

    def format(self, record: logging.LogRecord) -> str:
        return " ".join(record.getMessage().split())

    def handleError(self, record: logging.LogRecord) -> None:
        """A full disk has more to say than this."""


def keep_warnings(file: Path) -> None:
    """Append every warning of this package to a file, from now on and to no other."""
    log = logging.getLogger("trainables")
    ours = [handler for handler in log.handlers if isinstance(handler, _Lines)]
    if any(Path(handler.baseFilename) == file for handler in ours):
        return
    for handler in ours:
        log.removeHandler(handler)
        handler.close()
    log.addHandler(_Lines(file))


class Heard:
    """What is written to such a file from now on."""

    def __init__(self, file: Path) -> None:
        """Begin to listen; the file need not exist."""
        self.file = file
        self._at = file.stat().st_size if file.exists() else 0

    def lines(self) -> list[str]:
        """The distinct lines that are new, in order."""
        if not self.file.exists():
            return []
        with self.file.open("rb") as stream:
            stream.seek(self._at)
            content = stream.read()
        self._at += len(content)
        return list(dict.fromkeys(content.decode("utf-8", "replace").splitlines()))
