import itertools
import json
import math

import pytest

from training.serving_bench.errors import last_words
from training.serving_bench.figures import EncoderShape, percentile, poisson_arrivals
from training.serving_bench.rates import batches, matrix_rate

TINY = EncoderShape(layers=2, hidden=4, intermediate=8)


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, 1), (0.1, 1), (0.11, 2), (0.5, 5), (0.9, 9), (0.99, 10), (1.0, 10)]
)
def test_a_percentile_is_one_of_the_values(share, expected):
    assert percentile([3, 1, 2, 5, 4, 9, 8, 7, 6, 10], share) == expected


def test_the_percentile_of_nothing_is_no_number():
    assert math.isnan(percentile([], 0.5))


def test_arrivals_come_in_order_and_within_the_time():
    moments = poisson_arrivals(50, 4, seed=1)
    assert moments == sorted(moments)
    assert moments[0] > 0 and moments[-1] < 4


def test_arrivals_come_at_the_rate():
    """Of a Poisson process of 20,000 expected arrivals, the standard deviation is 141."""
    assert abs(len(poisson_arrivals(200, 100, seed=1)) - 20_000) < 600


def test_gaps_between_arrivals_are_exponential():
    """The standard deviation of exponential gaps is their mean; of regular ones it would be 0."""
    moments = poisson_arrivals(200, 100, seed=1)
    gaps = [after - before for before, after in itertools.pairwise(moments)]
    mean = sum(gaps) / len(gaps)
    spread = math.sqrt(sum((gap - mean) ** 2 for gap in gaps) / len(gaps))
    assert spread == pytest.approx(mean, rel=0.05)


def test_the_same_seed_gives_the_same_arrivals():
    assert poisson_arrivals(10, 5, seed=3) == poisson_arrivals(10, 5, seed=3)
    assert poisson_arrivals(10, 5, seed=3) != poisson_arrivals(10, 5, seed=4)


def test_operations_of_a_text_counted_by_hand():
    """Three tokens, H = 4, F = 8, two layers.

    Query, key, value, output: 4 products of [3, 4] x [4, 4], 2 * 3 * 4 * 4 = 96 each: 384. Feed-forward: [3, 4] x
    [4, 8] and [3, 8] x [8, 4], 192 each: 384. Scores [3, 4] x [4, 3] and their sum [3, 3] x [3, 4], 72 each: 144.
    """
    assert TINY.flops(3) == 2 * (384 + 384 + 144)


def test_operations_of_several_texts_add_up():
    assert TINY.flops_of([3, 1]) == TINY.flops(3) + TINY.flops(1)


def test_padding_costs_as_much_as_text():
    assert TINY.flops_padded([[3, 1], [2]]) == 2 * TINY.flops(3) + TINY.flops(2)


def test_the_shape_of_an_encoder_is_read_from_its_config(tmp_path):
    config = {"num_hidden_layers": 2, "hidden_size": 4, "intermediate_size": 8, "vocab_size": 100}
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert EncoderShape.read(tmp_path) == TINY


def test_matrices_multiply_at_some_rate():
    assert matrix_rate(8, 4, 8, seconds=0.0) > 0


def test_batches_hold_all_in_order():
    assert batches([1, 2, 3, 4, 5], size=2) == [[1, 2], [3, 4], [5]]


def test_last_words_name_neither_folder_nor_address():
    printed = ["first", "  cannot open /home/someone/work/model.bin, see https://example.org/help  ", ""]
    assert last_words(printed) == "cannot open …/model.bin, see …"


def test_a_silent_process_is_said_to_be_one():
    assert last_words(["", " "]) == "it printed nothing"
