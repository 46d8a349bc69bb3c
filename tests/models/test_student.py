"""Students have what is said of their teachers, and nothing more."""

import keras
import keras_hub
import numpy as np
import pytest

from semmatch import BiEncoder
from semmatch import CrossEncoder
from semmatch import Scoring
from semmatch.data import Pairs
from semmatch.models import BiEncoderPreprocessor
from semmatch.models import CrossEncoderPreprocessor
from semmatch.models import student_from
from semmatch.models.trainable import set_trainable
from semmatch.tokenizers import trim_vocabulary
from tests.checks import randomise
from tests.checks import tiny_encoder
from tests.checks import to_numpy

# "app" and "loan" are pieces, since they occur twice.
WORDS = ("怎么还款", "如何还款", "app app", "loan loan")
CORPUS = ("loan还款", "怎么还loan", "还款怎么")
PAIRS = Pairs([*CORPUS], [*CORPUS[1:], CORPUS[0]], [1, 0, 1])
TABLES = ("token_embedding", "position_embedding", "segment_embedding")


def teacher_of(kind, encoder=None, preprocessor=None, **options):
    """A teacher of four layers, all weights of which matter."""
    encoder = {"num_layers": 4, **(encoder or {})}
    has_segments = encoder.get("num_segments", 2) > 0
    reader = {
        CrossEncoder: CrossEncoderPreprocessor,
        BiEncoder: BiEncoderPreprocessor,
    }[kind].from_texts(
        WORDS,
        sequence_length=16,
        segments=has_segments,
        **(preprocessor or {}),
    )
    teacher = kind(tiny_encoder(**encoder), reader, **options)
    randomise(teacher, seed=3)
    return teacher


@pytest.fixture
def cross():
    return teacher_of(CrossEncoder)


def logits(model, pairs=PAIRS):
    """What the model itself returns."""
    return to_numpy(model(model.preprocessor.pack(pairs.text_a, pairs.text_b)))


def values(layer):
    return {v.path: to_numpy(v) for v in layer.weights}


def centred(table):
    return table - table.mean(axis=0)


def top(symmetric, number):
    """The part of a symmetric matrix that its largest eigenvalues make."""
    eigenvalues, vectors = np.linalg.eigh(symmetric)
    vectors = vectors[:, -number:]
    return vectors * eigenvalues[-number:] @ vectors.T, vectors @ vectors.T


@pytest.mark.parametrize(
    "kind, encoder, options",
    [
        (CrossEncoder, {}, {}),
        (CrossEncoder, {}, {"hidden_dim": 5, "num_classes": 3}),
        (CrossEncoder, {"pooler": False, "num_segments": 0}, {}),
        (CrossEncoder, {"shared_layers": True, "embedding_dim": 4}, {}),
        (BiEncoder, {}, {"pooling": "first_last", "normalize": False}),
        (
            BiEncoder,
            {"activation": "relu", "initializer": "he_normal"},
            {"pooling": "attention", "projection_dim": 3, "pair_classes": 3},
        ),
    ],
)
def test_a_student_of_all_layers_is_the_teacher_again(kind, encoder, options):
    teacher = teacher_of(kind, encoder, **options)
    student = student_from(teacher, 4)
    assert type(student) is kind
    assert student.compiled
    for one, two in zip(student.weights, teacher.weights, strict=True):
        np.testing.assert_array_equal(to_numpy(one), to_numpy(two))
    outputs = logits(student)
    np.testing.assert_allclose(outputs, logits(teacher), atol=1e-6)
    if "pair_classes" in options:
        np.testing.assert_allclose(
            student.pair_head(outputs), teacher.pair_head(outputs), atol=1e-6
        )
    config, expected = student.get_config(), teacher.get_config()
    for own in (config, expected):
        own.pop("name")
    assert config == expected
    report = student.load_report
    assert set(report.used) == {v.path for v in teacher.weights}
    assert (report.unused, report.initialised) == ({}, ())


