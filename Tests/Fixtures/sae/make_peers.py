"""Makes what SAELens's peers compute in twenty steps: p_anneal of dictionary_learning, groupmax of sparsify.

Versions: Python 3.11, torch 2.15.0, dictionary-learning 0.1.0, eai-sparsify 1.3.3, safetensors 0.8.
Run:      python make_peers.py        (in this folder; a minute)

The peers' own trainers run: PAnnealTrainer.update, and sparsify's Trainer.fit over a model that looks the
batches up. goldens-peers.json holds the settings of each case by the names of a pipeline file, and
the figures of each step, as goldens-more.json does; further

  rates                     learning rates of the steps: neither peer's warm-up is one of SAELens's
  p sparsity_coefficient    what p_anneal uses in the step; l1 is their loss, with its warm-up

`mse` of groupmax is its fraction of variance unexplained, `auxiliary` has its coefficient. Neither peer clips
gradients: input_scale keeps their norms below 1, so that clipping changes nothing. Gradients are those before
their projection. All cases start from `initial.peers.*`, as `initial` says. sparsify brings the rows of
W_dec to norm 1 before the next step instead of after one; its last W_dec is stored after that. Counters are of latents above 0;
sparsify also counts the first latent of a group without any, which no case with AuxK has.
margins.py says which cases are refused.
"""

import contextlib
import io
import json
import os
import tempfile

os.environ["SPARSIFY_DISABLE_TRITON"] = "1"

import torch  # noqa: E402
from dictionary_learning.trainers import PAnnealTrainer  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from sparsify import SparseCoderConfig, TrainConfig, Trainer  # noqa: E402

import make_goldens  # noqa: E402
import make_more  # noqa: E402
import margins  # noqa: E402
from make_goldens import D_IN, D_SAE, ROWS, STEPS  # noqa: E402

P_ANNEAL = dict(
    architecture="p_anneal", normalize_sae_decoder=True, scale_sparsity_penalty_by_decoder_norm=False,
    sparsity_function="Lp^p", l1_coefficient=0.01, p_start=1.0, p_end=0.6, anneal_start=3, anneal_end=15, n_sparsity_updates=4,
    sparsity_queue_length=3, lr=0.002, input_scale=0.125, dead_latents=36,
)
GROUPMAX = dict(
    architecture="groupmax", normalize_sae_decoder=True, mse_loss_normalization="variance",
    rescale_acts_by_decoder_norm=False, k=8, aux_loss_coefficient=0.0, dead_feature_window=1000, lr=0.003, lr_decay_steps=STEPS,
)
CASES = {
    "p-anneal": P_ANNEAL,
    "p-anneal-norm": dict(P_ANNEAL, sparsity_function="Lp", lr=0.0012),
    "p-anneal-continuous": dict(
        P_ANNEAL, anneal_end=None, n_sparsity_updates="continuous", sparsity_queue_length=10,
        l1_coefficient=0.008),
    "p-anneal-schedules": dict(
        P_ANNEAL, l1_warm_up_steps=6, lr_warm_up_steps=4, lr_decay_steps=7, lr=0.0015),
    "groupmax": GROUPMAX,
    "groupmax-dead": dict(
        GROUPMAX, k=4, aux_loss_coefficient=0.5, dead_feature_window=2, lr_warm_up_steps=5,
        lr_decay_steps=STEPS - 5, input_scale=2.0),
    "groupmax-silent": dict(GROUPMAX, dead_latents=20),
}


