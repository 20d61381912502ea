"""A kernel for nbclient whose answers are never missed."""

import time
from queue import Empty

from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.channels import AsyncZMQSocketChannel
from jupyter_client.manager import AsyncKernelManager
from traitlets import Type


class _Channel(AsyncZMQSocketChannel):
    """Looks again every second whether an answer has come.

    nbclient tells the kernel what a widget shows while it waits for the answer on the same socket. If the answer
    comes just then, the socket does not wake up for it, and without a limit of time nbclient would wait for ever.
    """

    async def get_msg(self, timeout=None):
        end = float("inf") if timeout is None else time.monotonic() + timeout
        while True:
            try:
                return await super().get_msg(max(min(1, end - time.monotonic()), 0))
            except Empty:
                if time.monotonic() >= end:
                    raise


class _Client(AsyncKernelClient):
    shell_channel_class = Type(_Channel)


class Kernel(AsyncKernelManager):
    """For `NotebookClient(..., kernel_manager_class=Kernel)`."""

    client_factory = Type(_Client)
