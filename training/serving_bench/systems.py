"""What is measured: Paidan as a user starts it, and its peers."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from training.serving_bench.environments import infinity_python
from training.serving_bench.generator import NUMBER
from training.serving_bench.processes import Server, free_port

ROOT = Path(__file__).resolve().parents[2]
ENCODER, CLASSIFIER = "encoder", "classifier"
"""Folders of the peers' checkpoint, without and with a head."""

_PEERS = "training.serving_bench.peers"

CASCADE = {"cascade": True, "cache_entries": 10_000}
"""Settings that answer some texts without the encoder."""
PLAIN = {"cascade": False, "cache_entries": 0}
"""The same, switched off."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run finds and puts things.

    `checkpoint` is the peers' copy of the encoder; `work` is the run's own and goes with it, `logs` hold what
    the servers print, and `environments` those of peers.
    """

    artifact: Path
    checkpoint: Path
    work: Path
    logs: Path
    environments: Path


@dataclass(frozen=True, slots=True)
class System:
    """A server and how it is asked.

    `body` makes the JSON of a request from a text and the name of the part of the run that sends it.
    `command` takes a port and may install or write files first; it raises PeerMissing where it cannot.
    """

    name: str
    path: str
    ready: str
    body: Callable[[str, str], str]
    command: Callable[[int], list[str]]
    place: Place
    environment: Mapping[str, str] = field(default_factory=dict)

    def server(self) -> Server:
        """Return the server, not started yet, on a free port."""
        port = free_port()
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PAIDAN_")}
        return Server(
            self.command(port),
            port=port,
            ready=self.ready,
            log=self.place.logs / f"{self.name}.log",
            cwd=ROOT,
            environment=inherited | dict(self.environment),
        )


def paidan(
    place: Place, name: str, changes: Mapping[str, object] | None = None, *, artifact: Path | None = None
) -> System:
    """Return Paidan with its defaults but for `changes`, and with a fresh database in the run's folder."""

    def command(port: int) -> list[str]:
        folder = place.work / name
        folder.mkdir(exist_ok=True)
        database = folder / f"{port}.db"
        settings = {
            "artifact": str(artifact or place.artifact),
            "port": port,
            "database_url": f"sqlite:///{database}",
            "write_ahead_file": str(folder / f"{port}.waiting"),
        } | dict(changes or {})
        config = folder / f"{port}.yaml"
        config.write_text(yaml.safe_dump(settings), "utf-8")
        return [str(Path(sys.executable).with_name("paidan")), "serve", "--config", str(config)]

    return System(name, "/v1/score", "/readyz", _ticket, command, place)


def fastapi_pipeline(place: Place) -> System:
    """Return FastAPI around a transformers pipeline."""
    return System(
        name="FastAPI + transformers pipeline",
        path="/score",
        ready="/health",
        body=_text_body,
        command=lambda port: [
            *(sys.executable, "-m", "uvicorn", "--factory", f"{_PEERS}.fastapi_app:create_app"),
            *("--port", str(port), "--log-level", "warning"),
        ],
        place=place,
        environment={"PEER_MODEL": str(place.checkpoint / CLASSIFIER)},
    )


def litserve(place: Place) -> System:
    """Return LitServe with batches of 16."""
    return System(
        name="LitServe, batches of 16",
        path="/score",
        ready="/health",
        body=_text_body,
        command=lambda port: [sys.executable, "-m", f"{_PEERS}.litserve_app", str(port)],
        place=place,
        environment={"PEER_MODEL": str(place.checkpoint / CLASSIFIER)},
    )


def infinity(place: Place) -> System:
    """Return infinity-emb with its torch engine.

    It gives the text vector: with a head, it would write the scores of all units into each answer.
    """

    def command(port: int) -> list[str]:
        python = infinity_python(place.environments)
        return [
            *(str(python.with_name("infinity_emb")), "v2", "--model-id", str(place.checkpoint / ENCODER)),
            *("--served-model-name", "peer", "--engine", "torch", "--device", "cpu", "--dtype", "float32"),
            *("--batch-size", "16", "--no-bettertransformer", "--host", "127.0.0.1", "--port", str(port)),
        ]

    return System(
        name="infinity-emb",
        path="/embeddings",
        ready="/health",
        body=lambda text, _part: _json({"model": "peer", "input": [text], "encoding_format": "base64"}),
        command=command,
        place=place,
        environment={"HF_HUB_OFFLINE": "1", "DO_NOT_TRACK": "1", "INFINITY_ANONYMOUS_USAGE_STATS": "0"},
    )


def _ticket(text: str, part: str) -> str:
    """No two requests have the same id, so that none is answered from the database."""
    return _json({"ticket_id": f"{part}-{NUMBER}", "text": text})


def _text_body(text: str, _part: str) -> str:
    return _json({"text": text})


def _json(content: object) -> str:
    return json.dumps(content, ensure_ascii=False)
