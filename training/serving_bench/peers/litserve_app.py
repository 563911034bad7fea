"""LitServe with batches of up to 16: `PEER_MODEL=FOLDER python -m ...peers.litserve_app PORT`."""

# No `from __future__ import annotations` here: LitServe reads the types that decode_request declares.

import os
import sys
from typing import Any

import torch
from litserve import LitAPI, LitServer
from pydantic import BaseModel
from transformers import AutoModelForSequenceClassification, AutoTokenizer

BATCH = 16
WAIT = 0.01
"""Seconds that a batch is waited for once its first text is there."""


class Request(BaseModel):
    """A text to classify."""

    text: str


class Classifier(LitAPI):  # type: ignore[misc]  # LitServe has no types
    """Tokenises, pads and classifies a batch at once."""

    def setup(self, device: str) -> None:
        """Load the model."""
        folder = os.environ["PEER_MODEL"]
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = AutoModelForSequenceClassification.from_pretrained(folder).eval()

    def decode_request(self, request: Request) -> str:
        """Take the text out of a request."""
        return request.text

    @torch.inference_mode()
    def predict(self, texts: list[str]) -> list[list[tuple[str, float]]]:
        """Return the three best labels of each text with their probabilities."""
        tokens = self.tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
        best = self.model(**tokens).logits.softmax(-1).topk(3)
        names = self.model.config.id2label
        return [
            [(names[label], score) for label, score in zip(labels, scores, strict=True)]
            for labels, scores in zip(best.indices.tolist(), best.values.tolist(), strict=True)
        ]

    def encode_response(self, best: list[tuple[str, float]]) -> list[dict[str, Any]]:
        """Write one answer."""
        return [{"label": label, "score": score} for label, score in best]


if __name__ == "__main__":
    api = Classifier(max_batch_size=BATCH, batch_timeout=WAIT, api_path="/score")
    server = LitServer(api, accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="warning")
