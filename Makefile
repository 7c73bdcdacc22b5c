# make demo, make test, make bench: all in a virtual environment of their own, in .venv.
PYTHON ?= python3
CORES ?= 2
BIN := .venv/bin
REPORT := results/report/report.html

.PHONY: demo test bench lint clean

demo: .venv/ssc
	$(BIN)/snakemake --cores $(CORES) --report $(REPORT) --report-after-run
	@echo "Done. The report: $(CURDIR)/$(REPORT)"

test: .venv/dev
	$(BIN)/pytest

# Our phase 2 of the published method against the published one, on IMAGE with its TILE_MAP and LABELS.
IMAGE ?= sample_data/predict/Clearbrook_0005.jpg
TILES := results/published/Clearbrook/tiles/Clearbrook_0005
TILE_MAP ?= $(TILES)/CNN_Clearbrook_0005.tif
LABELS ?= sample_data/predict/SCLS_Clearbrook_0005.tif

bench: .venv/ssc
	$(BIN)/snakemake --cores $(CORES) --config method=published results=results/published -- $(TILES)
	$(BIN)/python benchmarks/phase2.py --image "$(IMAGE)" --tile-map "$(TILE_MAP)" --labels "$(LABELS)"

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --lint

# The pins of a conda environment file, as pip reads them.
.venv/%: envs/%.yaml
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'needs Python 3.11 or newer: make PYTHON=python3.11 ...')"
	test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	sed -n 's/^ *- \([a-z0-9-]*==.*\)$$/\1/p' $< > $@.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r $@.txt
	mv $@.txt $@

.venv/dev: .venv/ssc

clean:
	rm -rf .venv .snakemake results logs
