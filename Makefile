# make demo, make test, make bench: all in a virtual environment of their own, in .venv.
PYTHON ?= python3
CORES ?= 2
BIN := .venv/bin
REPORT := results/report/report.html

.PHONY: demo test bench lint docs lock clean

demo: .venv/ssc
	$(BIN)/snakemake --cores $(CORES) --resources gpu=$(CORES)
	$(BIN)/snakemake --cores $(CORES) --configfile config/ortho.yaml
	@echo "Done. The report: $(CURDIR)/$(REPORT)"

test: .venv/dev .venv/slurm
	$(BIN)/pytest -n $(CORES) --dist loadfile --no-loadscope-reorder --durations 15

# Ours against the published algorithm on one image; the CNNs are trained first, if need be.
IMAGE ?= sample_data/predict/Clearbrook_0005.jpg
LABELS ?= sample_data/predict/SCLS_Clearbrook_0005.tif
UNET ?= results/bench/unet/Clearbrook/model/Clearbrook
TILE_CNN ?= results/bench/compact/Clearbrook/model/Clearbrook
TRAIN := $(BIN)/snakemake --cores $(CORES) --config
# The sample campaign without the keys of the U-Net in config/config.yaml.
COMPACT := 'campaign={train: sample_data/train, predict: sample_data/predict}' 'cnn={architecture: compact}'

bench: .venv/ssc
	test -f $(UNET).onnx || $(TRAIN) results=results/bench/unet -- $(UNET).onnx
	test -f $(TILE_CNN).onnx || $(TRAIN) results=results/bench/compact $(COMPACT) -- $(TILE_CNN).onnx
	$(BIN)/python benchmarks/published.py --image "$(IMAGE)" --labels "$(LABELS)" --unet "$(UNET)" --tile-cnn "$(TILE_CNN)" --doc docs/performance.md

# Those of the real images need SSC_DATA, the folder of them.
CONFIGS := config published $(if $(SSC_DATA),monterey stmarguerite experiments)

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	for config in $(CONFIGS); do $(BIN)/snakemake --lint --configfile config/$$config.yaml || exit 1; done
	cd workflow_scripts && MYPYPATH=. ../$(BIN)/mypy -p ssc

# A web site of all pages, in site/.
docs: .venv/docs
	rm -rf .docs && mkdir .docs
	cp -r *.md CITATION.cff config docs profiles .docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

# uv installs faster than pip.
$(BIN)/uv: envs/uv.txt
	@$(PYTHON) -c "import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14) and 'needs Python 3.11 to 3.13: make PYTHON=python3.13 ...')"
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --require-hashes -r $<
	@touch $@

# Without compiled modules each job compiles anew what it imports, where PYTHONDONTWRITEBYTECODE is set.
.venv/ssc: SIZE := : 3 GB on disk, some minutes
.venv/%: envs/%.txt | $(BIN)/uv
	@echo "Installing the packages of $< in .venv$(SIZE) ..."
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r $<
	@touch $@

.venv/dev .venv/slurm .venv/docs: .venv/ssc

# envs/*.txt: all packages that the pins of envs/*.yaml need, with their hashes. All fit into one .venv.
# What is locked stays as it is where the pins allow, but for UPGRADE=--upgrade or '--upgrade-package NAME'.
lock: $(BIN)/uv
	constraints=; for env in uv ssc dev slurm docs; do \
		sed -n 's/^ *- \([a-z0-9-]*==.*\)$$/\1/p' envs/$$env.yaml | $(BIN)/uv pip compile --quiet --universal \
			--python-version 3.11 --generate-hashes --custom-compile-command 'make lock' \
			$(UPGRADE) $$constraints --output-file envs/$$env.txt - || exit 1; \
		constraints="$$constraints --constraint envs/$$env.txt"; \
	done

clean:
	rm -rf .venv .docs site .snakemake results results_ortho logs
