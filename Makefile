# Everything lives in .venv; only Python 3.11+ and GNU make are needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.8
# A local folder of wheels that pip already knows is handed on to uv (pip separates by spaces, uv by commas).
PIP_LINKS := $(shell $(PYTHON) -m pip config get global.find-links 2>/dev/null || printf '%s' "$$PIP_FIND_LINKS")
empty :=
space := $(empty) $(empty)
comma := ,
ifneq ($(strip $(PIP_LINKS)),)
export UV_FIND_LINKS ?= $(subst $(space),$(comma),$(strip $(PIP_LINKS)))
endif
# TORCH=cpu|auto|cu130 chooses the build of torch; without it the index's own choice stands.
TORCH_FLAG := $(if $(TORCH),--torch-backend $(TORCH))

.PHONY: setup demo check test test-all bench docs lock clean

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml constraints.txt Makefile
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet uv==$(UV_VERSION)
	$(BIN)/uv pip install --quiet --python $(BIN)/python $(TORCH_FLAG) -c constraints.txt -e ".[report,synth]" --group dev
	touch $@

lock:
	env -u UV_FIND_LINKS $(BIN)/uv pip compile --universal --quiet --no-header --no-annotate \
	  --python-version 3.11 --all-extras --group dev --group bench --group docs pyproject.toml -o constraints.txt

# Trains on synthetic speech, then transcribes and scores voices the model has never heard.
demo: setup
	$(BIN)/speechrnn doctor
	recipes/synthetic/demo.sh

bench: setup
	$(BIN)/uv pip install --quiet --python $(BIN)/python $(TORCH_FLAG) -c constraints.txt --group bench
	$(BIN)/python -m bench

check: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

# A worker a core, each with one thread: more threads than cores wait for each other. Tests of a file share what it has set up.
test: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" --numprocesses auto --maxprocesses 8 --dist loadfile

test-all: setup
	$(BIN)/python -m pytest

docs: setup
	$(BIN)/uv pip install --quiet --python $(BIN)/python $(TORCH_FLAG) -c constraints.txt --group docs
	$(BIN)/mkdocs build --strict --quiet