def through(teacher, blocks, features):
    """The vectors of tokens after some of the teacher's blocks."""
    encoder = teacher.backbone
    embeddings = encoder.get_layer("embedding_dropout").output
    names = {name: features[name] for name in encoder.input}
    tokens = keras.Model(encoder.input, embeddings)(names)
    for index in blocks:
        block = encoder.get_layer(f"block_{index}")
        tokens = block(tokens, features["padding_mask"])
    return tokens


@pytest.mark.parametrize(
    "layers, blocks",
    [
        ([0, 2], [0, 2]),
        ((1, 3), [1, 3]),
        (np.array([3]), [3]),
        (2, [0, 1]),
        (np.int64(1), [0]),
    ],
)
def test_tokens_pass_the_chosen_blocks_and_then_the_head(cross, layers, blocks):
    student = student_from(cross, layers)
    features = cross.preprocessor.pack(PAIRS.text_a, PAIRS.text_b)
    tokens = through(cross, blocks, features)
    pooled = cross.backbone.get_layer("pooler")(tokens[:, 0])
    expected = cross.get_layer("head")(pooled)
    np.testing.assert_allclose(
        logits(student), to_numpy(expected), rtol=0, atol=1e-6
    )
    assert student.backbone.num_layers == len(blocks)
    left = [f"block_{i}" for i in range(4) if i not in blocks]
    assert student.load_report.unused == dict.fromkeys(
        left, "not among the chosen layers"
    )
    assert student.load_report.initialised == ()
    used = {path.partition("/")[0] for path in student.load_report.used}
    assert {f"block_{i}" for i in blocks} <= used
    assert used.isdisjoint(left)


def test_a_bi_encoder_passes_them_too():
    teacher = teacher_of(BiEncoder)
    student = student_from(teacher, [0, 2])
    features = teacher.preprocessor.packer.pack_ids(
        teacher.preprocessor.tokenizer.tokenize([*CORPUS])
    )
    tokens = to_numpy(through(teacher, [0, 2], features))
    mask = features["padding_mask"][:, :, None]
    means = (tokens * mask).sum(axis=1) / mask.sum(axis=1)
    expected = means / np.linalg.norm(means, axis=1, keepdims=True)
    np.testing.assert_allclose(
        student.encode([*CORPUS]), expected, rtol=0, atol=1e-6
    )


def test_of_a_shared_block_there_may_be_fewer_uses():
    teacher = teacher_of(
        CrossEncoder, {"shared_layers": True, "embedding_dim": 4}
    )
    student = student_from(teacher, 2)
    features = teacher.preprocessor.pack(PAIRS.text_a, PAIRS.text_b)
    encoder = teacher.backbone
    narrow = through(teacher, [], features)
    tokens = encoder.get_layer("embedding_projection")(narrow)
    for _ in range(2):
        tokens = encoder.get_layer("block_0")(tokens, features["padding_mask"])
    expected = encoder.get_layer("pooler")(tokens[:, 0])
    names = {name: features[name] for name in encoder.input}
    np.testing.assert_allclose(
        to_numpy(student.backbone(names)["pooled_output"]),
        to_numpy(expected),
        rtol=0,
        atol=1e-6,
    )


@pytest.mark.parametrize("options", [{}, {"hidden_dim": 4}])
def test_what_is_done_to_a_student_leaves_its_teacher(cross, options):
    before, scoring = values(cross), cross.scoring
    student = student_from(cross, 2, vocabulary=CORPUS, **options)
    own = {id(variable) for variable in student.variables}
    assert own.isdisjoint(id(variable) for variable in cross.variables)
    randomise(student, seed=9)
    student.scoring = Scoring("sigmoid", 3.0)
    for path, value in values(cross).items():
        np.testing.assert_array_equal(value, before[path])
    assert cross.scoring == scoring
    assert "app" in {cross.preprocessor.tokenizer.token(i) for i in range(40)}


@pytest.mark.parametrize("part", ["head", "top:1", "lora:2"])
def test_all_of_a_student_is_trained_whatever_was_of_the_teacher(part):
    teacher = teacher_of(CrossEncoder, pooling="mean")
    expected = [v.path for v in teacher.trainable_weights]
    set_trainable(teacher, part)
    for variable in teacher.weights:
        if "lora" in variable.path:
            variable.assign(np.full(variable.shape, 0.3))
    student = student_from(teacher, 4)
    assert [v.path for v in student.trainable_weights] == expected
    np.testing.assert_allclose(logits(student), logits(teacher), atol=1e-5)


