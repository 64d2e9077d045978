"""Which supernet trains which placement, as in a balanced mixture of supernets.

Source: Javan, Toews, Pedersoli, "Balanced Mixture of SuperNets for Learning the CNN Pooling Architecture",
AutoML 2023, arXiv 2306.11982.
"""

import numpy as np

# share of the old value in the moving average of an accuracy, first and last factor of the softmax: the
# values of the authors' program
KEEP = 0.95
FACTORS = (1, 100)
# largest Kullback-Leibler divergence of the load from the even load
TOLERANCE = 1e-4
# largest number of corrections of the load
ROUNDS = 10_000


def balanced(scores, factor):
    """Probability of each supernet for each placement [placements, supernets]: softmax(factor * scores), then
    corrected until the sums over placements are even.  Raises ArithmeticError if they do not become so."""
    shares = np.exp(factor * (scores - scores.max(1, keepdims=True)))
    shares /= shares.sum(1, keepdims=True)
    for _ in range(ROUNDS):
        load = shares.mean(0)
        if (load * np.log(load * scores.shape[1])).sum() <= TOLERANCE:
            return shares
        shares /= load
        shares /= shares.sum(1, keepdims=True)
    raise ArithmeticError(f"the load {load} is not even after {ROUNDS} corrections")


class Assignment:
    """Chooses a placement, evenly, and the supernet that it trains.  Learns from the accuracy of the pair."""

    def __init__(self, placements, supernets, steps, seed):
        self.rng = np.random.default_rng(seed)
        self.steps = steps
        # 1 is higher than any accuracy in the beginning, so that every pair is tried
        self.scores = np.ones((placements, supernets))
        self.counts = np.zeros((placements, supernets), int)

    def shares(self):
        first, last = FACTORS
        return balanced(self.scores, first + (last - first) * self.counts.sum() / self.steps)

    def choose(self):
        """(index of a placement, index of a supernet)"""
        placement = self.rng.integers(len(self.scores))
        supernet = self.rng.choice(self.scores.shape[1], p=self.shares()[placement])
        self.counts[placement, supernet] += 1
        return placement, supernet

    def learn(self, pair, accuracy):
        self.scores[pair] = KEEP * self.scores[pair] + (1 - KEEP) * accuracy
