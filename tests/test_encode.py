"""Encoders: the export answers as sentence-transformers does, and wrong models are named."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from advisor.config import Settings, silence_vendors
from advisor.encode import (
    HASHED,
    PACKAGED,
    OnnxEncoder,
    export_folder,
    model_folder,
    model_stamp,
    open_encoder,
    open_trainer,
    rarity,
    training,
)
from advisor.errors import SettingsError
from advisor.export import TOLERANCE
from advisor.hashed import HashedEncoder

silence_vendors()
TEXTS = [
    "Do I need an MBA to become a CMO?",
    "pay",
    "",
    "The U.S. median was $95.5 thousand; é, 中文, 🙂.",
    "A vice president of medical affairs aligns the medical staff with the hospital. " * 40,
]


@pytest.fixture
def settings(indexed_home: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("ADVISOR_HOME", str(indexed_home))
    return Settings.load()


def _export(settings: Settings) -> Path:
    return export_folder(settings, model_stamp(PACKAGED))


def test_the_export_equals_sentence_transformers(settings: Settings, tmp_path: Path) -> None:
    """In a process of its own, which alone pays for loading torch."""
    script = (
        "import json, sys, numpy as np\n"
        "from advisor.config import silence_vendors; silence_vendors()\n"
        "from advisor.encode import PACKAGED, SentenceTransformerEncoder, model_stamp\n"
        "texts = json.loads(sys.stdin.read())\n"
        "encoder = SentenceTransformerEncoder(PACKAGED, model_stamp(PACKAGED), threads=1)\n"
        "np.save(sys.argv[1], encoder.encode(texts))\n"
        "print(json.dumps([[encoder.count(t) for t in texts], [encoder.rank(w) for w in ('physician', 'qqzzx')], encoder.dimensions]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "v.npy")],
        input=json.dumps(TEXTS), capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    served = open_encoder(settings)
    assert isinstance(served, OnnxEncoder)
    made = served.encode(TEXTS)
    assert made.dtype == np.float32
    assert np.abs(made - np.load(tmp_path / "v.npy")).max() <= TOLERANCE
    assert np.allclose(np.linalg.norm(made, axis=1), 1.0, atol=1e-5)
    counts, ranks, dimensions = json.loads(done.stdout)
    assert counts == [served.count(t) for t in TEXTS], "the export counts what was cut, too"
    assert ranks == [served.rank("physician"), served.rank("qqzzx")]
    assert dimensions == served.dimensions == made.shape[1]


def test_serving_does_not_import_torch(indexed_home: Path) -> None:
    script = "import sys\nfrom advisor import Advisor\nAdvisor.open().ask('Do I need an MBA?')\nslow = {'torch', 'transformers', 'sentence_transformers', 'gradio'}\nassert not slow & set(sys.modules), slow & set(sys.modules)\n"  # noqa: E501
    environment = {**os.environ, "ADVISOR_HOME": str(indexed_home)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_a_damaged_export_is_set_aside(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ruined = settings.model_copy(update={"home": tmp_path})
    shutil.copytree(_export(settings), _export(ruined))
    (_export(ruined) / "model.onnx").write_bytes(b"no model")
    monkeypatch.setattr("advisor.encode.SentenceTransformerEncoder", lambda *_, **__: "sentence-transformers")
    assert open_encoder(ruined) == "sentence-transformers"
    assert "damaged" in caplog.text
    assert not (_export(ruined) / "ready.json").exists(), "the next build exports it again"


def test_an_index_is_built_by_the_export_once_there_is_one(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("advisor.encode.SentenceTransformerEncoder", None)  # loading it again would be a fault
    trainer = open_trainer(settings)
    assert isinstance(trainer, OnnxEncoder)
    assert np.abs(trainer.encode(TEXTS) - np.vstack([trainer.encode([text]) for text in TEXTS])).max() <= TOLERANCE


@pytest.mark.parametrize(("lists", "reads"), [(True, "reader"), (False, "plain")])
def test_what_reads_is_exported_while_the_guidance_is_embedded(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lists: bool, reads: str
) -> None:
    embedded, exported = threading.Event(), []

    def export_reader(_encoder: object, _folder: object, learnt: Path) -> None:
        assert embedded.wait(20), "it kept the embedding waiting"
        exported.append(learnt.stem)

    fresh = settings.model_copy(update={"home": tmp_path})
    monkeypatch.setattr("advisor.encode.SentenceTransformerEncoder", lambda *_, **__: "sentence-transformers")
    monkeypatch.setattr("advisor.export.export", lambda _, folder: shutil.copytree(_export(settings), folder))
    monkeypatch.setattr("advisor.export.export_reader", export_reader)
    with training(fresh, lists=lists) as (encoder, wait):
        assert isinstance(encoder, OnnxEncoder)
        embedded.set()
        wait()
        assert len(exported) == 2
    assert exported == [reads, "resolver"]


def test_a_disk_that_fills_up_under_the_reader_is_told(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def export_reader(*_: object) -> None:
        raise OSError(28, "No space left on device")

    fresh = settings.model_copy(update={"home": tmp_path})
    monkeypatch.setattr("advisor.encode.SentenceTransformerEncoder", lambda *_, **__: "sentence-transformers")
    monkeypatch.setattr("advisor.export.export", lambda _, folder: shutil.copytree(_export(settings), folder))
    monkeypatch.setattr("advisor.export.export_reader", export_reader)
    with pytest.raises(OSError, match="No space"), training(fresh):
        pass


def test_a_model_that_cannot_be_exported_builds_the_index_itself(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("advisor.encode.SentenceTransformerEncoder", lambda *_, **__: "sentence-transformers")
    monkeypatch.setattr("advisor.export.export", lambda *_: False)
    assert open_trainer(settings.model_copy(update={"home": tmp_path})) == "sentence-transformers"


def test_folders_that_hold_no_model_are_named(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("absent", "empty", "pickled")]
    folders[1].mkdir()
    shutil.copytree(model_folder(PACKAGED), folders[2])
    for weights in folders[2].rglob("*.safetensors"):  # weights that could run code are never loaded
        weights.rename(weights.with_name("pytorch_model.bin"))
    script = (
        "import sys; from advisor.config import silence_vendors; silence_vendors()\n"
        "from advisor.encode import SentenceTransformerEncoder; from advisor.errors import SettingsError\n"
        "for folder in sys.argv[1:]:\n"
        "    try: SentenceTransformerEncoder(folder, 'stamp')\n"
        "    except SettingsError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, *map(str, folders)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 3, done.stdout + done.stderr
    for line, folder in zip(lines, folders, strict=True):
        assert line.startswith(f"ADVISOR_EMBEDDING_MODEL is {str(folder)!r}, which cannot be loaded"), line


def test_weights_that_are_not_the_published_ones_are_refused(tmp_path: Path) -> None:
    from advisor.encode import _check_weights

    (tmp_path / "model.safetensors").write_bytes(b"other weights")
    with pytest.raises(SettingsError, match="not the published ones"):
        _check_weights(tmp_path)
    _check_weights(Path(model_folder(PACKAGED)))


def test_the_stamp_of_a_model_follows_its_files(tmp_path: Path) -> None:
    shutil.copytree(model_folder(PACKAGED), tmp_path / "m")
    first = model_stamp(str(tmp_path / "m"))
    assert first == model_stamp(str(tmp_path / "m"))
    (tmp_path / "m" / "modules.json").write_text("[]")
    assert model_stamp(str(tmp_path / "m")) != first
    assert model_stamp("some/name") == "some/name"
    assert model_stamp(HASHED) == HashedEncoder().name


def test_rare_words_weigh_more(settings: Settings) -> None:
    encoder = open_encoder(settings)
    weights = [rarity(encoder, word) for word in ("the", "work", "physician", "qqzzx")]
    assert weights == sorted(weights)
    assert (weights[0], weights[-1]) == (0.0, 1.0)
