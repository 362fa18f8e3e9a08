# The commands of the project. Each one first installs what it misses: see packages.txt and pyproject.toml.
.PHONY: build demo test bench bench-check bench-micro lint format clean

# Builds everything, for use from the tree.
build:
	@scripts/setup build
	@scripts/build

# Encrypts every file of FOLDER on all cores, with three sabotaged jobs among them.
demo:
	@scripts/demo $(if $(FOLDER),"$(FOLDER)")

# Runs the tests of all faces.
test:
	@scripts/test

# Measures Prong beside its peers: bench/results and docs/performance.md.
bench:
	@scripts/bench

# Fails where Prong has become slower, beside a peer, than the newest committed record says. Not part of the tests.
bench-check:
	@scripts/bench --check

# Measures the engine's parts: channel, ledger, codecs, and a pool of the C++ face.
bench-micro:
	@scripts/bench_micro

# Formatting, static analysis, and the project's own rules.
lint:
	@scripts/lint

# Formats the sources.
format:
	@scripts/format

# Removes what was built and installed here.
clean:
	rm -rf build build-* .venv .venv-* python/prong/_bin python/prong/_core*.so
