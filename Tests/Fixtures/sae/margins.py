"""What makes a golden case one that every processor can reproduce; the scripts beside this one use it.

Processors and libraries sum products in different orders: the same pre-activation differs by some 1e-7.

Margins: a latent that hangs on less than SMALLEST_MARGIN has no one right answer. Every decision of every
step, measured in float64 from the parameters and the batch of the step, must be further from its border.

Drift: rounding also grows by itself, the more so the smaller a gradient is that Adam divides by its own
size. A case is trained again with every parameter moved by ROUNDING of itself before every step; the last
parameters may then differ by LARGEST_DRIFT in the measure of the tests, which allow 1e-4.
"""

import math

import torch

SMALLEST_MARGIN = 1e-5
ROUNDING, TRIALS, LARGEST_DRIFT = 3e-8, 3, 7e-5


def checked(run, name, tensors):
    """What `run` makes of a case, with its tensors; ends the script where the case is refused."""
    result = run(name, tensors)
    finals = [key for key in tensors if key.startswith(f"{name}.final.")]
    for trial in range(TRIALS):
        moved = dict(tensors)
        run(name, moved, torch.Generator().manual_seed(trial))
        drift = max(error(moved[key], tensors[key]) for key in finals)
        if drift > LARGEST_DRIFT:
            raise SystemExit(f"{name}: rounding drives it {drift:.1e} apart, above {LARGEST_DRIFT:g}")
    return result


def error(values, expected):
    """The tests' measure: the largest |x − y| over |y| + 0.001 · max |y|."""
    return ((values - expected).abs() / (expected.abs() + 1e-3 * expected.abs().max())).max().item()


class Watch:
    """Looks at the steps of a case; with a generator, moves the parameters by their rounding."""

    def __init__(self, case, rounding=None):
        self.case = case
        self.rounding = rounding
        self.step = 0
        self.worst = {}

    def see(self, settings, parameters, x, dead):
        """To be called before each step, with what `of_step` takes."""
        self.step += 1
        if self.rounding is not None:
            for value in parameters.values():
                noise = torch.randn(value.shape, generator=self.rounding)
                value.data *= 1 + ROUNDING * noise
            return
        for decision, values in of_step(settings, parameters, x, dead).items():
            if values.numel() and values.min().item() < self.worst.get(decision, (math.inf, 0))[0]:
                self.worst[decision] = (values.min().item(), self.step)

    def finish(self, steps):
        """Prints what a case did, or ends the script where a decision was too close."""
        if self.rounding is not None:
            return
        for decision, (value, step) in self.worst.items():
            if value < SMALLEST_MARGIN:
                raise SystemExit(
                    f"{self.case}: the margin of {decision} is {value:.1e} in step {step}, below "
                    f"{SMALLEST_MARGIN:g}; another lr would be another case")
        print(self.case, [
            (round(step["overall"], 3), step["dead"], round(step["norm"], 2)) for step in steps[1::6]])
        print("   margins:", ", ".join(f"{name} {value:.1e}" for name, (value, _) in self.worst.items()))


