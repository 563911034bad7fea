"""How the threads of numpy and of ONNX Runtime share the cores."""

from __future__ import annotations

from threadpoolctl import threadpool_limits


def keep_blas_to_one_thread() -> None:
    """Have numpy multiply matrices in the calling thread, in the whole process from now on.

    ONNX Runtime's threads go on spinning for a while after a run. BLAS's own would then fight with them for
    the cores: the catalog head's small product took 10 ms a batch so, and takes 0.2 ms in one thread.
    """
    threadpool_limits(limits=1, user_api="blas")
