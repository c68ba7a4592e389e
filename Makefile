# `make demo` and `make test` are all a newcomer needs; `make` alone lists the rest.
# Needs make, and Python 3.11 or newer. Everything else is installed into .venv/ and .tools/ here.

SHELL = /bin/sh
.DEFAULT_GOAL = help
.PHONY: help demo run desk types test check bench clean

# How many processes run the tests; 0 runs them in one, for a debugger.
WORKERS ?= 2
PY = .venv/bin/python
READY = .venv/.ready

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

demo: $(READY) desk ## the story on a local WeChat, then stays up (ONCE=1: plays it, checks it, ends)
	@STEWARD_ENVIRONMENT=demo exec $(PY) -m cli demo $(if $(filter-out 0,$(ONCE)),--once)

run: $(READY) desk ## server, worker and scheduler without a story (STEWARD_ENVIRONMENT=production: for real)
	@STEWARD_ENVIRONMENT="$${STEWARD_ENVIRONMENT:-demo}" exec $(PY) -m cli up

desk: $(READY) ## the officers' web desk, built when its sources changed
	@$(PY) tools/node.py desk build

types: $(READY) ## the front ends' API types, from the API's document
	@$(PY) tools/node.py desk types

ifdef T
test: $(READY) desk ## check, then every test (T=path: those only; WORKERS=n: processes)
else
test: check desk
	@$(PY) tools/node.py desk test
endif
	@echo "Looking for a browser ..." >&2
	@chromium=$$($(PY) tools/browser.py) || exit 1; \
	echo "Running the tests ..." >&2; \
	STEWARD_ENVIRONMENT=test STEWARD_CHROMIUM="$$chromium" exec $(PY) -m pytest -n $(WORKERS) $(T)

check: $(READY) ## format, lint, types, direction of imports; the desk's too
	@echo "ruff ..." >&2; .venv/bin/ruff check --quiet . && .venv/bin/ruff format --quiet --check .
	@echo "mypy ..." >&2; .venv/bin/mypy --no-error-summary
	@echo "import-linter ..." >&2; .venv/bin/lint-imports --no-logo >&2
	@$(PY) tools/node.py desk check

bench: $(READY) ## measures against bare baselines, writes bench/results.json (ONLY=name: one)
	@exec $(PY) -m bench $(ONLY)

clean: ## removes what make installed and the tools' caches; your data in .steward/ stays
	rm -rf desk/node_modules desk/dist .venv .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): uv.lock pyproject.toml tools/bootstrap.sh
	@tools/bootstrap.sh
	@touch $@