def test_scoring_starts_afresh_but_for_what_was_not_fitted():
    fitted = Scoring("sigmoid", 2.0, 0.5, 0.7, 0.3, symmetric=True, long="max")
    fresh = {"symmetric": True, "long": "max"}
    cross = teacher_of(CrossEncoder, scoring=fitted)
    assert student_from(cross, 4).scoring == Scoring("sigmoid", **fresh)
    # Windows are of pairs that are read together.
    fitted = fitted.replace(long="truncate")
    for similarity, activation in (("cosine", "cosine"), ("dot", "sigmoid")):
        bi = teacher_of(BiEncoder, scoring=fitted, similarity=similarity)
        student = student_from(bi, 4)
        assert student.similarity_name == similarity
        assert student.scoring == Scoring(activation, symmetric=True)


@pytest.mark.parametrize("options", [{}, {"hidden_dim": 4}])
def test_the_precision_is_the_teachers_or_another(options):
    teacher = teacher_of(CrossEncoder, {"dtype": "mixed_bfloat16"})
    for dtype, expected in ((None, "bfloat16"), ("float32", "float32")):
        student = student_from(teacher, 2, dtype=dtype, **options)
        block = student.backbone.get_layer("block_1")
        assert block.query.compute_dtype == expected
        assert block.query.variable_dtype == "float32"
        assert student.backbone.dtype_policy.compute_dtype == expected


