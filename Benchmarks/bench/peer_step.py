"""Speed of one training step of another implementation, in activations per second.

    python peer_step.py PEER [--d-in 1024] [--d-sae 16384] [--batch 4096] [--k 64] [--threads 2]
                        [--steps 3] [--warm-up 1]

PEER is saelens-topk, saelens-topk-sparse (with use_sparse_activations, which torch does on a
processor only when rescale_acts_by_decoder_norm is false), saelens-standard, dictionary-learning
(its TopK trainer) or sparsify (TopK without Triton, Adam). A process measures one of them and prints
a line of JSON, so that a driver can alternate A B A B. A step is forward, backward, clipping where the peer
clips, optimizer, and the counters that the peer keeps; the rows are made beforehand. They are
mixtures of 32 of 4 d_in random directions. For saelens-standard the encoder's bias starts where k
latents fire per row on average, and the learning rate is so small that it stays there.
Made with Python 3.11, torch 2.15, sae-lens 6.54.12, dictionary-learning 0.1.0, eai-sparsify 1.3.3.
Set HF_HUB_OFFLINE=1.
"""

import argparse
import contextlib
import json
import logging
import os
import resource
import statistics
import sys
import time
import warnings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ["SPARSIFY_DISABLE_TRITON"] = "1"
logging.disable(logging.WARNING)
warnings.filterwarnings("ignore")

import torch

LR = 1e-6


def make_batches(arguments, count: int) -> list:
    generator = torch.Generator().manual_seed(0)
    directions = torch.randn(4 * arguments.d_in, arguments.d_in, generator=generator)
    directions /= directions.norm(dim=1, keepdim=True)
    batches = []
    for _ in range(count):
        shape = (arguments.batch, 32)
        chosen = torch.randint(0, len(directions), shape, generator=generator)
        weights = 0.5 + torch.rand(shape, generator=generator)
        batches.append(torch.nn.functional.embedding_bag(
            chosen, directions, mode="sum", per_sample_weights=weights))
    return batches


def saelens_sae(arguments, batches, architecture: str, **options):
    """An SAE of SAELens as it starts."""
    from sae_lens.registry import get_sae_training_class

    cls, config = get_sae_training_class(architecture)
    sae = cls(config(d_in=arguments.d_in, d_sae=arguments.d_sae, **options))
    if architecture == "standard":
        with torch.no_grad():
            sample = batches[0][:256] @ sae.W_enc
            rank = sample.numel() - round(arguments.k * len(sample))
            sae.b_enc -= sample.flatten().kthvalue(rank).values
    return sae


def saelens(arguments, batches, architecture: str, **options):
    """A step of SAELens's trainer; returns the L0 of the batch."""
    from sae_lens.config import LoggingConfig, SAETrainerConfig
    from sae_lens.training.sae_trainer import SAETrainer

    sae = saelens_sae(arguments, batches, architecture, **options)
    total = arguments.batch * (arguments.steps + arguments.warm_up)
    trainer = SAETrainer(
        SAETrainerConfig(
            total_training_samples=total, train_batch_size_samples=arguments.batch, lr=LR,
            lr_end=LR, logger=LoggingConfig(log_to_wandb=False)),
        sae, data_provider=iter(()))

    def step(index, batch):
        output = trainer.step(batch)
        trainer.n_training_steps += 1
        return lambda: output.feature_acts.to_dense().count_nonzero().item() / len(batch)

    return step


def dictionary_learning(arguments, batches):
    from dictionary_learning.trainers.top_k import TopKTrainer

    trainer = TopKTrainer(
        steps=10_000, activation_dim=arguments.d_in, dict_size=arguments.d_sae, k=arguments.k,
        layer=0, lm_name="none", lr=LR, device="cpu")
    # The median that starts b_dec belongs to step 0, which is not timed.
    trainer.update(0, batches[0])

    def step(index, batch):
        trainer.update(index + 1, batch)
        return lambda: float(arguments.k)

    return step


def sparsify(arguments, batches):
    # What sparsify.trainer does between taking a hook's activations and the next batch.
    with contextlib.redirect_stdout(sys.stderr):  # It says that Triton is disabled.
        from sparsify import SparseCoderConfig
        from sparsify.sparse_coder import SparseCoder

    coder = SparseCoder(
        arguments.d_in, SparseCoderConfig(num_latents=arguments.d_sae, k=arguments.k))
    optimizer = torch.optim.Adam(coder.parameters(), lr=LR)
    since_fired = torch.zeros(arguments.d_sae, dtype=torch.long)

    def step(index, batch):
        coder.set_decoder_norm_to_unit_norm()
        output = coder(batch)
        fired = torch.zeros(arguments.d_sae, dtype=torch.bool)
        fired[output.latent_indices.flatten()] = True
        output.fvu.backward()
        coder.remove_gradient_parallel_to_decoder_directions()
        optimizer.step()
        optimizer.zero_grad()
        since_fired.add_(len(batch))
        since_fired[fired] = 0
        return lambda: (output.latent_acts > 0).sum().item() / len(batch)

    return step


PEERS = {
    "saelens-topk": lambda a, b: saelens(a, b, "topk", k=a.k),
    "saelens-topk-sparse": lambda a, b: saelens(
        a, b, "topk", k=a.k, use_sparse_activations=True, rescale_acts_by_decoder_norm=False),
    "saelens-standard": lambda a, b: saelens(a, b, "standard", l1_coefficient=0.01),
    "dictionary-learning": dictionary_learning,
    "sparsify": sparsify,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer", choices=PEERS)
    for name, value in [
        ("--d-in", 1024), ("--d-sae", 16384), ("--batch", 4096), ("--k", 64), ("--threads", 2),
        ("--steps", 3), ("--warm-up", 1),
    ]:
        parser.add_argument(name, type=int, default=value)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    batches = make_batches(arguments, 2)
    step = PEERS[arguments.peer](arguments, batches)
    seconds = []
    for index in range(arguments.warm_up + arguments.steps):
        batch = batches[index % 2]
        begun = time.perf_counter()
        l0 = step(index, batch)
        seconds.append(time.perf_counter() - begun)
    timed = seconds[arguments.warm_up:]
    print(json.dumps({
        "items": arguments.batch, "seconds": statistics.median(timed), "best_seconds": min(timed), "l0": l0(),
        "peak_bytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}), flush=True)


if __name__ == "__main__":
    main()
