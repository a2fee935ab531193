"""The lowest versions that may be installed have none of the faults that are known and matter here."""

import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

FLOORS = {
    "ray": (
        "2.59",
        "tokens on by default; CVE-2025-62593, CVE-2026-27482, CVE-2026-41486, CVE-2026-57516 before",
    ),
    "torch": ("2.10", "CVE-2025-32434 and CVE-2026-24747 in torch.load(weights_only=True) before"),
    "filelock": ("4.2.1", "CVE-2025-68146, CVE-2026-22701 and CVE-2026-112906 before"),
    "jinja2": ("3.1.6", "CVE-2025-27516 before"),
    "pillow": ("12.2", "CVE-2026-25990 and CVE-2026-40192 before"),
    "pyyaml": ("5.4", "CVE-2020-14343 before"),
}
ROOT = Path(__file__).parents[2]


def declared() -> dict[str, Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = (Requirement(text) for text in project["dependencies"])
    return {requirement.name.lower(): requirement for requirement in found}


@pytest.mark.parametrize("name", FLOORS)
def test_no_version_with_a_known_fault_satisfies_the_requirement(name: str) -> None:
    floor, _ = FLOORS[name]
    (specifier,) = declared()[name].specifier
    assert specifier.operator == ">="
    assert Version(specifier.version) >= Version(floor)
    assert Version(version(name)) >= Version(floor)


def test_every_dependency_has_a_lowest_version() -> None:
    assert [
        str(one) for one in declared().values() if not any(s.operator == ">=" for s in one.specifier)
    ] == []


def test_what_reads_models_from_elsewhere_is_no_dependency() -> None:
    assert not declared().keys() & {"onnx", "diskcache", "mlflow", "transformers", "joblib"}


def test_the_floors_are_told_in_security_md() -> None:
    said = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    for name, (floor, _) in FLOORS.items():
        if name != "pyyaml":
            assert f"{name} {floor}" in said.lower(), name
