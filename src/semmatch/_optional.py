"""The one wording for a missing optional dependency."""

import importlib


def require(module, extra):
    """The imported `module`, or an error that says which extra brings it.

    Args:
        module: str, a module's full name, such as `"matplotlib.figure"`.
        extra: str, the name in `setup.cfg` under `extras_require`.

    >>> require("json", "plots").dumps([1])
    '[1]'

    Raises:
        ImportError: if it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise  # it is installed, but one of its own dependencies is not
        raise ImportError(
            f"This needs `{module}`. Run: pip install 'semmatch[{extra}]'"
        ) from error
