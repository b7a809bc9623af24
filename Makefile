# One word for each task. All builds but the release share target/debug.

CARGO ?= cargo
# What tests call besides the program itself; strace watches the disk being synced (G1).
TOOLS := strace

.DEFAULT_GOAL := help
.PHONY: help run test check setup bench

help: ## Show these words
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

run: ## Build the server and try it out on 127.0.0.1:8080
	$(CARGO) build --release --locked
	target/release/tidings dev

test: setup check ## Check the code and run every test; installs what is missing
	@if $(CARGO) nextest --version >/dev/null 2>&1; then \
		set -x; $(CARGO) test --locked --doc && $(CARGO) nextest run --locked --no-fail-fast; \
	else \
		set -x; $(CARGO) test --locked --no-fail-fast; \
	fi

check: ## Format, lints and documentation; any warning fails
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps --document-private-items

setup:
	@for tool in $(TOOLS); do \
		command -v $$tool >/dev/null && continue; \
		test "$$(id -u)" = 0 || { echo "$$tool is missing: apt-get install $$tool"; exit 1; }; \
		apt-get update -qq && apt-get install -y -qq --no-install-recommends $$tool || exit 1; \
	done

bench: ## Print the benchmarks
	$(CARGO) bench --locked --bench protocol --bench store --bench http_publish --bench rooms
