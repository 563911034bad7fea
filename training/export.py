"""Export of the encoder to ONNX, checked against torch."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from model.encoder import TextEncoder
from model.runtime import EncoderRuntime
from training.errors import TrainingError
from training.examples import pad

TOLERANCE = 2e-3
"""Largest difference allowed between a value of torch's text vector and ONNX Runtime's."""

_SAMPLE_ROWS = 2  # a batch of one would be frozen into the graph as a constant
_SAMPLE_TOKENS = 16


def export_encoder(encoder: TextEncoder, path: Path) -> None:
    """Write the encoder as ONNX: `input_ids`, `attention_mask` int64 [N, T] to `text_vector` float [N, D]."""
    encoder.eval()
    shape = (_SAMPLE_ROWS, _SAMPLE_TOKENS)
    sample = (torch.ones(shape, dtype=torch.int64), torch.ones(shape, dtype=torch.int64))
    rows, tokens = torch.export.Dim("rows", min=1), torch.export.Dim("tokens", min=2, max=512)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecations, of no use to a person who trains
        torch.onnx.export(
            encoder,
            sample,
            str(path),
            input_names=["input_ids", "attention_mask"],
            output_names=["text_vector"],
            dynamic_shapes=({0: rows, 1: tokens}, {0: rows, 1: tokens}),
            dynamo=True,
            external_data=False,
            verbose=False,
        )


def export_int8(path: Path, output: Path) -> None:
    """Write an exported encoder once more, its matrices as 8-bit integers with a scale each.

    The embeddings, which are looked up and not multiplied, stay as they are.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic

    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)  # it warns of a preparation that this graph does not need
    try:
        quantize_dynamic(path, output, op_types_to_quantize=["MatMul", "Gemm"], weight_type=QuantType.QInt8)
    finally:
        root.setLevel(level)


@torch.no_grad()
def check_export(
    encoder: TextEncoder, runtime: EncoderRuntime, token_ids: Sequence[Sequence[int]], pad_id: int
) -> float:
    """Compare torch and ONNX Runtime on real texts of several lengths; return the largest difference.

    Raises:
        TrainingError: the difference is above TOLERANCE.
    """
    encoder.eval()
    exported = runtime.encode(token_ids)
    original = np.concatenate([encoder(*pad([ids], pad_id)).numpy() for ids in token_ids])
    difference = float(np.abs(exported - original).max())
    if difference > TOLERANCE:
        raise TrainingError(
            f"the exported encoder differs from the trained one by {difference:.4f}",
            where="encoder.onnx",
            expected=f"at most {TOLERANCE}",
            fix="Report this with the versions of torch, onnxscript and onnxruntime.",
        )
    return difference
