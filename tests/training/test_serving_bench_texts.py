import json

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from training.serving_bench.errors import BenchmarkError
from training.serving_bench.texts import MEDIAN_TOKENS, Text, choose, read_pool

POOL = [Text(f"text {number}", 10 + number % 120) for number in range(4000)]


def test_chosen_texts_are_as_long_as_real_ones():
    lengths = sorted(text.tokens for text in choose(POOL, 1000, seed=1))
    assert abs(lengths[500] - MEDIAN_TOKENS) <= 3
    assert 90 <= lengths[950] <= 110


def test_no_text_is_chosen_twice():
    assert len({text.text for text in choose(POOL, 1000, seed=1)}) == 1000


def test_the_same_seed_chooses_the_same_texts():
    assert choose(POOL, 50, seed=1) == choose(POOL, 50, seed=1)
    assert choose(POOL, 50, seed=1) != choose(POOL, 50, seed=2)


def test_a_whole_pool_can_be_chosen():
    assert sorted(text.text for text in choose(POOL[:20], 20, seed=1)) == sorted(t.text for t in POOL[:20])


def test_a_pool_that_is_too_small_is_refused():
    with pytest.raises(BenchmarkError, match="only 20 texts"):
        choose(POOL[:20], 21, seed=1)


def test_a_pool_is_read_with_the_lengths_that_the_encoder_sees(tmp_path):
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    lines = [{"text": "a b"}, {"text": "a b c d e"}, {"text": "a b"}]
    (tmp_path / "pool.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    pool = read_pool(tmp_path / "pool.jsonl", tmp_path / "tokenizer.json", 4)
    assert pool == [Text("a b", 2), Text("a b c d e", 4)]


def test_a_pool_that_is_not_there_is_said_to_be_made_by_make(tmp_path):
    with pytest.raises(BenchmarkError, match="make bench-serving"):
        read_pool(tmp_path / "pool.jsonl", tmp_path / "tokenizer.json", 4)
