"""Training steps of all recipes of the zoo.

    optimiser, schedule = cycle(net, rate, steps)
    mean = copy.deepcopy(net)
    for step in range(1, steps + 1):
        total += descend(optimiser, schedule, loss_of(net(x), y), clip=1.0)
        add_to_mean(mean, net, step)

The running mean of the weights over the last steps is the result: B. Polyak, A. Juditsky, "Acceleration of
Stochastic Approximation by Averaging", 1992.
"""

import torch
from torch.nn import functional


def cycle(net, rate, steps, decay=0.02, rise=0.15):
    """AdamW, and one cycle of learning rates that rises for a share of the steps (L. Smith, arXiv 1708.07120)."""
    optimiser = torch.optim.AdamW(net.parameters(), rate, weight_decay=decay)
    return optimiser, torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps, pct_start=rise)


def descend(optimiser, schedule, loss, clip=None):
    """One step.  clip: the greatest norm of the gradient.  Returns the loss as a number.

    Raises FloatingPointError if the loss is not finite.
    """
    if not torch.isfinite(loss):
        raise FloatingPointError(f"loss is {loss.item()} at learning rate {schedule.get_last_lr()[0]}")
    optimiser.zero_grad()
    loss.backward()
    if clip is not None:
        torch.nn.utils.clip_grad_norm_([p for group in optimiser.param_groups for p in group["params"]], clip)
    optimiser.step()
    schedule.step()
    return loss.item()


def divergence(logits, taught, temperature):
    """Mean divergence from a teacher's scores, both softened, times temperature squared.  Axis 1 has the classes.

    G. Hinton, O. Vinyals, J. Dean, "Distilling the Knowledge in a Neural Network", arXiv 1503.02531.
    """
    log, target = (functional.log_softmax(z / temperature, 1) for z in (logits, taught))
    return functional.kl_div(log, target, reduction="none", log_target=True).sum(1).mean() * temperature**2


def add_to_mean(mean, net, step, most=0.995, early=10):
    """Add the weights after `step` steps to their running mean, in place.

    The mean keeps step / (step + early) of itself, at most `most`.  Counters are copied.
    """
    keep = min(most, step / (step + early))
    with torch.no_grad():
        for a, b in zip(mean.state_dict().values(), net.state_dict().values()):
            a.lerp_(b, 1 - keep) if a.is_floating_point() else a.copy_(b)
