# One word for each task. All builds but the release share target/debug.

CARGO ?= cargo
# What is checked and tested has all that can be built in; a plain build has what needs nothing of the system.
FEATURES := --features postgres-tls
# What chance begins from in `make chaos`; given again, it brings the same again.
SEED := $(or $(SEED),$(shell date +%s))
SOAK_MINUTES := 30
# What tests call besides the program itself, and the packages it is in: strace watches the disk being synced
# (G1) and makes it fail (X31, X32), libfaketime moves the clock (X28), util-linux gives a test a disk of its own and
# few files (unshare, mount, prlimit: X16, X23), node runs clients that are not ours, PostgreSQL is the other
# database, Redis the bus between nodes, openssl makes certificates, pkg-config finds the libraries, chromium
# shows the pages, and what is pushed on a desktop (dbus-daemon), promtool tries the alerts; nginx, HAProxy and Caddy
# stand in front of instances as deploy/ has them, systemd judges its unit, valgrind counts instructions, script is a
# terminal; curl, pgrep and python3 are what the papers say to type.
TOOLS := strace:strace faketime:faketime unshare:util-linux mount:mount prlimit:util-linux node:nodejs npm:npm \
	initdb:postgresql redis-server:redis-server ip:iproute2 openssl:openssl \
	pkg-config:pkg-config chromium:chromium dbus-daemon:dbus-daemon promtool:prometheus \
	python3:python3 valgrind:valgrind nginx:nginx-light haproxy:haproxy caddy:caddy systemd-analyze:systemd \
	curl:curl pgrep:procps script:bsdutils
