"""FastAPI around a transformers pipeline, one text a call.

`PEER_MODEL=FOLDER uvicorn --factory training.serving_bench.peers.fastapi_app:create_app`. Calls take turns:
one forward pass takes all cores already.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from transformers import pipeline


class Request(BaseModel):
    """A text to classify."""

    text: str


def create_app() -> FastAPI:
    """Load the model that $PEER_MODEL names, and serve it at /score."""
    classify: Any = pipeline("text-classification", model=os.environ["PEER_MODEL"], device="cpu")
    app = FastAPI()
    turn = asyncio.Lock()

    @app.get("/health")
    def health() -> str:
        return "ok"

    @app.post("/score")
    async def score(request: Request) -> list[dict[str, str | float]]:
        async with turn:
            answer: list[dict[str, str | float]] = await asyncio.to_thread(
                classify, request.text, top_k=3, truncation=True
            )
        return answer

    return app
