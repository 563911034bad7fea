"""Fine-tuning of the encoder with its head, on the transformers Trainer."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import Dataset, Sampler
from transformers import (
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from model.classifier import CatalogClassifier
from training.checkpoints import last_checkpoint
from training.examples import BatchCollator, Examples, LengthGroupedSampler, pad
from training.processes import backend, batch_share, is_first, on_cpu
from training.progress import ProgressCallback
from training.settings import TrainingSettings

_DUTY_REFRESH_STEPS = 50
_DUTY_BATCH = 64


class DutyRefresh(TrainerCallback):
    """Lets the head see the duty texts as the encoder reads them now."""

    def __init__(self, duty_ids: Sequence[Sequence[int]], pad_id: int) -> None:
        self._batches = [
            pad(duty_ids[start : start + _DUTY_BATCH], pad_id)
            for start in range(0, len(duty_ids), _DUTY_BATCH)
        ]

    def on_step_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        model: nn.Module | None = None,
        **_: object,
    ) -> None:
        """Read the duty texts every so many steps, and before the first."""
        if state.global_step % _DUTY_REFRESH_STEPS == 0:
            self.refresh(model)

    def on_train_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        model: nn.Module | None = None,
        **_: object,
    ) -> None:
        """Read them as the trained encoder does."""
        self.refresh(model)

    def refresh(self, model: nn.Module | None) -> None:
        """Read them now."""
        if isinstance(model, CatalogClassifier):
            device = model.duty_text.device
            model.read_duties((ids.to(device), mask.to(device)) for ids, mask in self._batches)


class _FineTuner(Trainer):
    """Trainer with a sampler that survives a resume and a learning rate of its own for the head."""

    def __init__(
        self, *, model: nn.Module, settings: TrainingSettings, examples: Examples, **rest: Any
    ) -> None:
        super().__init__(model=model, train_dataset=examples, **rest)
        self._classifier = model
        self._settings = settings
        self._examples = examples

    def _get_train_sampler(self, train_dataset: Dataset[int] | None = None) -> Sampler[int]:
        lengths = [len(ids) for ids in self._examples.token_ids]
        return LengthGroupedSampler(lengths, self._settings.batch_size, self._settings.seed)

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """Build AdamW with the head's parameters in a group of their own."""
        if self.optimizer is None:
            self.optimizer = torch.optim.AdamW(
                _parameter_groups(self._classifier, self._settings),
                fused=True,
                betas=(0.9, 0.999),
            )
        return self.optimizer


def _parameter_groups(model: nn.Module, settings: TrainingSettings) -> list[dict[str, object]]:
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        in_encoder = name.startswith("encoder.")
        decays = parameter.ndim > 1
        groups.setdefault((in_encoder, decays), []).append(parameter)
    return [
        {
            "params": parameters,
            "lr": settings.learning_rate if in_encoder else settings.head_learning_rate,
            "weight_decay": settings.weight_decay if decays else 0.0,
        }
        for (in_encoder, decays), parameters in groups.items()
    ]


def fine_tune(
    model: nn.Module,
    examples: Examples,
    *,
    pad_id: int,
    duty_ids: Sequence[Sequence[int]],
    settings: TrainingSettings,
    folder: Path,
    name: str = "fine-tuning",
) -> None:
    """Train the model in place; the progress bar bears the `name`.

    Checkpoints go to `folder`; a call with the same folder goes on from the last one, and ends with the
    same weights as a run that was never stopped. Several processes share each batch; the first one writes.
    """
    steps_an_epoch = -(-len(examples) // settings.batch_size)
    steps = round(steps_an_epoch * settings.epochs)
    arguments = TrainingArguments(
        output_dir=str(folder),
        max_steps=steps,
        # `accelerate launch` does not pass these on, and without them each process would train by itself.
        use_cpu=on_cpu(),
        ddp_backend=backend(),
        ddp_find_unused_parameters=False,
        per_device_train_batch_size=batch_share(settings.batch_size),
        learning_rate=settings.learning_rate,
        warmup_steps=round(steps * settings.warmup),
        lr_scheduler_type="linear",
        weight_decay=settings.weight_decay,
        max_grad_norm=settings.max_gradient_norm,
        seed=settings.seed,
        save_steps=settings.checkpoint_steps,
        save_total_limit=2,
        logging_steps=20,
        remove_unused_columns=False,
        dataloader_pin_memory=False,
        disable_tqdm=True,
        report_to=[],
        ignore_data_skip=False,
    )
    # Without `accelerate launch` a machine's other GPUs rest: DataParallel would make the batches larger.
    if arguments.n_gpu > 1:
        arguments._n_gpu = 1
    trainer = _FineTuner(
        model=model,
        args=arguments,
        examples=examples,
        data_collator=BatchCollator(examples, pad_id),
        callbacks=[
            DutyRefresh(duty_ids, pad_id),
            *([ProgressCallback(name)] if is_first() else []),
        ],
        settings=settings,
    )
    trainer.remove_callback(PrinterCallback)
    checkpoint = last_checkpoint(folder)
    with warnings.catch_warnings():
        # torch warns of a scheduler stepped before the optimizer when a checkpoint is loaded.
        warnings.filterwarnings("ignore", message=".*lr_scheduler.step.*")
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
