"""The catalog head in training: encoder, families and places learned together."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from model.encoder import TextEncoder
from model.head import HeadWeights
from model.layout import LEVELS, UnitLayout

_INITIAL_EVIDENCE_WEIGHT = 1.0
_INITIAL_SCALE = 0.02


class CatalogClassifier(nn.Module):
    """Text vector and place evidence to unit logits, trained with one cross-entropy over the units.

    See `model.head.CatalogHead` for the formula. `duty_dropout` is the share of families whose learned
    part is left out of a step, so that the duty text carries a family of few tickets. It does not carry
    one that the model was never trained on: see `model.live_catalog`.
    """

    duty_text: Tensor
    duty_center: Tensor
    duty_scale: Tensor
    family_of: Tensor
    jurisdiction_of: Tensor
    level_of: Tensor

    def __init__(
        self,
        encoder: TextEncoder,
        layout: UnitLayout,
        *,
        hidden_size: int,
        evidence_features: int,
        dropout: float,
        duty_dropout: float,
        label_smoothing: float,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout)
        self.duty_dropout = duty_dropout
        self.loss = nn.CrossEntropyLoss(label_smoothing=label_smoothing)
        families, places, units = len(layout.families), len(layout.jurisdictions), len(layout.units)
        self.duty = nn.Parameter(torch.randn(families, hidden_size) * _INITIAL_SCALE)
        self.duty_projection = nn.Parameter(torch.zeros(hidden_size, hidden_size))
        self.place = nn.Parameter(torch.randn(places, hidden_size) * _INITIAL_SCALE)
        self.residual = nn.Parameter(torch.zeros(units, hidden_size))
        self.bias = nn.Parameter(torch.zeros(units))
        self.evidence = nn.Parameter(torch.full((len(LEVELS), evidence_features), _INITIAL_EVIDENCE_WEIGHT))
        self.register_buffer("duty_text", torch.zeros(families, hidden_size))
        self.register_buffer("duty_center", torch.zeros(hidden_size))
        self.register_buffer("duty_scale", torch.ones(1))
        self.register_buffer("family_of", torch.from_numpy(layout.family_of), persistent=False)
        self.register_buffer("jurisdiction_of", torch.from_numpy(layout.jurisdiction_of), persistent=False)
        self.register_buffer("level_of", torch.from_numpy(layout.level_of), persistent=False)

    def _family_vectors(self) -> Tensor:
        learned: Tensor = self.duty
        if self.training and self.duty_dropout > 0:
            kept = torch.rand(len(learned), 1, device=learned.device) >= self.duty_dropout
            learned = learned * kept
        standardised = (self.duty_text - self.duty_center) / self.duty_scale
        return learned + standardised @ self.duty_projection.T

    @torch.no_grad()
    def read_duties(self, batches: Iterable[tuple[Tensor, Tensor]]) -> None:
        """Encode the families' duty texts anew with the encoder as it is now.

        `batches` are (input_ids, attention_mask) pairs that hold the families in the layout's order.
        """
        was_training = self.training
        self.eval()
        vectors = torch.cat([self.encoder(ids, mask) for ids, mask in batches])
        self.train(was_training)
        center = vectors.mean(0)
        self.duty_text.copy_(vectors)
        self.duty_center.copy_(center)
        self.duty_scale.fill_(float((vectors - center).std().clamp(min=1e-6)))

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        evidence: Tensor,
        labels: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Return `logits` [N, U], and `loss` when labels [N] are given.

        `input_ids` and `attention_mask` are int64 [N, T]; `evidence` is float [N, J, E].
        """
        hidden = self.dropout(self.encoder(input_ids, attention_mask))
        vectors = self._family_vectors()[self.family_of] + self.place[self.jurisdiction_of] + self.residual
        by_unit = torch.einsum("nje,le->njl", evidence, self.evidence)[:, self.jurisdiction_of, self.level_of]
        logits = hidden @ vectors.T + by_unit + self.bias
        if labels is None:
            return {"logits": logits}
        return {"loss": self.loss(logits, labels), "logits": logits}

    def head_weights(self) -> HeadWeights:
        """Return what the head learned, as float32 arrays."""
        return HeadWeights(
            **{
                name: getattr(self, name).detach().float().cpu().numpy().copy()
                for name in HeadWeights.__slots__
            }
        )
