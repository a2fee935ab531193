import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RAY_FILES = {
    "sweeper/cluster.py",
    "sweeper/nodes.py",
    "sweeper/engine.py",
    "sweeper/ray_views.py",
    "trainables/tune.py",
}
FORBIDDEN = {
    "analysis": {"sweeper", "trainables", "torch", "torchvision", "ray", "optuna"},
    "trainables": {"sweeper", "analysis", "ray", "optuna"},
    "sweeper": {"ray"},
}


def imported(file: Path) -> Iterator[str]:
    """Top-level names of all that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: a relative import"
            assert node.module is not None
            yield node.module.split(".")[0]


@pytest.mark.parametrize("package", FORBIDDEN)
def test_a_package_imports_only_what_it_may(package: str) -> None:
    files = sorted((ROOT / package).rglob("*.py"))
    assert len(files) > 5
    for file in files:
        name = file.relative_to(ROOT).as_posix()
        found = set(imported(file)) & FORBIDDEN[package]
        assert found - ({"ray"} if name in RAY_FILES else set()) == set(), name


def test_the_files_that_may_import_ray_do() -> None:
    assert all("ray" in set(imported(ROOT / name)) for name in RAY_FILES)


def test_no_file_prints() -> None:
    for package in FORBIDDEN:
        for file in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                called = node.func if isinstance(node, ast.Call) else None
                assert not (isinstance(called, ast.Name) and called.id == "print"), file
