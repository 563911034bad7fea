"""Coverage-guided inputs for one parser: python atheris_run.py NUMBER INPUTS SEED_FOLDER (see `targets`)."""

from __future__ import annotations

import sys
import warnings

import atheris

with atheris.instrument_imports(include=["data", "model", "serve", "training", "yaml", "openpyxl"]):
    import parser_targets


def main() -> None:
    """Run the parser until an input gets through it or all were taken or refused."""
    number, inputs, folder = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    target = parser_targets.targets()[number]
    parser_targets.LogWatch.install()
    warnings.simplefilter("ignore")
    # rss_limit_mb: a parser that lets a small input take that much would be a way to take the service down.
    # max_len: twice a sound input. What is longer finds nothing more, and a run through openpyxl takes the longer.
    # timeout: of the clock, against a hang; `target.run` looks at the processor's time.
    options = [
        f"-runs={inputs}",
        "-seed=1",
        "-timeout=600",
        "-rss_limit_mb=3000",
        f"-max_len={max(1000, 2 * max(map(len, target.seeds)))}",
        "-verbosity=0",
    ]
    atheris.Setup([sys.argv[0], *options, folder], target.run)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
