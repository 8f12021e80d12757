"""The reader of topics as the web process has it: light, there from the start, and clear when its weights are not."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from models.bundled import WEIGHTS
from service.demo.settings import environment
from service.settings import Settings

ROOT = Path(__file__).parents[2]
LIGHT = """
import sys
import service.app
from service import topics

topics.suggest("moeder van een zoon met autisme", None)
print(*({"torch", "sklearn", "scipy", "sentence_transformers"} & sys.modules.keys()))
"""


def test_suggesting_imports_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == ""


def _missing(weights: Path) -> None:
    shutil.rmtree(weights)


def _cut_off(weights: Path) -> None:
    for file in weights.rglob("*.safetensors"):
        file.write_bytes(file.read_bytes()[:100])


def _not_json(weights: Path) -> None:
    (weights / "kring.json").write_text("{")


def _no_tokenizer(weights: Path) -> None:
    (weights / "tokenizer.json").write_text("[]")


@pytest.mark.parametrize("broken", [_missing, _cut_off, _not_json, _no_tokenizer])
def test_weights_that_cannot_be_read_stop_the_web_process_with_one_line(
    settings: Settings, tmp_path: Path, broken: Callable[[Path], None]
) -> None:
    """On a copy of `models` with such weights, beside the service as it is."""
    ignored = shutil.ignore_patterns("__pycache__", "corpus", "training", "weights")
    shutil.copytree(ROOT / "models", tmp_path / "models", ignore=ignored)
    shutil.copytree(WEIGHTS, tmp_path / "models" / "weights")
    (tmp_path / "service").symlink_to(ROOT / "service")
    broken(tmp_path / "models" / "weights")
    done = subprocess.run(
        [sys.executable, "-m", "service.cli", "serve"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | environment(settings),
        timeout=60,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("kring: weights_unreadable")
    assert done.stderr.count("\n") == 1
