# Every command of the project. The work is done by the scripts in end2end/make; each of them can
# also be started by itself.
.DEFAULT_GOAL := help
.PHONY: help demo check test simulate kill-loop soak campaign fuzz dev bench web setup fmt build

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## /  make \1|/' | column -t -s '|'

demo: ## build, start, and run the main job on sample data (ONCE=1: stop after the receipt)
	@ONCE=$(ONCE) end2end/make/demo.sh

check: ## lints, unit and integration tests: what to run hour by hour
	@ONLY="lint unit" end2end/make/test.sh

test: ## everything that CI runs (ONLY="lint unit" picks steps)
	@ONLY="$(ONLY)" end2end/make/test.sh

simulate: ## deliveries in a simulated world: SEEDS=5000 of them from SEED=1 on, or the one seed SEED (many: PROFILE=release)
	@end2end/make/faults.sh simulation SEEDS=$(SEEDS) SEED=$(SEED) PROFILE=$(PROFILE)

kill-loop: ## kill the real program KILLS=5000 times, with seed SEED=1, over SQLite and PostgreSQL
	@end2end/make/faults.sh kills KILLS=$(or $(KILLS),5000) SEED=$(or $(SEED),1)

soak: ## run after run over a bad network for MINUTES=120: whether memory and open files grow
	@end2end/make/faults.sh soak MINUTES=$(or $(MINUTES),120)

campaign: ## what `make test` tries a few times, as often as docs/reliability.md promises
	@end2end/make/faults.sh campaign

fuzz: ## made-up files and answers, for MINUTES=1 each (TARGET="table parquet answer")
	@end2end/make/fuzz.sh MINUTES="$(MINUTES)" TARGET="$(TARGET)"

dev: ## build and run, again at every change of a source file
	@end2end/make/dev.sh

bench: ## measure a million profiles from import to delivery, into docs/benchmarks.md (PROFILES=1000000 GROWTH=10)
	@PROFILES=$(PROFILES) GROWTH=$(GROWTH) end2end/make/bench.sh

web: ## build what the browser loads into target/site
	@end2end/make/setup.sh web
	@end2end/make/web.sh

build: ## the release binary as it is shipped: target/bin/ferry (PROFILE=production)
	@PROFILE=$(or $(PROFILE),production) end2end/make/build.sh

setup: ## install what is missing: compiler target, tools, browser
	@end2end/make/setup.sh all

fmt: ## format the Rust sources
	@bash -c '. end2end/make/lib.sh && load_env && cargo fmt'
