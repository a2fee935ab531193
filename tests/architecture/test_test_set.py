import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ALLOWED = {
    "trainables/evaluate.py",
    "trainables/damage.py",  # measures what a cut costs, class by class
    "trainables/data/dataset.py",  # splits: nothing is measured
}


def test_only_the_evaluation_touches_the_test_images() -> None:
    mention = re.compile(r"\b(data|dataset|images)\.test\b|getattr\([^)]*[\"']test[\"']")
    found = {
        path.relative_to(ROOT).as_posix()
        for package in ("trainables", "sweeper")
        for path in (ROOT / package).rglob("*.py")
        if mention.search(path.read_text(encoding="utf-8"))
    }
    assert "trainables/evaluate.py" in found
    assert found <= ALLOWED
