"""Train a teacher of the keyword network: Google's speech embedding (heard.py), and two convolutions.

    python teacher.py --cache DIR --wheel openwakeword-0.4.0-py3-none-any.whl --fold 0 --out answers-0.npz

The embedding was trained on other speech, so it knows more voices than the clips have.  All of it is trained
further.  It is too large for a microcontroller, so the keyword network learns from its answers:

copies float32 [copies, clips, 12], words float32 [words, 12]: logits for what prepare.py has in its cache

The answers of a fold come from a teacher that was not trained on the fold's clips.
"""

import numpy as np
import torch
from batches import TEACHER, copies_in, real
from clips import LABELS
from heard import Embedding
from torch import nn
from train import answers, options, train

CHANNELS, WIDTH, DROPOUT = 96, 160, 0.3
STEPS, BATCH, RATE = 1600, 64, 1e-3


def layer(inputs):
    """Convolution over three steps of 80 ms."""
    return [nn.Conv1d(inputs, WIDTH, 3), nn.BatchNorm1d(WIDTH), nn.ReLU(), nn.Dropout(DROPOUT)]


class Teacher(nn.Module):
    """[n, 1, 117, 32] real values of mel bands, 1.2 s -> logits [n, 12]."""

    view = TEACHER

    def __init__(self, wheel):
        super().__init__()
        self.embedding = Embedding(wheel)
        self.head = nn.Sequential(nn.BatchNorm1d(CHANNELS), *layer(CHANNELS), *layer(WIDTH))
        self.output = nn.Linear(2 * WIDTH, len(LABELS))

    def forward(self, x):
        y = self.head(self.embedding(x[:, 0]))
        return self.output(torch.cat([y.mean(2), y.amax(2)], 1))


def logits(net, x, size=256):
    """Logits float32 [n, 12] for stored rows int8 [n, 117, 32]."""
    net.eval()
    with torch.no_grad():
        parts = [torch.from_numpy(real(x[at : at + size]))[:, None] for at in range(0, len(x), size)]
        return np.concatenate([answers(net, part).numpy() for part in parts])


def main():
    parser = options(__doc__.split("\n")[0], STEPS, BATCH, RATE)
    parser.add_argument("--wheel", required=True, help="of openwakeword 0.4.0")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    net = train(Teacher(args.wheel), args)
    words = np.load(f"{args.cache}/{TEACHER.prefix}words.npz")["x"]
    copies = [logits(net, np.load(path)) for path in copies_in(args.cache, TEACHER)]
    np.savez(args.out, copies=np.stack(copies), words=logits(net, words))


if __name__ == "__main__":
    main()
