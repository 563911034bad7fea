# Set PYTHON to another interpreter (3.11 to 3.13) if `python3` is not one.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
# The pip index that holds torch's small CPU build, where your platform's
# default build is the large GPU one (see README, "Installing").
TORCH_INDEX_URL ?=

.PHONY: install run test check bench benchmark-accuracy clean
