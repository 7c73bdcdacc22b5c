"""Patience with SLURM, where its plugin has none; without SLURM this does nothing.

snakemake-executor-plugin-slurm 2.8.0 forgets all jobs when SLURM does not answer, and waits for ever
then. This goes as soon as a version of the plugin keeps them: `test_slurm.py` stops the controller.
"""


def keep_jobs_without_answer(check_active_jobs):
    """Report all jobs as active where the plugin has asked SLURM in vain."""

    async def check(self, active_jobs):
        answers = getattr(self, "_status_query_calls", None)
        active = [job async for job in check_active_jobs(self, active_jobs)]
        if active_jobs and answers is not None and self._status_query_calls == answers:
            self.logger.warning("SLURM does not answer; asking again later.")
            active = active_jobs
        for job in active:
            yield job

    return check


if slurm := sys.modules.get("snakemake_executor_plugin_slurm"):
    slurm.Executor.check_active_jobs = keep_jobs_without_answer(
        slurm.Executor.check_active_jobs
    )
