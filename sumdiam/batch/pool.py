"""Worker processes: ours on this machine, or a cluster that somebody else runs."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sumdiam.batch.interrupt import interrupts_held

if TYPE_CHECKING:
    from distributed import Client, LocalCluster

_JOIN_SECONDS = 10.0
PATIENCE_SECONDS = 120.0


class ScheduleError(OSError):
    """There are no workers to measure on."""


@dataclass
class Pool:
    """Workers, ready.

    Parameters
    ----------
    client : Client
    cluster : LocalCluster or None
        Ours; None where somebody else runs the workers.
    workers : int
        How many of ours there should be.
    """

    client: Client
    cluster: LocalCluster | None
    workers: int

    def size(self) -> int:
        """Return how many studies can be measured at once, now."""
        return sum(self.client.nthreads().values())

    def revive(self) -> None:
        """Start anew with fresh workers; what the old ones held is lost.

        A nanny gives up for ever when its worker dies in the moment in which it starts.
        """
        self.close()
        with interrupts_held():
            self.cluster, self.client = _start(self.workers)

    def close(self) -> None:
        """Let the workers go."""
        with interrupts_held():
            for part in (self.client, self.cluster):
                if part is not None:
                    # what will not end is killed by its nanny
                    with suppress(TimeoutError, OSError):
                        part.close(timeout=10)


@contextmanager
def open_pool(workers: int, cluster: str | None = None) -> Iterator[Pool]:
    """Start worker processes here, or join a cluster, for as long as the block runs.

    Parameters
    ----------
    workers : int
        Processes on this machine; not used with a cluster.
    cluster : str or None
        Address of a dask scheduler, such as ``tcp://10.0.0.1:8786``; its workers need the same
        version of sumdiam and the same paths.

    Raises
    ------
    ScheduleError
        If the cluster cannot be reached or has no worker.
    """
    import dask
    import distributed  # noqa: F401 - adds its defaults to dask's; must come before they are set

    quiet = {
        # a study that takes its worker with it is our business: see `schedule`
        "distributed.scheduler.allowed-failures": 0,
        "distributed.logging": {"distributed": "critical", "distributed.nanny": "critical"},
        "distributed.admin.large-graph-warning-threshold": "1GiB",
        "distributed.comm.timeouts.connect": "30s",
        # a cluster gives a worker up for good if it happens to be restarting some seconds after
        # a death of its predecessor, and closes it whatever it is doing by then
        "distributed.deploy.lost-worker-timeout": "1000 days",
    }
    level = logging.getLogger("distributed").level
    with dask.config.set(quiet):
        if cluster is not None:
            with _joined(cluster) as client:
                yield Pool(client, None, 0)
            return
        pool: Pool | None = None
        try:
            with interrupts_held():
                local, client = _start(workers)
                pool = Pool(client, local, workers)
            yield pool
        finally:
            if pool is not None:
                pool.close()
            logging.getLogger("distributed").setLevel(level)


def _start(workers: int) -> tuple[LocalCluster, Client]:
    """Start worker processes on this machine."""
    from distributed import Client, LocalCluster

    cluster = LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        silence_logs=logging.CRITICAL,
    )
    return cluster, Client(cluster, set_as_default=False)


@contextmanager
def _joined(address: str) -> Iterator[Client]:
    """Join a cluster that somebody else runs."""
    from distributed import Client

    try:
        client = Client(address, set_as_default=False, timeout=_JOIN_SECONDS)
    except (OSError, ValueError, TimeoutError) as error:
        msg = (
            f"no dask scheduler answers at {address} ({type(error).__name__}). Start one with "
            "`dask scheduler`, or leave out --cluster to measure on this machine."
        )
        raise ScheduleError(msg) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=PATIENCE_SECONDS)
        except TimeoutError as error:
            msg = (
                f"the dask scheduler at {address} has no worker after "
                f"{PATIENCE_SECONDS:.0f} s. Start one with `dask worker {address} --nthreads 1`."
            )
            raise ScheduleError(msg) from error
        yield client