class Record:
    """The steps of a case, in the words of the golden files."""

    def __init__(self, name, settings, parameters, tensors, rounding):
        self.name = name
        self.settings = settings
        self.parameters = parameters
        self.tensors = tensors
        self.watch = margins.Watch(name, rounding)
        self.passes = torch.zeros(D_SAE, dtype=torch.long)
        self.counts = torch.zeros(D_SAE, dtype=torch.long)
        self.steps, self.rates = [], []

    @property
    def dead(self):
        return self.passes > self.settings.get("dead_feature_window", 1000)

    def before(self, x):
        """Before the forward pass of a step."""
        self.watch.see(self.settings, self.parameters(), x, self.dead)

    def after(self, figures, f):
        """After it, with the latents [rows, d_sae]."""
        active = f > 0
        self.steps.append(dict(
            **figures, l0=active.sum(1).float().mean().item(), dead=int(self.dead.sum())))
        self.counts += active.sum(0)
        self.passes = torch.where(active.any(0), 0, self.passes + 1)

    def differentiated(self, gradients, rate):
        """After the backward pass, before gradients are projected."""
        norm = torch.cat([value.flatten() for value in gradients.values()]).norm().item()
        if norm >= 1:
            raise SystemExit(f"{self.name}: a gradient of norm {norm:.2f} would be clipped")
        self.steps[-1]["norm"] = norm
        self.rates.append(rate)
        if len(self.steps) == 1:
            for key, value in gradients.items():
                self.tensors[f"{self.name}.gradient.{key}"] = value.clone().contiguous()

    def finish(self):
        self.watch.finish(self.steps)
        for key, value in self.parameters().items():
            self.tensors[f"{self.name}.final.{key}"] = value.detach().clone().contiguous()
        return dict(
            settings=self.settings, initial="initial.peers", rates=self.rates, passesSinceFired=self.passes.tolist(),
            activeCounts=self.counts.tolist(),
            steps=[{key: make_more.shortened(value) for key, value in step.items()} for step in self.steps])


def batches(settings):
    return make_goldens.batches() * settings.get("input_scale", 1)


def initial():
    """Encoder and biases so small that no gradient is clipped, and decoder rows of norm 1."""
    values = make_goldens.initial()
    return {
        "W_enc": values["W_enc"] / 2, "b_enc": values["b_enc"] / 8, "b_dec": values["b_dec"] / 8,
        "W_dec": values["W_dec"] / values["W_dec"].norm(dim=1, keepdim=True)}


def start(parameters, settings):
    """Gives an SAE its initial values, by SAELens's names."""
    values = initial()
    values["b_enc"][: settings.get("dead_latents", 0)] -= 5
    for key, value in parameters.items():
        value.data.copy_(values[key])


def anneal(name, tensors, rounding):
    """Trains with dictionary_learning's trainer."""
    settings = CASES[name]
    trainer = PAnnealTrainer(
        steps=STEPS, activation_dim=D_IN, dict_size=D_SAE, layer=0, lm_name="", device="cpu",
        lr=settings["lr"], warmup_steps=settings.get("lr_warm_up_steps", 0),
        decay_start=STEPS - settings["lr_decay_steps"] if "lr_decay_steps" in settings else None,
        initial_sparsity_penalty=settings["l1_coefficient"],
        sparsity_warmup_steps=settings.get("l1_warm_up_steps", 0),
        **{key: settings[key] for key in [
            "sparsity_function", "p_start", "p_end", "anneal_start", "anneal_end",
            "n_sparsity_updates", "sparsity_queue_length"]})
    sae = trainer.ae

    def parameters():
        return {
            "W_enc": sae.encoder.weight.T, "b_enc": sae.encoder.bias, "W_dec": sae.decoder.weight.T,
            "b_dec": sae.bias}

    def gradients():
        return {
            "W_enc": sae.encoder.weight.grad.T, "b_enc": sae.encoder.bias.grad,
            "W_dec": sae.decoder.weight.grad.T, "b_dec": sae.bias.grad}

    start(parameters(), settings)
    record = Record(name, settings, parameters, tensors, rounding)
    loss, step = trainer.loss, trainer.optimizer.step

    def recorded_loss(x, index, **options):
        record.before(x)
        with torch.no_grad():
            x_hat, f = sae(x, output_features=True)
        used = dict(p=trainer.p, sparsity_coefficient=trainer.sparsity_coeff)
        overall = loss(x, index, **options)
        record.after(dict(
            mse=(x - x_hat).pow(2).sum(-1).mean().item(), l1=trainer.scaled_lp_loss.item(),
            overall=overall.item(), **used), f)
        return overall

    def recorded_step():
        record.differentiated(gradients(), trainer.optimizer.param_groups[0]["lr"])
        step()

    trainer.loss, trainer.optimizer.step = recorded_loss, recorded_step
    for index, x in enumerate(batches(settings)):
        trainer.update(index, x)
    return record.finish()


