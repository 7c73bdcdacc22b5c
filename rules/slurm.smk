"""Patience with SLURM, where its plugin has none: without SLURM this does nothing."""

import sys


def patient(check_active_jobs):
    """The plugin forgets all jobs when SLURM does not answer, and would wait for ever then."""

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
    slurm.Executor.check_active_jobs = patient(slurm.Executor.check_active_jobs)
