"""Is one of two things measured side by side really faster? A test that assumes nothing about how times are spread."""
import itertools
import random
import statistics

# With so many rounds all ways to flip signs are gone through; with more, so many of them by chance.
EXACT_ROUNDS = 14
FLIPS = 1 << EXACT_ROUNDS


def _flips(n):
    if n <= EXACT_ROUNDS:
        return itertools.product((1, -1), repeat=n)
    source = random.Random(n)
    return ([source.choice((1, -1)) for _ in range(n)] for _ in range(FLIPS))


def chance(differences):
    """
    How likely the mean of these differences is to be as far from 0 as it is, if there is no difference: then each
    might as well have come out with the other sign. Below 0.05 the difference counts as real.

    >>> round(chance([1.0, 1.2, 0.9, 1.1, 1.0, 0.8, 1.3]), 3)
    0.016
    >>> chance([1.0, -1.1, 0.9, -0.8, 1.2, -1.0]) > 0.5
    True
    >>> chance([0.0, 0.0])
    1.0
    """
    seen = abs(statistics.fmean(differences))
    outcomes = [abs(statistics.fmean(sign * x for sign, x in zip(signs, differences))) >= seen * (1 - 1e-9)
                for signs in _flips(len(differences))]
    return sum(outcomes) / len(outcomes)


def compare(before, after):
    """The median difference of two lists of times, round by round, and the chance that there is none."""
    differences = [b - a for a, b in zip(before, after)]
    return statistics.median(differences), chance(differences)
