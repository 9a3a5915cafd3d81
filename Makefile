# The two commands are `make demo` and `make test`; each works alone on a fresh Debian or Ubuntu
# with Rust. `make help` lists the rest.

SHELL := /bin/bash
STEP := tests/step
export CARGO_BUILD_JOBS ?= 2
export CARGO_TERM_COLOR ?= never
# Tests that run at the same time, where tests mostly wait; and computers that boot do so.
SIDE_BY_SIDE ?= 4
SITES_SIDE_BY_SIDE ?= 3
# Every step builds with the same packages chosen, and so with the same features: nothing is compiled twice.
TESTS := cargo test --quiet --workspace

.PHONY: help demo test bench fuzz package reproducible advisories release setup build build-tests format lint doc deny \
	unit system end-to-end network test-system clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

# The programs of a call, in a profile that is quick to build.
DEMO := -p fieldlink-agent -p fieldlink-session -p fieldlink-relay -p fieldlink-connect -p fieldlink-device -p fieldlink-testbed

demo: ## A whole support call on this machine; with a terminal you play both sides
	@tests/setup demo
	@[ -d "$${CARGO_TARGET_DIR:-target}/demo/deps" ] || echo "the programs are built first: about four minutes on two processors"
	@$(STEP) "build (demo)" cargo build --profile demo --bins $(DEMO)
	@cargo run --quiet --profile demo -p fieldlink-testbed --bin demo

test: ## Everything: format, lints, docs, licences, unit, property, end-to-end and system tests
	@$(MAKE) --no-print-directory setup
	@rm -rf target/steps
	@$(MAKE) --no-print-directory format lint doc deny unit system test-system
	@tests/summary

setup: ## Install what is missing, with apt
	@tests/setup

build: ## Build the programs as they ship, and everything else that way
	@$(STEP) "build (release)" cargo build --release --workspace

format:
	@$(STEP) "format" cargo fmt --all --check

lint:
	@$(STEP) "clippy" cargo clippy --quiet --workspace --all-targets -- -D warnings

doc:
	@RUSTDOCFLAGS="-D warnings -A rustdoc::private-intra-doc-links" $(STEP) "documentation" cargo doc --quiet --workspace --no-deps --document-private-items

deny:
	@if command -v cargo-deny >/dev/null; then \
	  $(STEP) "licences and sources" cargo deny --log-level error check bans licenses sources; \
	else echo "skipped  licences and sources: cargo-deny is not installed (cargo install cargo-deny)"; fi

build-tests:
	@$(STEP) "build (as tests run)" cargo build --quiet --workspace --all-targets

unit: build-tests
	@$(STEP) "unit and property tests" env RUST_TEST_THREADS=$(SIDE_BY_SIDE) \
	  $(TESTS) --lib --bins --test structure --test fuzz_corpus --test tampering --test program --test wire

# They mostly wait, those of networks above all, so more run side by side than there are processors.
system: build-tests
	@$(MAKE) --no-print-directory -j2 end-to-end network

end-to-end:
	@$(STEP) "end-to-end tests" env RUST_TEST_THREADS=$(SIDE_BY_SIDE) $(TESTS) --test e2e --test session_process

network:
	@$(STEP) "network tests" env RUST_TEST_THREADS=2 $(TESTS) --test network

test-system: package build-tests ## Boot scanners and relays with the packages installed, and have calls (needs root)
	@$(STEP) "root file systems, where they can be had" \
	  sh -c 'for suite in bullseye bookworm trixie; do tests/rootfs $$suite & done; wait'
	@$(STEP) "system tests (Debian 12)" env -u FIELDLINK_TEST_SUITE RUST_TEST_THREADS=$(SITES_SIDE_BY_SIDE) \
	  $(TESTS) --test system
	@$(STEP) "system tests (Debian 11 and 13)" tests/platforms

bench: setup package build ## Measure, and print one table (also target/bench/bench.json). BASE=<rev>: compare with that revision
	@$(if $(BASE),tests/compare $(BASE),cargo run --quiet --release -p fieldlink-tests --bin bench)

fuzz: ## Run each fuzz target for 30 seconds, where cargo-fuzz is installed
	@tests/fuzz/run

package: ## Build the Debian packages, into target/package, and check them
	@tests/setup package
	@$(STEP) "packages" packaging/build
	@ls -1 target/package/*.deb

reproducible: ## Build the packages twice, in different places, and compare them byte by byte
	@tests/setup package
	@packaging/reproducible

advisories: ## Look up known vulnerabilities of every library in use (fetches a database; needs cargo-deny)
	@command -v cargo-deny >/dev/null || { echo "advisories: install cargo-deny first: cargo install --locked cargo-deny"; exit 1; }
	@cargo deny --log-level warn check advisories

release: advisories deny reproducible ## What is published: advisories and licences checked, packages built twice alike

clean: ## Remove everything that was built
	@cargo clean
