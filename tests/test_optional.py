"""A missing dependency says which extra brings it."""

import json.decoder

import pytest

from semmatch._optional import require


def test_an_installed_module_is_returned():
    assert require("json.decoder", "plots") is json.decoder


@pytest.mark.parametrize("module", ["nosuchmodule", "nosuchmodule.inner"])
def test_a_missing_module_names_its_extra(module):
    message = rf"needs `{module}`. Run: pip install 'semmatch\[plots\]'"
    with pytest.raises(ImportError, match=message):
        require(module, "plots")


def test_a_dependency_missing_inside_the_module_is_named_itself(
    tmp_path, monkeypatch
):
    (tmp_path / "halfinstalled.py").write_text("import nosuchmodule\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="'nosuchmodule'") as error:
        require("halfinstalled", "plots")
    assert "semmatch" not in str(error.value)
