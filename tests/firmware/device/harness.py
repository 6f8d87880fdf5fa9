"""Runs the test functions of one file on whichever Python this is: MicroPython has no pytest."""

import asyncio
import sys


def main(names: dict) -> None:
    """Run every `test_…` of a module's globals(), print how each went, and exit with 1 if one failed."""
    failed = 0
    tests = sorted(name for name in names if name.startswith("test_"))
    for name in tests:
        try:
            result = names[name]()
            if result is not None:
                asyncio.run(result)
            print("ok", name)
        except Exception as error:
            failed += 1
            print("FAILED", name)
            if hasattr(sys, "print_exception"):
                sys.print_exception(error)
            else:
                import traceback

                traceback.print_exc(file=sys.stdout)
    print(f"{len(tests)} tests, {failed} failed")
    sys.exit(1 if failed or not tests else 0)


def equal(got, wanted) -> None:
    """Like assert, but MicroPython says nothing about the two sides itself."""
    if got != wanted:
        raise AssertionError(f"got {got!r}, wanted {wanted!r}")


def raises(kind, function, *arguments) -> None:
    """Calling the function must raise that kind of exception."""
    try:
        function(*arguments)
    except kind:
        return
    raise AssertionError("nothing was raised")