def of_step(settings, parameters, x, dead):
    """The distances from every border that latents of a step could fall on the other side of.

    `parameters` have SAELens's names and the values before the step, `x` [rows, d_in] is what the SAE
    is given, `dead` [d_sae] says which latents are.
    """
    values = {key: value.detach().double() for key, value in parameters.items()}
    kind = settings["architecture"]
    centred = centre(settings, values, x.detach().double())
    if kind == "matching_pursuit":
        return pursuit(settings, values["W_dec"], centred)
    if kind == "gated":
        gate = centred @ values["W_enc"] + values["b_gate"]
        magnitude = centred @ (values["W_enc"] * values["r_mag"].exp()) + values["b_mag"]
        return {"the gate": gate.abs(), "the magnitude": magnitude[gate > 0].abs()}
    pre = centred @ values["W_enc"] + values["b_enc"]
    if "jumprelu" in kind:
        beyond = (pre - values["threshold"].clamp(min=0)).abs()
        return {
            "the threshold": beyond,
            "the band": (beyond - settings["jumprelu_bandwidth"] / 2).abs()}
    if kind == "groupmax":
        return groups(settings, pre, dead, x.shape[1] // 2)
    if "topk" in kind:
        if settings.get("rescale_acts_by_decoder_norm", True):
            pre = pre * values["W_dec"].norm(dim=1)
        return largest(settings, pre, dead, x.shape[1] // 2)
    return {"the ReLU": pre.abs()}


def centre(settings, values, x):
    """What an encoder multiplies."""
    mode = settings.get("normalize_activations", "none")
    if mode == "constant_norm_rescale":
        x = x * math.sqrt(x.shape[1]) / x.norm(dim=1, keepdim=True)
    elif mode == "layer_norm":
        x = x - x.mean(1, keepdim=True)
        x = x / (x.std(1, keepdim=True) + 1e-5)
    return x - values["b_dec"] if settings.get("apply_b_dec_to_input", True) else x


def gap(values, k, above=0.0):
    """How far the k-th largest of each row is from the next, where it is itself above `above`."""
    if k >= values.shape[-1]:
        return torch.empty(0)
    first = values.topk(k + 1).values
    return (first[..., k - 1] - first[..., k])[first[..., k - 1] > above]


def largest(settings, pre, dead, k_aux):
    """The decisions of topk, abstopk and batchtopk, and of their AuxK."""
    kind = settings["architecture"]
    compared = pre.abs() if kind == "abstopk" else pre
    if "batchtopk" in kind:
        positive = compared.relu().flatten()[None]
        k = int(settings["k"] * pre.shape[0])
        result = {"the k largest": gap(positive, k)}
        if (positive > 0).sum() <= k:
            result["the ReLU"] = compared.abs()
    else:
        k = int(settings["k"])
        result = {"the k largest": gap(compared, k)}
        if kind == "topk":
            result["the ReLU"] = compared.topk(k).values.abs()
    if settings.get("aux_loss_coefficient", 1.0) > 0:
        whole = [pre.shape[1]]
        ends = settings["matryoshka_widths"] if settings.get("use_matryoshka_aux_loss") else whole
        for start, end in zip([0, *ends], ends):
            result["AuxK"] = torch.cat([
                result.get("AuxK", torch.empty(0)),
                gap(compared[:, start:end][:, dead[start:end]], k_aux, above=-math.inf)])
    return result


def groups(settings, pre, dead, k_aux):
    """The decisions of groupmax: the largest of each group, and AuxK after the ReLU."""
    first = pre.unflatten(-1, (int(settings["k"]), -1)).topk(2).values
    best, second = first.unbind(-1)
    result = {"the largest of a group": (best - second)[best > 0], "the ReLU": best.abs()}
    if settings["aux_loss_coefficient"] > 0:
        result["AuxK"] = gap(pre.relu()[:, dead], k_aux)
    return result


def pursuit(settings, rows, residual):
    """The decisions of matching pursuit: the best latent of each iteration, and when a row ends."""
    count = settings.get("max_iterations") or rows.shape[1]
    limit = settings.get("residual_threshold", 0.01)
    support = torch.zeros(residual.shape[0], rows.shape[0], dtype=torch.bool)
    going = torch.ones(residual.shape[0], dtype=torch.bool)
    result = {"the best latent": [], "a latent at all": [], "the residual": []}
    for _ in range(count):
        products = residual @ rows.T
        best, second = products.topk(2, dim=1).values.unbind(1)
        index = products.argmax(1)
        result["a latent at all"].append(best[going].abs())
        result["the best latent"].append((best - second)[going & (best > 0)])
        amount = torch.where(going, best.relu(), 0.0)
        residual = residual - amount[:, None] * rows[index]
        was_there = support[torch.arange(len(index)), index]
        support[torch.arange(len(index)), index] |= amount > 0
        norm = residual.norm(dim=1)
        ends = torch.zeros_like(going)
        if settings.get("stop_on_duplicate_support", True):
            ends |= was_there | (amount <= 0)
        if limit > 0:
            result["the residual"].append((norm - limit)[going & ~ends].abs())
            ends |= norm < limit
        going = going & ~ends
        if not going.any():
            break
    return {decision: torch.cat(values) for decision, values in result.items() if values}
