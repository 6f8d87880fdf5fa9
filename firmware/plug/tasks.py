"""What MicroPython's asyncio and CPython's do differently, in one place."""

import asyncio

if hasattr(asyncio, "sleep_ms"):
    sleep_ms = asyncio.sleep_ms
    wait_ms = asyncio.wait_for_ms
else:

    def sleep_ms(ms: int):
        return asyncio.sleep(ms / 1000)

    async def wait_ms(awaitable, ms: int):
        # CPython 3.11's wait_for loses a cancellation that comes together with the result.
        async with asyncio.timeout(ms / 1000):
            return await awaitable


async def cancel(tasks: list) -> None:
    """End these tasks and wait until they have ended; the task that calls this is left out."""
    others = [task for task in tasks if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    for task in others:
        try:
            await task
        except asyncio.CancelledError:
            pass


async def forever(work, log) -> None:
    """Run the coroutine function `work` again whenever an error ends it: one bad moment must not stop a plug."""
    while True:
        try:
            await work()
            return
        except Exception as error:  # a MemoryError too: what was let go may be enough the next time
            log("restarting after %r" % error)
            await sleep_ms(1000)
