"""Writes runner_cfg-6.54.json: the whole configuration of a run, as SAELens dumps it.

Versions: sae-lens 6.54.12, Python 3.11. Run: HF_HUB_OFFLINE=1 python make_runner_cfg.py
"""

import json
import pathlib

from sae_lens import LanguageModelSAERunnerConfig
from sae_lens.registry import SAE_TRAINING_CLASS_REGISTRY

config = SAE_TRAINING_CLASS_REGISTRY["topk"][1]
runner = LanguageModelSAERunnerConfig(
    sae=config(d_in=8, d_sae=24, k=3),
    model_name="tiny",
    hook_name="blocks.0.hook_mlp_out",
    context_size=16,
    training_tokens=1280,
    train_batch_size_tokens=32,
    lr=3e-3,
)
dumped = runner.to_dict()
# Drawn anew each time.
dumped["checkpoint_path"] = "checkpoints/0"
path = pathlib.Path(__file__).parent / "runner_cfg-6.54.json"
path.write_text(json.dumps(dumped, indent=2) + "\n")
