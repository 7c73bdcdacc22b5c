"""Draw loss and accuracy of a training or tuning against epoch."""

import pandas as pd

from job import run_job
from results import atomic_path
from ssc.cnn.tuning import plateau_epoch
from ssc.evaluation.charts import plot_training


def main(snakemake):
    history = pd.read_csv(snakemake.input.history)
    title, mark = f"Training of CNN {snakemake.wildcards.group}", None
    if "val_loss" in history:
        epoch, reached = plateau_epoch(history)
        text = f"no lower after epoch {epoch}" if reached else f"still falling at epoch {epoch}"
        title = f"Tuning of CNN {snakemake.wildcards.group}: validation loss {text}"
        mark = epoch, f"epoch {epoch}"
    with atomic_path(snakemake.output.curves) as path:
        plot_training(path, title, history, mark)


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake)
