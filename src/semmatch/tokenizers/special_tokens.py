"""Special and added tokens, and the settings of a tokenizer's folder."""

from tokenizers import AddedToken

from semmatch._json import read_json_object

CONFIG_FILE = "tokenizer_config.json"
SPECIAL_TOKENS_FILE = "special_tokens_map.json"
ADDED_TOKENS_FILE = "added_tokens.json"

_NAMES = tuple(
    f"{name}_token"
    for name in ("bos", "eos", "unk", "sep", "pad", "cls", "mask")
)
_ADDED = "added_tokens_decoder"
_FLAGS = ("lstrip", "rstrip", "single_word", "normalized")


def read_config(folder):
    """The content of `tokenizer_config.json`, and of what is part of it.

    Older folders keep special tokens in `special_tokens_map.json` and other
    added ones in `added_tokens.json`. As in transformers they count unless
    `tokenizer_config.json` has `added_tokens_decoder`, which they become.

    Args:
        folder: `pathlib.Path`.

    Returns:
        A dict, without files one of no tokens.

    Raises:
        ValueError: if a file is no JSON object, or an added token has no id.
    """
    path = folder / CONFIG_FILE
    config = _read(path)
    if config.get(_ADDED) is None:
        config |= _read(folder / SPECIAL_TOKENS_FILE)
        path = folder / ADDED_TOKENS_FILE
        special = {content(config.get(name)) for name in _NAMES}
        special |= set(map(content, _more(config)))
        config[_ADDED] = {
            index: {
                "content": token,
                "special": token in special,
                "normalized": token not in special,
            }
            for token, index in _read(path).items()
        }
    for index, record in config[_ADDED].items():
        text = record.get("content") if isinstance(record, dict) else None
        if not str(index).isdecimal() or not text:
            raise ValueError(
                f"{path} must give each added token an id, an integer from "
                f"0. Received: {record} with id {index!r}. Copy it again."
            )
    return config


def content(token):
    """A token's text, which files give bare or in a record.

    >>> [content("<s>"), content({"content": "<s>"}), content(None)]
    ['<s>', '<s>', None]
    """
    return token["content"] if isinstance(token, dict) else token


def added_ids(config):
    """A dict from each added token's text to its id, the lowest first."""
    records = config.get(_ADDED, {}).items()
    ids = {content(record): int(index) for index, record in records}
    return dict(sorted(ids.items(), key=lambda item: item[1]))


def named_tokens(config, defaults):
    """The special tokens that have a name.

    Args:
        config: a dict, see `read_config`.
        defaults: a dict from name, such as `"pad_token"`, to text.

    Returns:
        A dict from name to text, of the defaults' names.
    """
    return {
        name: content(config.get(name)) or default
        for name, default in defaults.items()
    }


def check_special_tokens(special, known, path):
    """Raises ValueError unless all of them are known.

    Args:
        special: iterable of strings.
        known: set or dict of strings.
        path: path, named in the message.
    """
    missing = [token for token in dict.fromkeys(special) if token not in known]
    if missing:
        raise ValueError(
            f"{path} lacks the special pieces {', '.join(missing)}. Name the "
            f"vocabulary's own in {CONFIG_FILE}."
        )


def add_special_tokens(rust, special, config, path, mask_strips=False):
    """Makes special and added tokens such that no text splits them.

    Args:
        rust: `tokenizers.Tokenizer` with its model, changed in place.
        special: a dict from name to text, see `named_tokens`.
        config: a dict, see `read_config`.
        path: path of the vocabulary, named in messages.
        mask_strips: bool, the mask token takes the white space before it
            along, unless the configuration has its flags.

    Raises:
        ValueError: if an added token gets another id than its file says.
    """
    records = {text: {"content": text} for text in special.values()}
    if mask_strips:
        records[special["mask_token"]]["lstrip"] = True
    for name in _NAMES:
        if isinstance(config.get(name), dict):
            records[content(config[name])] = config[name]
        elif config.get(name):
            records.setdefault(config[name], {"content": config[name]})
    for record in config.get(_ADDED, {}).values():
        text = content(record)
        is_special = text in records or record.get("special", False)
        records[text] = {
            **records.get(text, {}),
            **record,
            "special": is_special,
        }
    for text, index in added_ids(config).items():
        rust.add_tokens([_token(records[text])])
        if rust.token_to_id(text) != index:
            raise ValueError(
                f"The added token {text!r} must have the id {index}. "
                f"Received: {rust.token_to_id(text)} after the pieces of "
                f"{path}. Use the {ADDED_TOKENS_FILE} or {CONFIG_FILE} that "
                "belongs to it."
            )
    for more in _more(config):
        record = more if isinstance(more, dict) else {"content": more}
        records.setdefault(content(more), record)
    rust.add_tokens([_token(record) for record in records.values()])


def _token(record):
    flags = {name: record[name] for name in _FLAGS if name in record}
    return AddedToken(
        record["content"], special=record.get("special", True), **flags
    )


def _more(config):
    """Special tokens without a name."""
    more = (
        config.get("extra_special_tokens")
        or config.get("additional_special_tokens")
        or ()
    )
    return more.values() if isinstance(more, dict) else more


def _read(path):
    return read_json_object(path) if path.is_file() else {}
