"""Draw loss and accuracy of a training or tuning against epoch."""

from job import run_job
from results import atomic_path
from ssc.cnn.tuning import plateau_epoch
from ssc.evaluation.charts import draw_training
from ssc.evaluation.figures import save_figure
from ssc.io.tables import read_table

NOTES = {
    "training": "The CNN learns from all its labelled images; none is left to validate it. "
    "Cross-validation scores it honestly.",
    "tuning": "Validation: tiles of images that the CNN does not learn from.",
}


def main(snakemake):
    history, phase = read_table(snakemake.input.history), snakemake.wildcards.phase
    title, mark = f"Training of CNN {snakemake.wildcards.group}", None
    if phase == "tuning":
        epoch, reached = plateau_epoch(history)
        text = f"no lower after epoch {epoch}" if reached else f"still falling at epoch {epoch}"
        title = f"Tuning of CNN {snakemake.wildcards.group}: validation loss {text}"
        mark = epoch, f"epoch {epoch}"
    figure = draw_training(title, history, NOTES[phase], mark)
    for output in snakemake.output:
        with atomic_path(output) as path:
            save_figure(figure, path)


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake)
