"""A training that an outside judge may kill: it saves at steps 4, 8 and 12, and leaves its result in result.txt.

pip install ckpt-chaos
ckpt-chaos run --modes before,torn,term,unsynced --max-points 400 --jobs 2 --step-regex "from step (\\d+)" \\
    --checkpoint-glob "{out}/step-*" --result-file "{out}/result.txt" \\
    --fail-on HARD_FAIL,SILENT_DIVERGENCE,LOST_WORK,CONTROL_FAIL -- python benchmarks/checkpoint_train.py {out}
"""

import sys
from pathlib import Path

import torch
from checkpoint_kills import fingerprint, noise

from gans_workshop import GAN, MLPDiscriminator, MLPGenerator, load_digits, seed_everything, train

torch.set_num_threads(1)
folder = Path(sys.argv[1])
seed_everything(3)
gan = GAN(MLPGenerator(width=16), MLPDiscriminator(width=16))
for steps in (4, 8, 12):
    train(gan, load_digits()[0][:100], steps=steps, batch_size=16, augment=noise, checkpoint=folder)
(folder / "result.txt").write_text(fingerprint(gan))