@contextlib.contextmanager
def quiet():
    """What a peer prints about itself is not shown."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


class Lookup(torch.nn.Module):
    """A model whose only activations are the batches, a token for each row."""

    def __init__(self, rows):
        super().__init__()
        self.embed = torch.nn.Embedding.from_pretrained(rows.flatten(0, 1))
        self.dummy_inputs = {"input_ids": torch.zeros(1, 1, dtype=torch.long)}

    @property
    def base_model(self):
        return self

    @property
    def device(self):
        return self.embed.weight.device

    def forward(self, input_ids):
        return self.embed(input_ids)


def group(name, tensors, rounding):
    """Trains with sparsify's trainer."""
    settings = CASES[name]
    x = batches(settings)
    tokens = torch.arange(STEPS * ROWS).split(ROWS)
    folder = tempfile.TemporaryDirectory()
    # `finetune` keeps the trainer from setting b_dec to the mean of the first batch.
    config = TrainConfig(
        SparseCoderConfig(activation="groupmax", num_latents=D_SAE, k=settings["k"]), batch_size=1,
        optimizer="adam", lr=settings["lr"], lr_warmup_steps=settings.get("lr_warm_up_steps", 0),
        auxk_alpha=settings["aux_loss_coefficient"], hookpoints=["embed"], log_to_wandb=False,
        dead_feature_threshold=settings["dead_feature_window"] * ROWS, finetune="given",
        save_dir=folder.name)
    with quiet():
        trainer = Trainer(config, [{"input_ids": row} for row in tokens], Lookup(x))
    sae = trainer.saes["embed"]

    def parameters():
        return {
            "W_enc": sae.encoder.weight.T, "b_enc": sae.encoder.bias, "W_dec": sae.W_dec,
            "b_dec": sae.b_dec}

    def gradients():
        return {
            "W_enc": sae.encoder.weight.grad.T, "b_enc": sae.encoder.bias.grad,
            "W_dec": sae.W_dec.grad, "b_dec": sae.b_dec.grad}

    start(parameters(), settings)
    record = Record(name, settings, parameters, tensors, rounding)
    project = sae.remove_gradient_parallel_to_decoder_directions

    def before(module, arguments, options):
        if options["dead_mask"] is not None and (options["dead_mask"] != record.dead).any():
            raise SystemExit(f"{name}: sparsify counts other latents as dead")
        record.before(options["x"])

    def after(module, arguments, options, output):
        auxiliary = settings["aux_loss_coefficient"] * output.auxk_loss.item()
        f = torch.zeros(ROWS, D_SAE).scatter(1, output.latent_indices, output.latent_acts.detach())
        record.after(dict(
            mse=output.fvu.item(), auxiliary=auxiliary, overall=output.fvu.item() + auxiliary), f)

    def recorded_project():
        record.differentiated(gradients(), trainer.optimizers[0].param_groups[0]["lr"])
        project()

    sae.register_forward_pre_hook(before, with_kwargs=True)
    sae.register_forward_hook(after, with_kwargs=True)
    sae.remove_gradient_parallel_to_decoder_directions = recorded_project
    with quiet():
        trainer.fit()
    folder.cleanup()
    sae.set_decoder_norm_to_unit_norm()
    return record.finish()


def run(name, tensors, rounding=None):
    make = anneal if CASES[name]["architecture"] == "p_anneal" else group
    return make(name, tensors, rounding)


def main():
    torch.set_num_threads(1)
    tensors = {f"initial.peers.{key}": value.contiguous() for key, value in initial().items()}
    cases = {name: margins.checked(run, name, tensors) for name in CASES}
    save_file(tensors, os.path.join(make_goldens.HERE, "goldens-peers.safetensors"))
    with open(os.path.join(make_goldens.HERE, "goldens-peers.json"), "w") as file:
        json.dump(dict(cases=cases), file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