@pytest.mark.parametrize(
    "width, num_heads, hidden_dim, expected",
    [
        (8, 2, 4, (1, 4)),  # heads 4 wide
        (96, 2, 48, (1, 48)),  # heads 48 wide
        (96, 2, 64, (2, 32)),  # which do not divide it
    ],
)
def test_a_narrower_student_has_the_proportions(
    width, num_heads, hidden_dim, expected
):
    teacher = teacher_of(
        CrossEncoder,
        {
            "hidden_dim": width,
            "num_heads": num_heads,
            "intermediate_dim": 3 * width,
        },
        num_classes=3,
    )
    student = student_from(teacher, 3, hidden_dim=hidden_dim)
    encoder = student.backbone
    assert encoder.num_layers == 3
    assert (encoder.num_heads, hidden_dim // encoder.num_heads) == expected
    block = encoder.get_layer("block_2")
    assert block.query.kernel.shape == (hidden_dim, hidden_dim)
    assert block.intermediate.kernel.shape == (hidden_dim, 3 * hidden_dim)
    assert encoder.get_layer("pooler").kernel.shape == (hidden_dim,) * 2
    assert student.get_layer("head").kernel.shape == (hidden_dim, 3)
    assert logits(student).shape == (3, 3)
    assert float(np.abs(to_numpy(block.query.kernel)).max()) > 0.01


@pytest.mark.parametrize(
    "encoder, hidden_dim",
    [({}, 4), ({"embedding_dim": 6}, 4), ({"num_segments": 0}, 4)],
)
def test_its_embeddings_are_the_principal_components(encoder, hidden_dim):
    teacher = teacher_of(CrossEncoder, encoder)
    student = student_from(teacher, 2, hidden_dim=hidden_dim)
    assert student.backbone.embedding_dim is None
    mine = values(student.backbone)
    theirs = values(teacher.backbone)
    tokens = centred(theirs["token_embedding/embeddings"].astype("float64"))
    gram, _ = top(tokens @ tokens.T, hidden_dim)
    table = mine["token_embedding/embeddings"]
    assert table.shape == (64, hidden_dim)
    np.testing.assert_allclose(table @ table.T, gram, atol=1e-4)
    # The others have the products with tokens that the same axes leave.
    _, projector = top(tokens.T @ tokens, hidden_dim)
    for name in TABLES[1 : 2 + teacher.preprocessor.segments]:
        rows = centred(theirs[f"{name}/embeddings"])
        np.testing.assert_allclose(
            mine[f"{name}/embeddings"] @ table.T,
            rows @ projector @ tokens.T,
            atol=1e-4,
        )
    np.testing.assert_array_equal(mine["embedding_norm/gamma"], 1.0)
    np.testing.assert_array_equal(mine["embedding_norm/beta"], 0.0)


def test_its_report_says_what_starts_afresh(cross):
    report = student_from(cross, 2, hidden_dim=4).load_report
    assert report.used == tuple(f"{name}/embeddings" for name in TABLES)
    blocks = tuple(f"block_{index}" for index in range(4))
    first, last = ("embedding_norm",), ("pooler", "head")
    assert tuple(report.unused) == first + blocks + last
    assert set(report.unused.values()) == {"of another width"}
    assert report.initialised == first + blocks[:2] + last


def test_narrow_embeddings_are_kept_as_they_are():
    teacher = teacher_of(
        CrossEncoder, {"embedding_dim": 4, "shared_layers": True}
    )
    student = student_from(teacher, 2, hidden_dim=4)
    assert student.backbone.embedding_dim == 4
    assert student.backbone.shared_layers
    mine, theirs = values(student.backbone), values(teacher.backbone)
    norm = ("embedding_norm/gamma", "embedding_norm/beta")
    used = [*(f"{name}/embeddings" for name in TABLES), *norm]
    for path in used:
        np.testing.assert_array_equal(mine[path], theirs[path])
    assert sorted(student.load_report.used) == sorted(used)
    assert student.load_report.initialised == (
        *("embedding_projection", "block_0", "pooler", "head"),
    )


def test_a_smaller_vocabulary_gives_its_corpus_the_same_scores(cross):
    whole = student_from(cross, [0, 2])
    student = student_from(cross, [0, 2], vocabulary=CORPUS)
    tokenizer = cross.preprocessor.tokenizer
    expected, kept = trim_vocabulary(tokenizer, CORPUS)
    assert student.preprocessor.tokenizer == expected
    assert student.preprocessor.sequence_length == 16
    assert len(kept) < tokenizer.vocabulary_size
    assert student.backbone.vocabulary_size == len(kept)
    table = values(cross.backbone)["token_embedding/embeddings"]
    mine = values(student.backbone)["token_embedding/embeddings"]
    np.testing.assert_array_equal(mine, table[kept])
    np.testing.assert_allclose(
        student.score(PAIRS), whole.score(PAIRS), rtol=0, atol=1e-6
    )
    # What the corpus lacks is read by its characters.
    assert np.isfinite(student.score([("app", "龘")])).all()
    assert set(student.load_report.unused) == {
        "block_1",
        "block_3",
        f"{64 - len(kept)} rows of token_embedding",
    }


def test_the_prompts_of_a_bi_encoder_are_texts_of_the_corpus():
    prompts = {"query_prompt": "app ", "passage_prompt": "loan "}
    teacher = teacher_of(BiEncoder, preprocessor=prompts)
    student = student_from(teacher, 4, vocabulary=["还款", "app"])
    tokenizer = student.preprocessor.tokenizer
    pieces = {tokenizer.token(i) for i in range(tokenizer.vocabulary_size)}
    assert {"app", "loan"} <= pieces
    assert student.preprocessor.query_prompt == "app "
    only_query = teacher_of(
        BiEncoder, preprocessor={**prompts, "passage_prompt": ""}
    )
    student = student_from(only_query, 4, vocabulary=["还款"])
    tokenizer = student.preprocessor.tokenizer
    pieces = {tokenizer.token(i) for i in range(tokenizer.vocabulary_size)}
    assert "app" in pieces
    assert "loan" not in pieces
    for side in ("query", "passage"):
        np.testing.assert_allclose(
            student.encode(["还款"], side=side),
            only_query.encode(["还款"], side=side),
            rtol=0,
            atol=1e-6,
        )


def test_the_components_are_those_of_the_pieces_that_are_kept(cross):
    student = student_from(cross, 1, hidden_dim=4, vocabulary=CORPUS)
    _, kept = trim_vocabulary(cross.preprocessor.tokenizer, CORPUS)
    table = values(cross.backbone)["token_embedding/embeddings"]
    tokens = centred(table[kept].astype("float64"))
    mine = values(student.backbone)["token_embedding/embeddings"]
    expected, _ = top(tokens @ tokens.T, 4)
    np.testing.assert_allclose(mine @ mine.T, expected, atol=1e-4)


@pytest.mark.parametrize(
    "kind, layers, options",
    [
        (CrossEncoder, [0, 3], {"vocabulary": CORPUS}),
        (BiEncoder, 2, {"vocabulary": CORPUS, "hidden_dim": 4}),
    ],
)
def test_a_student_goes_to_a_preset_and_back(tmp_path, kind, layers, options):
    student = student_from(teacher_of(kind), layers, **options)
    student.save_to_preset(tmp_path / "student")
    again = kind.from_preset(tmp_path / "student")
    np.testing.assert_allclose(
        again.score(PAIRS), student.score(PAIRS), rtol=0, atol=1e-6
    )
    assert again.preprocessor.tokenizer == student.preprocessor.tokenizer
    assert again.backbone.get_config() == student.backbone.get_config()


@pytest.mark.slow
def test_a_student_learns():
    still = {"dropout": 0.0, "attention_dropout": 0.0}
    teacher = teacher_of(CrossEncoder, still, dropout=0.0)
    keras.utils.set_random_seed(0)
    student = student_from(teacher, 1, hidden_dim=4, vocabulary=CORPUS)
    student.compile(keras.optimizers.Adam(0.05))
    history = student.fit(PAIRS, epochs=60, batch_size=3, verbose=0)
    assert history.history["loss"][-1] < 0.5 * history.history["loss"][0]


@pytest.mark.parametrize(
    "layers",
    [0, 5, -1, True, 2.0, None, [], [0, 4], [-1], [1, 0], [0, 0], [0.0], "01"],
)
def test_other_layers_are_refused(cross, layers):
    with pytest.raises(ValueError, match="from 1 to 4, the .*Received: layers"):
        student_from(cross, layers)


def test_a_list_is_refused_where_there_is_nothing_to_choose(cross):
    with pytest.raises(ValueError, match="from 1 to 4.*all blocks start fresh"):
        student_from(cross, [0, 2], hidden_dim=4)
    shared = teacher_of(CrossEncoder, {"shared_layers": True})
    with pytest.raises(ValueError, match="from 1 to 4.*share one block.*0, 2"):
        student_from(shared, [0, 2])


@pytest.mark.parametrize("hidden_dim", [8, 12, 3])
def test_another_width_is_refused(cross, hidden_dim):
    message = f"below 8, .* multiple of 4, .* 32. .*hidden_dim={hidden_dim}"
    with pytest.raises(ValueError, match=message):
        student_from(cross, 2, hidden_dim=hidden_dim)
    with pytest.raises(ValueError, match="integer of at least 1.*=0"):
        student_from(cross, 2, hidden_dim=0)


@pytest.mark.parametrize("kind", [CrossEncoder, BiEncoder])
@pytest.mark.parametrize("vocabulary", [[], "怎么还款"])
def test_no_vocabulary_is_refused(kind, vocabulary):
    with pytest.raises(ValueError, match="list of one text or more"):
        student_from(teacher_of(kind), 2, vocabulary=vocabulary)


def test_what_is_no_text_of_a_vocabulary_is_refused():
    with pytest.raises(TypeError, match="text 1 of `vocabulary`.*None"):
        student_from(teacher_of(BiEncoder), 2, vocabulary=["还款", None])


def test_without_a_preprocessor_there_is_no_vocabulary_to_cut():
    teacher = CrossEncoder(tiny_encoder())
    assert student_from(teacher, 1).preprocessor is None
    with pytest.raises(ValueError, match="no preprocessor"):
        student_from(teacher, 1, vocabulary=CORPUS)


def test_other_teachers_are_refused():
    backbone = keras_hub.models.BertBackbone(40, 1, 2, 8, 16)
    message = "Received: a `CrossEncoder` on a `BertBackbone`"
    with pytest.raises(ValueError, match=message):
        student_from(CrossEncoder(backbone), 1)
    with pytest.raises(ValueError, match="Received: a `TextEncoder` on"):
        student_from(tiny_encoder(), 1)
