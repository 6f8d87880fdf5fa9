"""Ranges: a set of whole numbers kept as ascending, separate, closed ranges."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

Range = tuple[int, int]
"""First and last number, both inside."""


class Ranges:
    """A set of numbers that mostly grows at its upper end."""

    __slots__ = ("ends", "starts")

    def __init__(self, ranges: Iterable[Range] = ()) -> None:
        self.starts: list[int] = []
        self.ends: list[int] = []
        for first, last in ranges:
            self.add(first, last)

    def __len__(self) -> int:
        """How many ranges."""
        return len(self.starts)

    def __iter__(self) -> Iterator[Range]:
        return zip(self.starts, self.ends, strict=True)

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self.starts, number) - 1
        return at >= 0 and number <= self.ends[at]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ranges) and self.starts == other.starts and self.ends == other.ends

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __repr__(self) -> str:
        return f"Ranges({list(self)})"

    @property
    def last(self) -> int:
        """The highest number; -1 when empty."""
        return self.ends[-1] if self.ends else -1

    def copy(self) -> "Ranges":
        """An independent copy."""
        other = Ranges()
        other.starts, other.ends = self.starts.copy(), self.ends.copy()
        return other

    def add(self, first: int, last: int) -> None:
        """Put in first..last; what touches becomes one range."""
        starts, ends = self.starts, self.ends
        if ends and first == ends[-1] + 1:
            ends[-1] = last
            return
        low = bisect_right(ends, first - 2)  # the first range that ends at first - 1 or later
        high = bisect_right(starts, last + 1)  # behind the last range that starts at last + 1 or earlier
        if low < high:
            first, last = min(first, starts[low]), max(last, ends[high - 1])
        starts[low:high] = [first]
        ends[low:high] = [last]

    def touches(self, number: int) -> bool:
        """Would adding this number open no further range?"""
        at = bisect_right(self.starts, number + 1) - 1
        return at >= 0 and number <= self.ends[at] + 1

    def reach(self, number: int) -> int:
        """The highest number up to which everything from `number` on is inside; number - 1 when it is not itself."""
        at = bisect_right(self.starts, number) - 1
        return self.ends[at] if at >= 0 and number <= self.ends[at] else number - 1

    def holes(self, below: int) -> list[Range]:
        """What is missing between the ranges, as far as it lies below `below`."""
        found = []
        for end, start in zip(self.ends, self.starts[1:], strict=False):
            if end + 1 >= below:
                break
            found.append((end + 1, min(start, below) - 1))
        return found

    def remove(self, first: int, last: int) -> None:
        """Take out first..last."""
        starts, ends = self.starts, self.ends
        low = bisect_left(ends, first)  # the first range that ends at `first` or later
        high = bisect_right(starts, last)  # behind the last range that starts at `last` or earlier
        if low >= high:
            return
        left = [(starts[low], first - 1)] if starts[low] < first else []
        right = [(last + 1, ends[high - 1])] if ends[high - 1] > last else []
        starts[low:high] = [start for start, _ in left + right]
        ends[low:high] = [end for _, end in left + right]

    def covers(self, first: int, last: int) -> bool:
        """Is all of first..last inside?"""
        return self.reach(first) >= last

    def meets(self, first: int, last: int) -> bool:
        """Is any of first..last inside?"""
        at = bisect_left(self.ends, first)
        return at < len(self.starts) and self.starts[at] <= last

    def above(self, number: int) -> int | None:
        """The lowest number beyond this one at which a range starts."""
        at = bisect_right(self.starts, number)
        return self.starts[at] if at < len(self.starts) else None

    def within(self, first: int, last: int) -> Iterator[Range]:
        """What of first..last is inside."""
        at = bisect_left(self.ends, first)
        while at < len(self.starts) and self.starts[at] <= last:
            yield max(first, self.starts[at]), min(last, self.ends[at])
            at += 1

    def minus(self, other: "Ranges") -> "Ranges":
        """What is not in the other one."""
        left = self.copy()
        for first, last in other:
            left.remove(first, last)
        return left

    def common(self, other: "Ranges") -> "Ranges":
        """What is in both."""
        return Ranges(part for first, last in self for part in other.within(first, last))

    def total(self) -> int:
        """How many numbers."""
        return sum(self.ends) - sum(self.starts) + len(self.starts)