# The files of tests/api that play faults of one node.
FAULTS := durability:: pauses:: postgres:: refusing_to_start:: slow_readers::
# What is built in besides: TLS to PostgreSQL.
LIBRARIES := libssl:libssl-dev
# How long each target of `make fuzz` runs, and which there are.
FUZZ_SECONDS ?= 30
FUZZ_TARGETS := $(basename $(notdir $(wildcard fuzz/fuzz_targets/*.rs)))
# What `make peers` says to its benchmark, and how many clients `make heap` has.
PEERS ?=
# What `make instructions` counts, if it is no release build; `make test` counts what it has.
COUNTED ?=
CLIENTS ?= 1000
# How long `make probe` asks.
PROBE_SECONDS ?= 120
# Clients of other hands in Python, in an environment of their own.
PYTHON_TOOLS := target/python
# What npm leaves behind when it is done.
NODE_MODULES := tests/node/node_modules/.package-lock.json client/node_modules/.package-lock.json
PEER_MODULES := $(addsuffix /node_modules/.package-lock.json,benches/peers/node benches/peers/bun)
PAGES_MODULES := $(addsuffix /node_modules/.package-lock.json,client/tests/react18 examples/react-chat tests/browser)

.DEFAULT_GOAL := help
.PHONY: help run test client pages chaos soak fuzz mutants autobahn probe webpush deny check setup tools bench \
	peers instructions heap

help: ## Show these words
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

run: ## Build the server and try it out on 127.0.0.1:8080
	$(CARGO) build --release --locked
	target/release/tidings dev

test: setup check client ## Check the code and run every test; installs what is missing
	@if $(CARGO) nextest --version >/dev/null 2>&1; then \
		set -x; $(CARGO) test --locked $(FEATURES) --doc && $(CARGO) nextest run --locked $(FEATURES) --no-fail-fast && \
			tests/with-postgres $(CARGO) nextest run --locked $(FEATURES) --no-fail-fast --profile postgres; \
	else \
		set -x; $(CARGO) test --locked $(FEATURES) --no-fail-fast && \
			tests/with-postgres $(CARGO) test --locked $(FEATURES) --lib store::tests -- --skip store::tests::files; \
	fi
	$(MAKE) instructions COUNTED="--profile dev $(FEATURES)"
	$(MAKE) pages

# The pages' libraries are committed, and must be what would be made of the client as it is.
pages: setup $(PAGES_MODULES) ## Build what stands on the client, and drive the pages in a browser
	$(CARGO) build --locked $(FEATURES)
	cd client && npm run vendor -- --check && npm run test:react18 && npm run build
	cd examples/react-chat && npm run check && npm run build
	cd tests/browser && npm test

# Against the program that the other tests run, too.
client: setup ## Check, build and test the npm package
	$(CARGO) build --locked $(FEATURES)
	cd client && npm run --silent check && npm run --silent build && npm run --silent test

# Each is played, also when one before it has failed.
chaos: tools ## Play every fault at length; SEED=n for the same again
	@echo "SEED=$(SEED)"
	TIDINGS_TEST_CHAOS=1 TIDINGS_TEST_SEED=$(SEED) sh -c '\
		$(CARGO) test --locked $(FEATURES) --test cluster -- --nocapture --test-threads 1; cluster=$$?; \
		$(CARGO) test --locked $(FEATURES) --test api -- --nocapture --test-threads 1 $(FAULTS) && exit $$cluster'

soak: tools ## Play 1,000 sessions through churn and faults; SOAK_MINUTES=30 SEED=n
	@echo "SEED=$(SEED)"
	TIDINGS_TEST_SOAK_MINUTES=$(SOAK_MINUTES) TIDINGS_TEST_SEED=$(SEED) \
		$(CARGO) test --release --locked $(FEATURES) --test cluster soak::x34 -- --nocapture

# Coverage and sanitizers are unstable options of the compiler, which the stable one takes if it is told to.
fuzz: export RUSTC_BOOTSTRAP = 1
fuzz: ## Feed noise to all that reads what comes from outside; FUZZ_SECONDS=n for longer
	@$(CARGO) fuzz --version >/dev/null 2>&1 || $(CARGO) install --locked cargo-fuzz@0.13.2
	@for target in $(FUZZ_TARGETS); do mkdir -p fuzz/corpus/$$target; $(CARGO) fuzz run $$target \
		fuzz/corpus/$$target fuzz/seeds/$$target -- -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 || exit 1; done

mutants: ## Break the code in small ways, to see whether a test notices; an hour or two
	@$(CARGO) mutants --version >/dev/null 2>&1 || $(CARGO) install --locked cargo-mutants@27.1.0
	$(CARGO) mutants --no-shuffle --output target

autobahn: $(PYTHON_TOOLS)/.done ## Hold the WebSocket stack against the Autobahn test suite
	$(CARGO) build --locked $(FEATURES),autobahn
	$(PYTHON_TOOLS)/bin/python tests/python/autobahn.py target/debug/tidings

probe: $(PYTHON_TOOLS)/.done ## Hold the HTTP API against its own document; SEED=n for the same again
	$(CARGO) build --locked $(FEATURES)
	$(PYTHON_TOOLS)/bin/python tests/python/probe.py target/debug/tidings \
		--seed $(SEED) --max-time $(PROBE_SECONDS)

# Done when all of it is there.
$(PYTHON_TOOLS)/.done: tests/python/requirements.txt | tools
	@python3 -c 'import ensurepip' || { echo "python3-venv is missing: apt-get install python3-venv"; exit 1; }
	python3 -m venv $(PYTHON_TOOLS) && $(PYTHON_TOOLS)/bin/pip install -q -r $<
	@touch $@

# What is known to have a hole is fetched from the network; all else is known here.
webpush: $(PYTHON_TOOLS)/.done ## Have pushes read by libraries that are not ours
	$(CARGO) build --locked $(FEATURES)
	$(PYTHON_TOOLS)/bin/python tests/python/read_push.py target/debug/tidings

deny: ## Judge what is built in: licences, sources, known holes
	@$(CARGO) deny --version >/dev/null 2>&1 || $(CARGO) install --locked cargo-deny@0.20.2
	$(CARGO) deny --locked check

check: ## Format, lints and documentation; any warning fails
	$(CARGO) fmt --check
	$(CARGO) fmt --check --manifest-path fuzz/Cargo.toml
	$(CARGO) clippy --locked $(FEATURES),autobahn --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked $(FEATURES) --no-deps --document-private-items

setup: tools $(NODE_MODULES)

tools:
	@PATH="$$PATH:/usr/sbin:$$(echo /usr/lib/postgresql/*/bin | tr ' ' :)"; for tool in $(TOOLS) $(LIBRARIES); do \
		command -v $${tool%:*} >/dev/null && continue; \
		pkg-config --exists $${tool%:*} 2>/dev/null && continue; \
		package=$${tool#*:}; \
		test "$$(id -u)" = 0 || { echo "$${tool%:*} is missing: apt-get install $$package"; exit 1; }; \
		apt-get update -qq && apt-get install -y -qq --no-install-recommends $$package || exit 1; \
	done

$(NODE_MODULES) $(PAGES_MODULES) $(PEER_MODULES): %/node_modules/.package-lock.json: %/package-lock.json | tools
	cd $* && npm ci --ignore-scripts

bench: ## Print the benchmarks
	$(CARGO) bench --locked --bench protocol --bench push --bench store --bench http_publish --bench rooms

# The runtime of Bun is a package of its own, which that of the name would only copy; so no script has to run.
peers: $(PEER_MODULES) target/peers/.done ## Measure tidings beside its peers; PEERS="--quick"
	$(CARGO) bench --locked --bench peers -- $(PEERS)

target/peers/.done: benches/peers/fastapi/requirements.txt | tools
	@python3 -c 'import ensurepip' || { echo "python3-venv is missing: apt-get install python3-venv"; exit 1; }
	python3 -m venv target/peers && target/peers/bin/pip install -q -r $<
	@touch $@

instructions: tools ## Count the instructions of the hot paths, and hold their limits
	@command -v gungraun-runner >/dev/null || $(CARGO) install --debug --locked gungraun-runner@0.20.0
	$(CARGO) bench --locked $(COUNTED) --bench instructions

heap: ## Show where each byte of an idle connection goes; CLIENTS=n
	@command -v heaptrack >/dev/null || { echo "heaptrack is missing: apt-get install heaptrack"; exit 1; }
	CARGO_PROFILE_RELEASE_DEBUG=line-tables-only $(CARGO) build --release --locked --features system-allocator \
		--target-dir target/heap
	benches/heap target/heap/release/tidings $(CLIENTS)
