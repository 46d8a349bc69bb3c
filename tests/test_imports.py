"""What importing costs: proved in processes of their own."""

import importlib.metadata
import importlib.resources
import subprocess
import sys

import pytest

import semmatch
from tests.checks import run_python

FRAMEWORKS = {"keras", "keras_hub", "tensorflow", "torch", "jax"}


def loaded_by(code, packages):
    """Which of `packages` a fresh process has loaded after `code`."""
    output = run_python(f"{code}\nimport sys\nprint(*sys.modules)")
    return packages & set(output.split())


def test_importing_the_package_loads_nothing_heavy():
    heavy = FRAMEWORKS | {"numpy", "onnxruntime", "tokenizers", "tqdm"}
    assert loaded_by("import semmatch", heavy) == set()


@pytest.mark.parametrize(
    "code",
    [
        "import semmatch.serving",
        "import semmatch.serving.embedding_scorer",
        "import semmatch.tokenizers.text_packing",
        "import semmatch.tokenizers",
        "import semmatch.evaluation",
        "import semmatch.checkpoints",
        "import semmatch.cli",
        "from semmatch import Matcher",
        "from semmatch import FAQIndex, RetrieveRerank, VectorIndex",
        "from semmatch import Tokenizer, classification_report",
        "from semmatch.data import read_pairs, load_faq, pair_dataset",
    ],
)
def test_serving_machines_need_no_framework(code):
    assert loaded_by(code, FRAMEWORKS) == set()


def test_faiss_is_loaded_where_it_is_used():
    code = "from semmatch import VectorIndex\nindex = VectorIndex(2{})"
    assert loaded_by(code.format(""), {"faiss"}) == set()
    assert loaded_by(code.format(", factory='Flat'"), {"faiss"}) == {"faiss"}


def test_the_check_sees_a_framework_that_is_loaded():
    assert "keras" in loaded_by("import semmatch.layers", FRAMEWORKS)


def test_importing_the_package_takes_no_time():
    def seconds():
        report = subprocess.run(
            [sys.executable, "-X", "importtime", "-c", "import semmatch"],
            check=True,
            stderr=subprocess.PIPE,
            text=True,
        ).stderr
        # import time: self [us] | cumulative | imported package
        rows = (line.split("|") for line in report.splitlines())
        times = {row[2].strip(): row[1] for row in rows if len(row) == 3}
        return int(times["semmatch"]) / 1e6

    # The best, since another process may take the processor meanwhile.
    assert min(seconds() for _ in range(5)) < 0.1


@pytest.mark.parametrize("name", semmatch.__all__)
def test_every_public_name_is_there_and_listed(name):
    assert getattr(semmatch, name).__name__ == name
    assert name in dir(semmatch)


@pytest.mark.parametrize("name", sorted(semmatch._SUBMODULES))
def test_every_subpackage_is_an_attribute_and_listed(name):
    assert getattr(semmatch, name).__name__ == f"semmatch.{name}"
    assert name in dir(semmatch)


def test_an_unknown_name_is_an_attribute_error():
    message = "module 'semmatch' has no attribute 'CrossEncode'"
    with pytest.raises(AttributeError, match=message):
        _ = semmatch.CrossEncode
    with pytest.raises(ImportError, match="cannot import name 'CrossEncode'"):
        from semmatch import CrossEncode  # noqa: F401


def test_type_checkers_find_the_marker_and_the_names():
    package = importlib.resources.files("semmatch")
    assert package.joinpath("py.typed").is_file()
    source = package.joinpath("__init__.py").read_text(encoding="utf-8")
    checked = source.split("if TYPE_CHECKING:")[1].split("\n\n")[0]
    imported = {line.split(" import ")[1] for line in checked.split("\n")[1:]}
    assert imported == set(semmatch.__all__)


def test_the_version_is_that_of_the_installed_package():
    assert semmatch.__version__ == importlib.metadata.version("semmatch")
