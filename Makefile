# Everything happens in .venv, which is made on first need and brought up to date when the requirements change.
#   make run ARGS="photo.jpg --stride 2"      make test ARGS="-k matrix"      make run PYTHON=python3.12

PYTHON ?= python3
VENV := .venv
FASTAI_VENV := .venv-fastai
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --disable-pip-version-check

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help run dev console test robustness lint bench bench-fastai pictures recordings dist hooks clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 22

run: $(VENV)/.run ## open the app, installing it first; ARGS="..." are its arguments
	@$(BIN)/python -m convtui $(ARGS)

dev: $(VENV)/.dev ## open the app with textual's console: `make dev` here, `make console` in another terminal
	@TEXTUAL=debug,devtools $(BIN)/python -m convtui $(ARGS)

console: $(VENV)/.dev ## what the app prints and logs while `make dev` runs
	@$(BIN)/textual console

hooks: $(VENV)/.dev ## check each commit as CI does
	@$(BIN)/pre-commit install

test: $(VENV)/.test ## run the tests but those of make robustness; ARGS="..." go to pytest
	@$(BIN)/python -m pytest -n auto --dist worksteal --ignore=tests/robustness $(ARGS)

robustness: $(VENV)/.test ## attack the app for up to ten minutes: keys, kills, settings, files; SEED=7 for others
	@CONVTUI_ROBUSTNESS=long CONVTUI_ROBUSTNESS_SEED=$(SEED) $(BIN)/python -m pytest -n 2 tests/robustness $(ARGS)

lint: $(VENV)/.lint ## check style, formatting, types and the import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.test ## compare the speed with the smallest Textual app and a bare training loop
	@$(BIN)/python -m tests.benchmarks $(ARGS)

bench-fastai: $(FASTAI_VENV)/.made ## compare training with PyTorch and fastai; downloads gigabytes
	@$(FASTAI_VENV)/bin/python -m tests.benchmarks.against_fastai $(ARGS)

pictures: $(VENV)/.run ## redraw the README's screenshots
	$(BIN)/convtui animate samples/screens/convolution.svg digit-8x8-3 --padding 1 --stride 2 --fps 2
	$(BIN)/convtui render samples/screens/step.svg --at 0,16,17
	$(BIN)/convtui render samples/screens/transposed.svg digit-8x8-3 --operation "convtranspose s2" --size 120x34 --at 0,3,4
	$(BIN)/convtui render samples/screens/matrix.svg --screen matrix --at 0,16,17
	$(BIN)/convtui render samples/screens/layers.svg --screen layers
	$(BIN)/convtui render samples/screens/batchnorm.svg --screen batchnorm
	rm -rf $(VENV)/pictures
	XDG_DATA_HOME=$(abspath $(VENV))/pictures $(BIN)/convtui train
	XDG_DATA_HOME=$(abspath $(VENV))/pictures $(BIN)/convtui render samples/screens/train.svg --screen train --run 1

recordings: $(VENV)/.test ## trace the sample models of the course again
	$(BIN)/python -m tests.support.recordings

dist: $(VENV)/.release ## build the sdist, the wheel from it, and check both
	rm -rf dist
	$(BIN)/python -m build --no-isolation
	$(BIN)/twine check --strict dist/*

clean: ## remove .venv, the caches and the build output
	rm -rf $(VENV) $(FASTAI_VENV) build dist *.egg-info snapshot_report.html
	rm -rf .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Any Python, however old, must be able to parse this line.
COMPLAINT = $(shell $(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("convtui needs Python 3.11 or newer and $(PYTHON) is %d.%d; name a newer one: make $(MAKECMDGOALS) PYTHON=python3.12" % sys.version_info[:2]); import importlib.util as u; u.find_spec("ensurepip") or sys.exit("$(PYTHON) cannot make a virtual environment; on Debian and Ubuntu: apt install python3-venv")' 2>&1 || :)

$(BIN)/python:
	$(if $(COMPLAINT),$(error $(COMPLAINT)))
	$(PYTHON) -m venv --clear $(VENV)

$(VENV)/.run: $(BIN)/python pyproject.toml constraints.txt
	$(PIP_INSTALL) -c constraints.txt -e '.[train]'
	@touch $@

$(VENV)/.test $(VENV)/.lint $(VENV)/.dev $(VENV)/.release: $(VENV)/.%: $(BIN)/python pyproject.toml constraints.txt
	$(PIP_INSTALL) -c constraints.txt -e '.[$*]'
	@touch $(VENV)/.run $@

$(FASTAI_VENV)/.made: $(BIN)/python pyproject.toml
	$(BIN)/python -m venv $(FASTAI_VENV)
	$(FASTAI_VENV)/bin/python -m pip install --disable-pip-version-check \
		torch==2.14.1 torchvision==0.29.1 fastai -e .
	@touch $@
