"""The head that the catalog head is measured against: one free vector a unit."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from model.encoder import TextEncoder


class FlatClassifier(nn.Module):
    """Text vector to unit logits through one linear layer; blind to families and places."""

    def __init__(
        self, encoder: TextEncoder, units: int, *, hidden_size: int, dropout: float, label_smoothing: float
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden_size, units)
        self.loss = nn.CrossEntropyLoss(label_smoothing=label_smoothing)

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, evidence: Tensor, labels: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Return `logits` [N, U], and `loss` when labels [N] are given; `evidence` is not looked at."""
        logits = self.head(self.dropout(self.encoder(input_ids, attention_mask)))
        return {"logits": logits} if labels is None else {"loss": self.loss(logits, labels), "logits": logits}

    @torch.no_grad()
    def predict(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Return logits [N, U] without training."""
        self.eval()
        logits: Tensor = self.head(self.encoder(input_ids, attention_mask))
        return logits
