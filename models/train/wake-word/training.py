"""Training on stretches of rows.

A stretch has some hundred windows, each with a target: 1 if the phrase has just ended, 0 for everything
else, not counted shortly before and after. Half of the stretches hold the phrase.

The loss is the mean over the phrase's windows plus the mean over the hardest of the others, so hard negatives
are mined in every batch. The result is the running average of the weights.
"""

import copy
import time

import numpy as np
import stretches
import torch
from descent import add_to_mean, cycle, descend
from network import WakeNet
from torch.nn import functional

BATCH, RATE, DECAY = 32, 4e-3, 0.03
HARD = 0.05  # share of the other windows that count at the end of training; all do at its beginning
SMOOTHING = 0.02


def loss_of(logits, y, share):
    """Mean cross-entropy of the phrase's windows, plus that of a share of the other windows: the hardest."""
    loss = functional.binary_cross_entropy_with_logits(logits, y.float().clamp(SMOOTHING, 1 - SMOOTHING), reduction="none")
    others = loss[y == stretches.OTHER]
    hard = others.topk(max(1, int(share * len(others)))).values
    return loss[y == stretches.HIT].mean() + hard.mean()


def train(data, window, steps, seed, threads, show=print):
    """The trained network. data: stretches.Stretches."""
    torch.manual_seed(seed)
    torch.set_num_threads(threads)
    net = WakeNet(window)
    average = copy.deepcopy(net)
    optimiser, schedule = cycle(net, RATE, steps, DECAY)
    began, total, shown = time.time(), 0.0, max(1, steps // 10)
    for step in range(1, steps + 1):
        net.train()
        x, y = data.draw(BATCH)
        with torch.autocast("cpu", torch.bfloat16):
            logits = net(x).float()
        loss = loss_of(logits, y, HARD ** min(1, 2 * step / steps))
        total += descend(optimiser, schedule, loss, clip=2.0)
        add_to_mean(average, net, step, early=20)
        if step % shown == 0:
            show(f"  step {step} of {steps}, loss {total / shown:.3f}, {time.time() - began:.0f} s")
            total = 0.0
    return average.eval()
